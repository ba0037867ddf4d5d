package feed

import (
	"bytes"
	"strconv"
	"time"
)

// clock reads the times of a list. It remembers the last date, because rows come in
// the order of their dates.
type clock struct {
	date     [len(time.DateOnly)]byte
	midnight time.Time
}

// parse reads a date, a date and a time, RFC 3339, or Unix seconds; UTC unless it says
// otherwise. It returns the zero time for anything else.
func (k *clock) parse(text []byte) time.Time {
	const date, second = len(time.DateOnly), len(time.DateTime)
	switch {
	case len(text) < date:
		return time.Time{}
	case text[4] != '-':
		return parseUnix(text)
	case len(text) == date:
		return k.day(text)
	case len(text) >= second && isUTC(text[second:]):
		midnight := k.day(text[:date])
		seconds, ok := secondOfDay(text[date+1 : second])
		if !ok || midnight.IsZero() || text[date] != ' ' && text[date] != 'T' {
			return time.Time{}
		}
		return midnight.Add(time.Duration(seconds) * time.Second)
	}
	t, err := time.Parse(time.RFC3339, string(text))
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

// day returns the midnight with which a date begins, or the zero time.
func (k *clock) day(date []byte) time.Time {
	if !bytes.Equal(date, k.date[:]) {
		copy(k.date[:], date)
		k.midnight = midnight(date)
	}
	return k.midnight
}

// midnight reads "2006-01-02". It is time.Parse without its price.
func midnight(date []byte) time.Time {
	number := func(digits []byte) (n int) {
		for _, c := range digits {
			n = 10*n + int(c-'0')
		}
		return n
	}
	year, month, day := date[:4], date[5:7], date[8:]
	if !allOf(year, isDigit) || !allOf(month, isDigit) || !allOf(day, isDigit) || date[4] != '-' || date[7] != '-' {
		return time.Time{}
	}
	t := time.Date(number(year), time.Month(number(month)), number(day), 0, 0, 0, 0, time.UTC)
	if y, m, d := t.Date(); y != number(year) || int(m) != number(month) || d != number(day) {
		return time.Time{} // as for 30 February
	}
	return t
}

// secondOfDay reads "15:04:05".
func secondOfDay(text []byte) (seconds int, ok bool) {
	for i, limit := range [3]int{24, 60, 60} {
		field := text[3*i:]
		n := 10*int(field[0]-'0') + int(field[1]-'0')
		if !isDigit(field[0]) || !isDigit(field[1]) || n >= limit || i < 2 && field[2] != ':' {
			return 0, false
		}
		seconds = 60*seconds + n
	}
	return seconds, true
}

func isUTC(zone []byte) bool {
	switch string(zone) {
	case "", "Z", " UTC", " Z", "UTC":
		return true
	}
	return false
}

// parseUnix reads seconds, or milliseconds if they are so many.
func parseUnix(digits []byte) time.Time {
	const seconds, milliseconds = len("1700000000"), len("1700000000000")
	if len(digits) != seconds && len(digits) != milliseconds || !allOf(digits, isDigit) {
		return time.Time{}
	}
	n, err := strconv.ParseInt(string(digits), 10, 64)
	switch {
	case err != nil:
		return time.Time{}
	case len(digits) == seconds:
		return time.Unix(n, 0).UTC()
	}
	return time.UnixMilli(n).UTC()
}
