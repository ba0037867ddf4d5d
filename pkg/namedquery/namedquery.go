// Package namedquery reads the text of a named query: what it asks, which parameters it
// has, and where they stand. The text and values go in, SQL comes out.
//
// A parameter has a default in the text, so that the text is SQL as it stands and runs
// in Athena's console. It stands between two comments, in as many places as it takes:
//
//	WHERE asked_at >= /*from:*/current_timestamp - INTERVAL '7' DAY/*:from*/
//
// The comment at the head says its type: `--   from  timestamp  queries since then`. One
// whose description ends with "must be given" has a default that answers nothing.
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

// Parameter is one parameter of a named query.
type Parameter struct {
	Name        string
	Type        Type
	Description string
	Required    bool // its default answers nothing
}

// Query is a named query that was read.
type Query struct {
	Question    string // the first line of the head, a sentence
	Description string // the rest of the head, up to the parameters
	Parameters  []Parameter
	text        string
}

// place finds a parameter in the text: its name, and what stands for it.
var place = regexp.MustCompile(`(?s)/\*([a-z_]+):\*/(.*?)/\*:([a-z_]+)\*/`)

// described finds a parameter in the head.
var described = regexp.MustCompile(`^--   ([a-z_]+) +([a-z]+) +(\S.*)$`)

const (
	parametersFollow = "-- Parameters"
	mustBeGiven      = "must be given"
)

// Parse reads a named query. The error says which parameter is in the head and not in
// the text, or the other way round, or has a type that is none.
func Parse(text string) (*Query, error) {
	q := &Query{text: text}
	head, parameters := []string{}, false
	body := text
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "--") {
			break
		}
		body = body[len(line):]
		line = strings.TrimRight(line, "\r\n")
		parameters = parameters || strings.HasPrefix(line, parametersFollow)
		if !parameters {
			head = append(head, strings.TrimPrefix(strings.TrimPrefix(line, "--"), " "))
		} else if found := described.FindStringSubmatch(line); found != nil {
			q.Parameters = append(q.Parameters, Parameter{Name: found[1], Type: Type(found[2]), Description: found[3],
				Required: strings.HasSuffix(found[3], mustBeGiven)})
		}
	}
	if len(head) == 0 {
		return nil, errors.New("reading a named query: it has no comment at its head")
	}
	q.Question, q.Description = head[0], strings.TrimSpace(strings.Join(head[1:], "\n"))
	if err := q.check(body); err != nil {
		return nil, err
	}
	return q, nil
}

// check compares the head with the places in the body.
func (q *Query) check(body string) error {
	var problems []error
	placed := map[string]bool{}
	for _, found := range place.FindAllStringSubmatch(body, -1) {
		placed[found[1]] = true
		if found[1] != found[3] {
			problems = append(problems, fmt.Errorf("parameter %q: its place ends as that of %q", found[1], found[3]))
		}
	}
	for _, parameter := range q.Parameters {
		if !placed[parameter.Name] {
			problems = append(problems, fmt.Errorf("parameter %q: has no place in the text", parameter.Name))
		}
		if !parameter.Type.known() {
			problems = append(problems, fmt.Errorf("parameter %q: type %q must be timestamp, integer or text",
				parameter.Name, parameter.Type))
		}
		delete(placed, parameter.Name)
	}
	for _, name := range slices.Sorted(maps.Keys(placed)) {
		problems = append(problems, fmt.Errorf("parameter %q: is not in the comment at the head", name))
	}
	if len(problems) > 0 {
		return fmt.Errorf("reading a named query: %w", errors.Join(problems...))
	}
	return nil
}

// Fill returns the query with values for its parameters, each in the words of its type.
// One without a value keeps its default. The error names every value that is none, and
// every name that is no parameter.
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
			problems = append(problems, fmt.Errorf("parameter %s: the query has none of that name, it has %s",
				name, strings.Join(q.names(), ", ")))
		}
	}
	if len(problems) > 0 {
		return "", errors.Join(problems...)
	}
	return place.ReplaceAllStringFunc(q.text, func(found string) string {
		if literal, given := literals[place.FindStringSubmatch(found)[1]]; given {
			return literal
		}
		return found
	}), nil
}

// Check says why the query with these values could answer nothing: a parameter that must
// be given is not, or until is no later than from. The defaults of both count, where they
// are of the form `current_timestamp - INTERVAL '7' DAY`.
func (q *Query) Check(values map[string]string, now time.Time) error {
	var problems []error
	for _, parameter := range q.Parameters {
		if values[parameter.Name] == "" && parameter.Required {
			problems = append(problems, fmt.Errorf("parameter %s: must be given: %s", parameter.Name, parameter.Description))
		}
	}
	from, until := q.moment("from", values, now), q.moment("until", values, now)
	if !from.IsZero() && !until.IsZero() && !from.Before(until) {
		problems = append(problems, fmt.Errorf("parameter until: is %s, and must be later than from, which is %s: give both",
			until.Format(time.RFC3339), from.Format(time.RFC3339)))
	}
	return errors.Join(problems...)
}

// moment returns what a parameter stands for, and zero if that is not known.
func (q *Query) moment(name string, values map[string]string, now time.Time) time.Time {
	if value, given := values[name]; given {
		moment, err := Moment(value, now)
		if err != nil {
			return time.Time{} // Fill says so
		}
		return moment.UTC()
	}
	for _, found := range place.FindAllStringSubmatch(q.text, -1) {
		if found[1] == name {
			return defaultMoment(found[2], now)
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
