package settings

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Duration is a length of time. Its text is in Go's notation, "90s" or "36h", or in whole days,
// "7d".
type Duration time.Duration

// Std returns the duration as a [time.Duration].
func (d Duration) Std() time.Duration { return time.Duration(d) }

// String returns the shortest form that [ParseDuration] reads: "90s", "15m", "36h", "7d".
func (d Duration) String() string {
	std := d.Std()
	for _, unit := range []struct {
		length time.Duration
		symbol string
	}{
		{hoursPerDay * time.Hour, "d"}, {time.Hour, "h"}, {time.Minute, "m"}, {time.Second, "s"},
	} {
		if std >= unit.length && std%unit.length == 0 && (unit.symbol != "d" || std > unit.length) {
			return strconv.FormatInt(int64(std/unit.length), 10) + unit.symbol
		}
	}
	return std.String()
}

// MarshalText is the inverse of [Duration.UnmarshalText].
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads the form that [ParseDuration] reads, and "0s".
func (d *Duration) UnmarshalText(text []byte) error {
	if zero, err := time.ParseDuration(string(text)); err == nil && zero == 0 {
		*d = 0
		return nil
	}
	std, err := ParseDuration(string(text))
	if err != nil {
		return err
	}
	*d = Duration(std)
	return nil
}

// hoursPerDay is the length of a day in settings. No time zone is involved.
const hoursPerDay = 24

const durationRule = `must be above 0, like "90s", "36h" or "7d"`

// ParseDuration reads a duration above 0, in Go's notation ("90s", "36h") or in whole days
// ("7d").
func ParseDuration(text string) (time.Duration, error) {
	if days, found := strings.CutSuffix(text, "d"); found {
		if n, err := strconv.ParseUint(days, 10, 16); err == nil && n > 0 {
			return time.Duration(n) * hoursPerDay * time.Hour, nil
		}
	}
	duration, err := time.ParseDuration(text)
	if err != nil || duration <= 0 {
		return 0, fmt.Errorf("duration %q: %s", text, durationRule)
	}
	return duration, nil
}
