package namedquery

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Type is the type of a parameter.
type Type string

// The types of parameters and the format of their values.
const (
	// typeTimestamp is a point in time: 2026-11-01T08:00:00Z, 2026-11-01T08:00 or the day
	// 2026-11-01 in UTC, or an age: 90m, 36h, 7d.
	typeTimestamp Type = "timestamp"
	typeInteger   Type = "integer" // a whole number that is not negative
	typeText      Type = "text"    // anything without control characters
)

func (t Type) isKnown() bool { return t == typeTimestamp || t == typeInteger || t == typeText }

// literal returns the SQL for a value. A value reaches SQL only as a number, a parsed point
// in time, or a quoted string.
func (t Type) literal(value string) (string, error) {
	switch t {
	case typeTimestamp:
		return timestampSQL(value)
	case typeInteger:
		number, err := strconv.ParseUint(value, 10, 31)
		if err != nil {
			return "", fmt.Errorf("%q must be a whole number from 0 to 2147483647", value)
		}
		return strconv.FormatUint(number, 10), nil
	default:
		if strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return "", fmt.Errorf("%q must not contain control characters", value)
		}
		return "'" + strings.ReplaceAll(value, "'", "''") + "'", nil
	}
}

// Moment parses a value of the type timestamp: a time, a day, or an age, which counts back from
// now. A time without a zone, and a day, are in UTC.
func Moment(value string, now time.Time) (time.Time, error) {
	if found := age.FindStringSubmatch(value); found != nil {
		count, err := strconv.Atoi(found[1])
		if err != nil {
			return time.Time{}, invalidTimestamp(value)
		}
		return now.Add(-time.Duration(count) * ageUnits[found[2]].length), nil
	}

	for _, layout := range []string{time.RFC3339, time.DateOnly, "2006-01-02T15:04:05", "2006-01-02T15:04", time.DateTime, "2006-01-02 15:04"} {
		if moment, err := time.Parse(layout, value); err == nil {
			return moment.UTC(), nil
		}
	}
	return time.Time{}, invalidTimestamp(value)
}

func invalidTimestamp(value string) error {
	return fmt.Errorf("%q must be a time such as 2026-11-01T08:00:00Z, a day such as 2026-11-01, "+
		"or an age such as 36h or 7d", value)
}

// ageUnits are the units of an age, with their names in SQL.
var ageUnits = map[string]struct {
	sql    string
	length time.Duration
}{
	"m": {"MINUTE", time.Minute},
	"h": {"HOUR", time.Hour},
	"d": {"DAY", 24 * time.Hour},
}

var age = regexp.MustCompile(`^([0-9]{1,5})([mhd])$`)

var defaultTimestamp = regexp.MustCompile(`^current_timestamp(?: - INTERVAL '([0-9]{1,5})' (MINUTE|HOUR|DAY))?$`)

// parseDefault parses the default of a timestamp. It returns the zero time if the default
// has another form.
func parseDefault(sql string, now time.Time) time.Time {
	found := defaultTimestamp.FindStringSubmatch(sql)
	switch {
	case found == nil:
		return time.Time{}
	case found[1] == "":
		return now.UTC()
	}

	for letter, unit := range ageUnits {
		if unit.sql == found[2] {
			if moment, err := Moment(found[1]+letter, now); err == nil {
				return moment.UTC()
			}
		}
	}
	return time.Time{}
}

// timestampSQL returns the SQL for a value of the type timestamp.
func timestampSQL(value string) (string, error) {
	if found := age.FindStringSubmatch(value); found != nil {
		return "current_timestamp - INTERVAL '" + found[1] + "' " + ageUnits[found[2]].sql, nil
	}

	moment, err := Moment(value, time.Time{})
	if err != nil {
		return "", err
	}
	return "from_iso8601_timestamp('" + moment.Format(time.RFC3339) + "')", nil
}
