// Package projection decides as Athena does in which partition of a projected table an
// object is: from the table's parameters and the object's address it calculates the values
// of the partition columns. An unknown property or type is an error.
//
// Rules: docs.aws.amazon.com/athena/latest/ug/partition-projection-supported-types.html
package projection

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Table is a table with partition projection.
type Table struct {
	columns  []column
	location *regexp.Regexp // matches an object, with a group for each column in template order
	order    []string       // columns in template order
}

// column is a partition column whose values are computed.
type column struct {
	name     string
	pattern  string // of a value, as a regular expression
	contains func(value string, now time.Time) error
}

// Parse parses a Glue table's parameters. partitions are the names of its partition keys.
func Parse(parameters map[string]string, partitions []string) (*Table, error) {
	if parameters["projection.enabled"] != "true" {
		return nil, errors.New("projection.enabled: must be true")
	}
	t := &Table{}
	var problems []error
	known := map[string]bool{"projection.enabled": true}
	for _, name := range partitions {
		c, err := parseColumn(name, parameters, known)
		if err != nil {
			problems = append(problems, fmt.Errorf("partition column %s: %w", name, err))
		}
		t.columns = append(t.columns, c)
	}
	for name := range parameters {
		if strings.HasPrefix(name, "projection.") && !known[name] {
			problems = append(problems, fmt.Errorf("%s: does not belong to a partition column, or is not supported", name))
		}
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	return t, t.parseTemplate(parameters["storage.location.template"])
}

// parseColumn parses the properties of one column, and adds their names to known.
func parseColumn(name string, parameters map[string]string, known map[string]bool) (column, error) {
	property := func(suffix string) string {
		key := "projection." + name + "." + suffix
		known[key] = true
		return parameters[key]
	}
	switch kind := property("type"); kind {
	case "date":
		interval, unit := property("interval"), property("interval.unit")
		return parseDate(name, property("format"), property("range"), interval, unit)
	case "enum":
		values := strings.Split(property("values"), ",")
		return column{name: name, pattern: "[^/]+", contains: func(value string, _ time.Time) error {
			if !slices.Contains(values, value) {
				return fmt.Errorf("%q is not among %q", value, values)
			}
			return nil
		}}, nil
	default:
		return column{}, fmt.Errorf("type %q: not supported", kind)
	}
}

var placeholder = regexp.MustCompile(`\$\{([^}]*)\}`)

// parseTemplate converts the template to a pattern for objects directly in a partition's
// folder.
func (t *Table) parseTemplate(template string) error {
	if !strings.HasPrefix(template, "s3://") || !strings.HasSuffix(template, "/") {
		return fmt.Errorf("storage.location.template %q: must begin with s3:// and end with a slash", template)
	}
	pattern, rest := "^", template
	for _, found := range placeholder.FindAllStringSubmatch(template, -1) {
		literal, after, _ := strings.Cut(rest, found[0])
		at := slices.IndexFunc(t.columns, func(c column) bool { return c.name == found[1] })
		if at < 0 {
			return fmt.Errorf("storage.location.template %q: %s is not a partition column", template, found[0])
		}
		pattern += regexp.QuoteMeta(literal) + "(" + t.columns[at].pattern + ")"
		t.order, rest = append(t.order, found[1]), after
	}
	for _, c := range t.columns {
		if !slices.Contains(t.order, c.name) {
			return fmt.Errorf("storage.location.template %q: lacks ${%s}", template, c.name)
		}
	}
	t.location = regexp.MustCompile(pattern + regexp.QuoteMeta(rest) + "[^/]+$")
	return nil
}

// Partition returns the values of the partition columns for the object at address, such as
// "s3://bucket/key". The error says why no query would read the object.
func (t *Table) Partition(address string, now time.Time) (map[string]string, error) {
	found := t.location.FindStringSubmatch(address)
	if found == nil {
		return nil, fmt.Errorf("%s: is in no partition: its address does not match %s", address, t.location)
	}
	values := map[string]string{}
	for i, name := range t.order {
		values[name] = found[i+1]
		at := slices.IndexFunc(t.columns, func(c column) bool { return c.name == name })
		if err := t.columns[at].contains(found[i+1], now); err != nil {
			return nil, fmt.Errorf("%s: partition column %s: %w", address, name, err)
		}
	}
	return values, nil
}
