// Package eventpattern decides whether a rule's pattern matches an event, as EventBridge
// does. An unknown operator is an error, never "does not match".
//
// Rules: docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html
package eventpattern

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
)

// Match reports whether pattern, a JSON object, matches event, a JSON object.
func Match(pattern, event string) (bool, error) {
	var p, e map[string]any
	if err := json.Unmarshal([]byte(pattern), &p); err != nil {
		return false, fmt.Errorf("pattern: %w", err)
	}
	if err := json.Unmarshal([]byte(event), &e); err != nil {
		return false, fmt.Errorf("event: %w", err)
	}
	return object(p, e)
}

// object reports whether every member of the pattern matches the event's member.
func object(pattern, event map[string]any) (bool, error) {
	matched := true
	for name, wanted := range pattern {
		value, present := event[name]
		holds, err := false, error(nil)
		switch wanted := wanted.(type) {
		case map[string]any:
			inner, _ := value.(map[string]any)
			holds, err = object(wanted, inner)
		case []any:
			holds, err = anyOf(wanted, value, present)
		default:
			err = fmt.Errorf("must be an object or an array, is %v", wanted)
		}
		if err != nil {
			return false, fmt.Errorf("%s: %w", name, err)
		}
		matched = matched && holds
	}
	return matched, nil
}

// anyOf reports whether one of the filters accepts the value, or an element of it. It
// checks all filters, so that an unknown one is found in any case.
func anyOf(filters []any, value any, present bool) (bool, error) {
	values, isList := value.([]any)
	if !isList && present {
		values = []any{value}
	}
	matched := false
	for _, filter := range filters {
		holds, err := accepts(filter, values)
		if err != nil {
			return false, err
		}
		matched = matched || holds
	}
	return matched, nil
}

func accepts(filter any, values []any) (bool, error) {
	operator, isOperator := filter.(map[string]any)
	if !isOperator {
		for _, value := range values {
			if reflect.DeepEqual(value, filter) {
				return true, nil
			}
		}
		return false, nil
	}
	if len(operator) != 1 {
		return false, fmt.Errorf("filter %v: must have one operator", operator)
	}
	for name, operand := range operator {
		return operate(name, operand, values)
	}
	return false, nil
}

// operate applies one operator. It reports whether any of the values matches.
func operate(name string, operand any, values []any) (bool, error) {
	if exists, isBool := operand.(bool); isBool && name == "exists" {
		return exists == (len(values) > 0), nil
	}
	text, isText := operand.(string)
	compare := map[string]func(value, operand string) bool{
		"prefix":             strings.HasPrefix,
		"suffix":             strings.HasSuffix,
		"equals-ignore-case": strings.EqualFold,
		"wildcard":           wildcard,
		"anything-but":       func(value, operand string) bool { return value != operand },
	}[name]
	if !isText || compare == nil {
		return false, fmt.Errorf("filter {%q: %v}: not supported", name, operand)
	}
	for _, value := range values {
		if value, isText := value.(string); isText && compare(value, text) {
			return true, nil
		}
	}
	return false, nil
}

// wildcard reports whether text matches a pattern in which `*` matches any characters.
func wildcard(text, pattern string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return text == pattern
	}
	first, last := parts[0], parts[len(parts)-1]
	if len(text) < len(first)+len(last) || !strings.HasPrefix(text, first) || !strings.HasSuffix(text, last) {
		return false
	}
	text = text[len(first) : len(text)-len(last)]
	for _, part := range parts[1 : len(parts)-1] {
		_, after, found := strings.Cut(text, part)
		if !found {
			return false
		}
		text = after
	}
	return true
}
