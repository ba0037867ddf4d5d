// Package namedquery reads the text of a named query: its question, its parameters, and the
// places where they are used. It fills in values and returns SQL.
//
// Each parameter has a default in the text, so that the text is valid SQL and runs in the
// console of Athena. The default is between two comments, wherever the parameter is used:
//
//	WHERE asked_at >= /*from:*/current_timestamp - INTERVAL '7' DAY/*:from*/
//
// The comment at the top declares the type of a parameter:
// `--   from  timestamp  start of the period`. If its description ends with "must be given",
// the query returns nothing with the default.
package namedquery

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Parameter is a parameter of a named query.
type Parameter struct {
	Name        string
	Type        Type
	Description string
	Required    bool // the query returns nothing with the default
}

// Query is a parsed named query.
type Query struct {
	Question   string // first line of the comment at the top, a question
	Parameters []Parameter
	text       string
}

// placeholder matches a use of a parameter in the text: its name, its value, its name again.
var placeholder = regexp.MustCompile(`(?s)/\*([a-z_]+):\*/(.*?)/\*:([a-z_]+)\*/`)

// declaration matches a parameter in the comment at the top.
var declaration = regexp.MustCompile(`^--   ([a-z_]+) +([a-z]+) +(\S.*)$`)

const (
	parametersHeading = "-- Parameters"
	mustBeGiven       = "must be given"
)

// Parse parses a named query. It returns an error if a parameter is declared but not used,
// used but not declared, or has an unknown type.
func Parse(text string) (*Query, error) {
	q := &Query{text: text}
	head, inParameters := []string{}, false
	body := text
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "--") {
			break
		}
		body = body[len(line):]
		line = strings.TrimRight(line, "\r\n")
		inParameters = inParameters || strings.HasPrefix(line, parametersHeading)
		if !inParameters {
			head = append(head, strings.TrimPrefix(strings.TrimPrefix(line, "--"), " "))
		} else if found := declaration.FindStringSubmatch(line); found != nil {
			q.Parameters = append(q.Parameters, Parameter{
				Name:        found[1],
				Type:        Type(found[2]),
				Description: found[3],
				Required:    strings.HasSuffix(found[3], mustBeGiven),
			})
		}
	}

	if len(head) == 0 {
		return nil, errors.New("parsing a named query: it does not start with a comment")
	}

	q.Question = head[0]
	if err := q.checkPlaceholders(body); err != nil {
		return nil, err
	}
	return q, nil
}

// checkPlaceholders compares the declared parameters with their uses in the body.
func (q *Query) checkPlaceholders(body string) error {
	var problems []error
	used := map[string]bool{}
	for _, found := range placeholder.FindAllStringSubmatch(body, -1) {
		used[found[1]] = true
		if found[1] != found[3] {
			problems = append(problems, fmt.Errorf("parameter %q: its placeholder ends with the name %q", found[1], found[3]))
		}
	}

	for _, parameter := range q.Parameters {
		if !used[parameter.Name] {
			problems = append(problems, fmt.Errorf("parameter %q: is not used", parameter.Name))
		}
		if !parameter.Type.isKnown() {
			problems = append(problems, fmt.Errorf("parameter %q: type %q must be timestamp, integer or text",
				parameter.Name, parameter.Type))
		}
		delete(used, parameter.Name)
	}

	for _, name := range slices.Sorted(maps.Keys(used)) {
		problems = append(problems, fmt.Errorf("parameter %q: is not declared in the comment at the top", name))
	}

	if len(problems) > 0 {
		return fmt.Errorf("parsing a named query: %w", errors.Join(problems...))
	}
	return nil
}

// Fill returns the query with the values of its parameters, each in the format of its type.
// A parameter without a value keeps its default. The error names every invalid value and
// every unknown parameter.
func (q *Query) Fill(values map[string]string) (string, error) {
	var problems []error
	literals := map[string]string{}
	for _, parameter := range q.Parameters {
		value, given := values[parameter.Name]
		if !given {
			continue
		}
		literal, err := parameter.Type.literal(value)
		if err != nil {
			problems = append(problems, fmt.Errorf("parameter %s: %w", parameter.Name, err))
		}
		literals[parameter.Name] = literal
	}

	for _, name := range slices.Sorted(maps.Keys(values)) {
		if _, known := literals[name]; !known {
			problems = append(problems, fmt.Errorf("unknown parameter %s: the query has %s",
				name, strings.Join(q.names(), ", ")))
		}
	}

	if len(problems) > 0 {
		return "", errors.Join(problems...)
	}

	return placeholder.ReplaceAllStringFunc(q.text, func(found string) string {
		if literal, given := literals[placeholder.FindStringSubmatch(found)[1]]; given {
			return literal
		}
		return found
	}), nil
}

// Check returns an error if the query with these values could only return nothing: a
// required parameter has no value, or until is not later than from. Defaults in the form
// `current_timestamp - INTERVAL '7' DAY` are included in the comparison.
func (q *Query) Check(values map[string]string, now time.Time) error {
	var problems []error
	for _, parameter := range q.Parameters {
		if values[parameter.Name] == "" && parameter.Required {
			problems = append(problems, fmt.Errorf("parameter %s: must be given: %s", parameter.Name, parameter.Description))
		}
	}

	from, until := q.time("from", values, now), q.time("until", values, now)
	if !from.IsZero() && !until.IsZero() && !from.Before(until) {
		problems = append(problems, fmt.Errorf("parameter until: is %s but must be later than from, which is %s: set both",
			until.Format(time.RFC3339), from.Format(time.RFC3339)))
	}
	return errors.Join(problems...)
}

// time returns the time that a parameter stands for, or the zero time if it is not known.
func (q *Query) time(name string, values map[string]string, now time.Time) time.Time {
	if value, given := values[name]; given {
		moment, err := Moment(value, now)
		if err != nil {
			return time.Time{} // Fill reports the error
		}
		return moment.UTC()
	}

	for _, found := range placeholder.FindAllStringSubmatch(q.text, -1) {
		if found[1] == name {
			return parseDefault(found[2], now)
		}
	}
	return time.Time{}
}

func (q *Query) names() (names []string) {
	for _, parameter := range q.Parameters {
		names = append(names, parameter.Name)
	}
	return names
}
