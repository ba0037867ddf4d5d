package projection

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// dateFields are the letters of DateTimeFormatter that produce digits, with Go's
// counterparts.
var dateFields = map[string]string{"yyyy": "2006", "MM": "01", "dd": "02", "HH": "15", "mm": "04", "ss": "05"}

// units are the units that this project's tables use.
var units = map[string]time.Duration{"DAYS": 24 * time.Hour, "HOURS": time.Hour, "MINUTES": time.Minute}

// parseDate parses a column of type date.
func parseDate(name, format, between, interval, unit string) (column, error) {
	layout, pattern, err := parseFormat(format)
	if err != nil {
		return column{}, fmt.Errorf("format %q: %w", format, err)
	}
	step := units[unit]
	if interval == "" {
		interval = "1"
	}
	count, err := strconv.Atoi(interval)
	if err != nil || count < 1 || step == 0 {
		return column{}, fmt.Errorf("interval %q of unit %q: not supported", interval, unit)
	}
	first, last, found := strings.Cut(between, ",")
	if !found {
		return column{}, fmt.Errorf("range %q: must be two dates with a comma between", between)
	}
	for _, end := range []string{first, last} {
		if _, err := bound(end, layout, time.Now()); err != nil {
			return column{}, fmt.Errorf("range %q: %w", between, err)
		}
	}
	contains := func(value string, now time.Time) error {
		from, err := bound(first, layout, now)
		to, toErr := bound(last, layout, now)
		at, valueErr := time.Parse(layout, value)
		switch err := errors.Join(err, toErr, valueErr); {
		case err != nil:
			return err
		case at.Before(from) || at.After(to):
			return fmt.Errorf("%s is not in the range %s", value, between)
		case at.Sub(from)%(time.Duration(count)*step) != 0:
			return fmt.Errorf("%s is not a step of %d %s from %s", value, count, unit, first)
		}
		return nil
	}
	return column{name: name, pattern: pattern, contains: contains}, nil
}

var quotedOrField = regexp.MustCompile(`^('[^']*'|[A-Za-z]+|[^A-Za-z'])`)

// parseFormat converts a DateTimeFormatter pattern to a Go layout and a regular expression.
func parseFormat(format string) (layout, pattern string, err error) {
	if format == "" {
		return "", "", errors.New("must be set")
	}
	for rest := format; rest != ""; {
		token := quotedOrField.FindString(rest)
		if token == "" {
			return "", "", errors.New("a quoted text is not closed")
		}
		rest = rest[len(token):]
		field, isField := dateFields[token]
		switch literal := strings.Trim(token, "'"); {
		case isField:
			layout, pattern = layout+field, pattern+fmt.Sprintf(`\d{%d}`, len(token))
		case token[0] == '\'' || !isLetter(token[0]):
			if strings.ContainsAny(literal, "0123456789_") {
				return "", "", fmt.Errorf("text %q would be read as a date here", literal)
			}
			layout, pattern = layout+literal, pattern+regexp.QuoteMeta(literal)
		default:
			return "", "", fmt.Errorf("pattern letters %q are not supported", token)
		}
	}
	return layout, pattern, nil
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

var relative = regexp.MustCompile(`^NOW(?:([+-]\d+)(YEAR|MONTH|WEEK|DAY|HOUR|MINUTE)S?)?$`)

// bound parses one end of a range: a date in the column's format, or NOW with an offset.
// NOW is truncated to the precision of the format.
func bound(text, layout string, now time.Time) (time.Time, error) {
	text = strings.TrimSpace(text)
	found := relative.FindStringSubmatch(text)
	if found == nil {
		return time.Parse(layout, text)
	}
	count, _ := strconv.Atoi(found[1])
	at := now.UTC()
	switch found[2] {
	case "YEAR":
		at = at.AddDate(count, 0, 0)
	case "MONTH":
		at = at.AddDate(0, count, 0)
	case "WEEK":
		at = at.AddDate(0, 0, 7*count)
	case "DAY":
		at = at.AddDate(0, 0, count)
	case "HOUR":
		at = at.Add(time.Duration(count) * time.Hour)
	case "MINUTE":
		at = at.Add(time.Duration(count) * time.Minute)
	}
	return time.Parse(layout, at.Format(layout))
}
