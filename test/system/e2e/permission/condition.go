package permission

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// comparison compares a value of the context with a value in the policy.
type comparison func(value, wanted string) bool

var comparisons = map[string]comparison{
	"StringEquals":           func(value, wanted string) bool { return value == wanted },
	"StringEqualsIgnoreCase": strings.EqualFold,
	"StringLike":             func(value, wanted string) bool { return Like(wanted, value) },
	"ArnEquals":              func(value, wanted string) bool { return Like(wanted, value) },
	"ArnLike":                func(value, wanted string) bool { return Like(wanted, value) },
	"Bool":                   strings.EqualFold,
	"NumericLessThan":        lessThan,
}

// lessThan compares numbers. Anything that is not a number is never less.
func lessThan(value, wanted string) bool {
	a, err := strconv.ParseFloat(value, 64)
	b, wantedErr := strconv.ParseFloat(wanted, 64)
	return err == nil && wantedErr == nil && a < b
}

// operator is a parsed operator name: StringNotEqualsIfExists is StringEquals, negated, and
// true if the key is missing.
type operator struct {
	compare           comparison
	negated, ifExists bool
	null              bool // only tests whether the key exists
}

func parseOperator(name string) (operator, error) {
	if name == "Null" {
		return operator{null: true}, nil
	}
	base, ifExists := strings.CutSuffix(name, "IfExists")
	positive := strings.Replace(base, "Not", "", 1)
	compare := comparisons[positive]
	if compare == nil {
		return operator{}, fmt.Errorf("condition operator %s: not supported", name)
	}
	return operator{compare: compare, negated: positive != base, ifExists: ifExists}, nil
}

func checkOperator(name string) error {
	_, err := parseOperator(name)
	return err
}

// holds reports whether the context fulfils the condition. As in IAM, a negated operator is
// true if the key is missing, and any other is false.
func (c *Condition) holds(context map[string][]string) (bool, error) {
	op, err := parseOperator(c.Operator)
	if err != nil {
		return false, err
	}
	values := context[strings.ToLower(c.Key)]
	switch {
	case op.null:
		return slices.Contains(c.Values, fmt.Sprint(len(values) == 0)), nil
	case len(values) == 0:
		return op.negated || op.ifExists, nil
	}
	matched := false
	for _, wanted := range c.Values {
		if strings.Contains(wanted, "${") {
			return false, fmt.Errorf("condition %s %s: variable in %q: not supported", c.Operator, c.Key, wanted)
		}
		matched = matched || slices.ContainsFunc(values, func(value string) bool { return op.compare(value, wanted) })
	}
	return matched != op.negated, nil
}

// Like reports whether text matches a pattern, in which `*` matches any characters and `?`
// matches one.
func Like(pattern, text string) bool {
	star, retry := -1, 0
	p, t := 0, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, retry = p, t
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == text[t]):
			p, t = p+1, t+1
		case star >= 0: // let the last star match one more character
			retry++
			p, t = star+1, retry
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
