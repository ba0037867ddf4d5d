package matches

import (
	"bytes"
	"time"
)

// timestamps reads the times of query logs. Records of one batch have the same day, so it
// remembers the last one.
type timestamps struct {
	day    [len("2006-01-02T")]byte
	millis int64 // of the start of the day
}

// parse returns a time in milliseconds since 1970. It reads the form of Resolver's logs,
// 2006-01-02T15:04:05Z, without package time if the day is the same as before, and anything
// that RFC 3339 allows with it.
func (t *timestamps) parse(text []byte) (millis int64, ok bool) {
	if len(text) == len("2006-01-02T15:04:05Z") && bytes.HasPrefix(text, t.day[:]) {
		if second, ok := secondOfDay(text[len(t.day):]); ok {
			return t.millis + 1000*second, true
		}
	}

	var at time.Time
	if at.UnmarshalText(text) != nil {
		return 0, false
	}
	if len(text) == len("2006-01-02T15:04:05Z") && text[len(text)-1] == 'Z' {
		copy(t.day[:], text)
		t.millis = at.UnixMilli() - 1000*int64(at.Hour()*3600+at.Minute()*60+at.Second())
	}
	return at.UnixMilli(), true
}

// secondOfDay reads 15:04:05Z.
func secondOfDay(text []byte) (second int64, ok bool) {
	if text[2] != ':' || text[5] != ':' || text[8] != 'Z' {
		return 0, false
	}
	hour, okHour := twoDigits(text[0], text[1], 24)
	minute, okMinute := twoDigits(text[3], text[4], 60)
	second, okSecond := twoDigits(text[6], text[7], 60)
	return 3600*hour + 60*minute + second, okHour && okMinute && okSecond
}

// twoDigits reads a number that is less than limit.
func twoDigits(tens, ones byte, limit int64) (n int64, ok bool) {
	if tens < '0' || tens > '9' || ones < '0' || ones > '9' {
		return 0, false
	}
	n = int64(10*(tens-'0') + ones - '0')
	return n, n < limit
}
