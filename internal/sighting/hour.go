package sighting

import "time"

// hourParser parses times to hours. It remembers the last hour, because records that follow
// each other are of the same.
type hourParser struct {
	text string
	hour int64
}

// parse returns the hours between 1970 UTC and a time in the format of RFC 3339.
func (p *hourParser) parse(stamp []byte) (hour int64, ok bool) {
	const upToHour = len("2006-01-02T15")
	if len(stamp) == len("2006-01-02T15:04:05Z") && string(stamp[:upToHour]) == p.text && isMinute(stamp[upToHour:]) {
		return p.hour, true
	}

	at, err := time.Parse(time.RFC3339, string(stamp))
	if err != nil {
		return 0, false
	}
	hour = floorDivide(at.Unix(), int64(time.Hour/time.Second))
	if stamp[len(stamp)-1] == 'Z' {
		p.text, p.hour = string(stamp[:upToHour]), hour
	}
	return hour, true
}

// isMinute reports whether text has the form :04:05Z.
func isMinute(text []byte) bool {
	two := func(at int) bool {
		tens, ones := text[at]-'0', text[at+1]-'0'
		return tens <= 5 && ones <= 9
	}
	return text[0] == ':' && text[3] == ':' && text[6] == 'Z' && two(1) && two(4)
}

// floorDivide divides and rounds down, also if the dividend is negative.
func floorDivide(dividend, divisor int64) int64 {
	quotient := dividend / divisor
	if dividend%divisor < 0 {
		quotient--
	}
	return quotient
}
