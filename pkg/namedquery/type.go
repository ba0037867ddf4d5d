package namedquery

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Type is what values of a parameter are.
type Type string

// The types of parameters, and how a value is written.
const (
	// Timestamp is a moment: 2026-11-01T08:00:00Z, the day 2026-11-01 in UTC, or so long
	// ago: 90m, 36h, 7d.
	Timestamp Type = "timestamp"
	Integer   Type = "integer" // a whole number that is not negative
	Text      Type = "text"    // anything without control characters
)

func (t Type) known() bool { return t == Timestamp || t == Integer || t == Text }

// literal returns the SQL for a value. No value reaches SQL but as a number, a moment
// that was parsed, or a quoted string.
func (t Type) literal(value string) (string, error) {
	switch t {
	case Timestamp:
		return timestamp(value)
	case Integer:
		number, err := strconv.ParseUint(value, 10, 31)
		if err != nil {
			return "", fmt.Errorf("%q must be a whole number, from 0 to 2147483647", value)
		}
		return strconv.FormatUint(number, 10), nil
	default:
		if strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return "", fmt.Errorf("%q must hold no control characters", value)
		}
		return "'" + strings.ReplaceAll(value, "'", "''") + "'", nil
	}
}

// Moment returns the moment that a value of the type [Timestamp] means.
func Moment(value string, now time.Time) (time.Time, error) {
	if found := ago.FindStringSubmatch(value); found != nil {
		count, err := strconv.Atoi(found[1])
		if err != nil {
			return time.Time{}, errMoment(value)
		}
		return now.Add(-time.Duration(count) * units[found[2]].length), nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if moment, err := time.Parse(layout, value); err == nil {
			return moment.UTC(), nil
		}
	}
	return time.Time{}, errMoment(value)
}

func errMoment(value string) error {
	return fmt.Errorf("%q must be a moment such as 2026-11-01T08:00:00Z, a day such as 2026-11-01, "+
		"or so long ago, such as 36h or 7d", value)
}

// units of so long ago, in SQL's words and as they are.
var units = map[string]struct {
	sql    string
	length time.Duration
}{"m": {"MINUTE", time.Minute}, "h": {"HOUR", time.Hour}, "d": {"DAY", 24 * time.Hour}}

var ago = regexp.MustCompile(`^([0-9]{1,5})([mhd])$`)

var defaultAgo = regexp.MustCompile(`^current_timestamp(?: - INTERVAL '([0-9]{1,5})' (MINUTE|HOUR|DAY))?$`)

// defaultMoment reads a default, and returns zero for what it cannot read.
func defaultMoment(sql string, now time.Time) time.Time {
	found := defaultAgo.FindStringSubmatch(sql)
	switch {
	case found == nil:
		return time.Time{}
	case found[1] == "":
		return now.UTC()
	}
	for letter, unit := range units {
		if unit.sql == found[2] {
			if moment, err := Moment(found[1]+letter, now); err == nil {
				return moment.UTC()
			}
		}
	}
	return time.Time{}
}

func timestamp(value string) (string, error) {
	if found := ago.FindStringSubmatch(value); found != nil {
		return "current_timestamp - INTERVAL '" + found[1] + "' " + units[found[2]].sql, nil
	}
	moment, err := Moment(value, time.Time{})
	if err != nil {
		return "", err
	}
	return "from_iso8601_timestamp('" + moment.Format(time.RFC3339) + "')", nil
}
