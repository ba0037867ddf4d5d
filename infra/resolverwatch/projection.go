package resolverwatch

import (
	"errors"
	"fmt"
	"strings"
)

// projection describes how Athena computes the partitions of the logs from a prefix, so
// that they need not be listed: one column whose values are the timestamps of the keys.
type projection struct {
	folder string // literal text before the timestamp
	format string // of the values, as java.time.format.DateTimeFormatter
	sql    string // of the values, as Athena's date_format
	after  string // literal text after the timestamp
	unit   string // HOURS or DAYS
}

// timestampFields are in the order in which their values sort, each with its counterpart in
// date_format.
var timestampFields = []struct{ java, sql, unit string }{
	{"yyyy", "%Y", ""}, {"MM", "%m", ""}, {"dd", "%d", "DAYS"}, {"HH", "%H", "HOURS"},
}

// newProjection parses a prefix that ends with a slash. Everything between the first and
// the last timestamp expression becomes part of the values, so that
// `year=!{timestamp:yyyy}/month=!{timestamp:MM}/day=!{timestamp:dd}/` works too.
func newProjection(text string) (projection, error) {
	parsed, err := parsePrefix(text)
	if err != nil {
		return projection{}, err
	}
	if !parsed.hasExpression() {
		parsed, _ = parsePrefix(text + hourlyExpression)
	}
	var p projection
	fields := 0
	for _, part := range parsed.parts {
		switch {
		case part.namespace == "timestamp":
			p.quote(&p.after)
			if !p.addFields(part.value, &fields) {
				return projection{}, fmt.Errorf("%w, got %q; write !{timestamp:yyyy/MM/dd/HH}/ for hours", errTimestamp, text)
			}
		case part.namespace != "":
			return projection{}, fmt.Errorf("must not contain !{%s:%s}: partition projection cannot compute its values; "+
				"use !{timestamp:...} alone", part.namespace, part.value)
		case p.format == "":
			p.folder += part.literal
		default:
			p.after += part.literal
		}
	}
	err = p.check(fields, text)
	return p, err
}

func (p *projection) check(fields int, text string) error {
	if fields < len(timestampFields)-1 {
		return fmt.Errorf("must contain year, month and day in this order, as !{timestamp:yyyy/MM/dd}/, got %q", text)
	}
	if strings.Contains(p.folder, "'") || strings.Contains(p.after, "'") {
		return fmt.Errorf("must not contain a quotation mark, got %q", text)
	}
	p.unit = timestampFields[fields-1].unit
	return nil
}

// quote moves literal text into the format.
func (p *projection) quote(literal *string) {
	if *literal == "" || p.format == "" {
		return
	}
	p.format += "'" + *literal + "'"
	p.sql += strings.ReplaceAll(*literal, "%", "%%")
	*literal = ""
}

var errTimestamp = errors.New("must use yyyy, MM, dd and HH in this order in !{timestamp:...}")

// addFields parses the value of a timestamp expression. Fields must come in the order in
// which values sort, otherwise a range of days would not be a range of values. It reports
// whether the value is valid.
func (p *projection) addFields(value string, fields *int) (ok bool) {
	for value != "" {
		if *fields < len(timestampFields) && strings.HasPrefix(value, timestampFields[*fields].java) {
			field := timestampFields[*fields]
			p.format += field.java
			p.sql += field.sql
			value = value[len(field.java):]
			*fields++
			continue
		}
		if !strings.ContainsRune("/-_.=", rune(value[0])) {
			return false
		}
		p.format += value[:1]
		p.sql += value[:1]
		value = value[1:]
	}
	return true
}
