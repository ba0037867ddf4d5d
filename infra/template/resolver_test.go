//go:build !race

package template

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

type object = map[string]any

// resolver does what CloudFormation does with a template before it creates anything: it
// evaluates parameters, conditions and mappings. Values that are known only after a
// resource is created stay unchanged.
type resolver struct {
	template object
	values   map[string]string // of parameters and of pseudo parameters
}

// removed replaces a reference to AWS::NoValue, which removes the member.
type removed struct{}

// deploy returns the resources of a stack that is deployed from a template with parameters.
// Numbers become text, because CloudFormation does not distinguish them.
func deploy(t *testing.T, text []byte, parameters map[string]string) object {
	t.Helper()
	r := resolver{template: object{}, values: map[string]string{
		"AWS::StackName": "blue",
		"AWS::StackId":   "arn:aws:cloudformation:eu-west-1:111122223333:stack/blue/1a2b3c4d-0000-0000-0000-000000000000",
	}}
	decoder := json.NewDecoder(strings.NewReader(string(text)))
	decoder.UseNumber()
	if err := decoder.Decode(&r.template); err != nil {
		t.Fatal(err)
	}
	declared, _ := r.template["Parameters"].(object)
	for name, value := range declared {
		if preset, hasDefault := value.(object)["Default"]; hasDefault {
			r.values[name] = fmt.Sprint(preset)
		}
	}
	for name, value := range parameters {
		if declared[name] == nil {
			t.Fatalf("the template has no parameter %s", name)
		}
		r.values[name] = value
	}

	resources := object{}
	for id, value := range r.template["Resources"].(object) {
		resource := value.(object)
		if condition, isConditional := resource["Condition"].(string); isConditional && !r.holds(condition) {
			continue
		}
		delete(resource, "Condition")
		resources[id] = r.resolve(resource)
	}
	return resources
}

func (r resolver) holds(condition string) bool {
	return r.evaluate(r.template["Conditions"].(object)[condition])
}

// evaluate returns the value of a condition.
func (r resolver) evaluate(condition any) bool {
	for function, argument := range condition.(object) {
		terms, _ := argument.([]any)
		switch function {
		case "Fn::Not":
			return !r.evaluate(terms[0])
		case "Fn::Equals":
			return r.resolve(terms[0]) == r.resolve(terms[1])
		case "Condition":
			return r.holds(argument.(string))
		case "Fn::And":
			for _, term := range terms {
				if !r.evaluate(term) {
					return false
				}
			}
			return true
		case "Fn::Or":
			for _, term := range terms {
				if r.evaluate(term) {
					return true
				}
			}
			return false
		}
	}
	panic(fmt.Sprintf("no such condition here: %v", condition))
}

func (r resolver) resolve(value any) any {
	switch value := value.(type) {
	case json.Number:
		return value.String()
	case []any:
		var list []any
		for _, element := range value {
			if resolved := r.resolve(element); resolved != (removed{}) {
				list = append(list, resolved)
			}
		}
		return list
	case object:
		if len(value) == 1 {
			for function, argument := range value {
				if resolved, known := r.call(function, argument); known {
					return resolved
				}
			}
		}
		members := object{}
		for name, member := range value {
			if resolved := r.resolve(member); resolved != (removed{}) {
				members[name] = resolved
			}
		}
		return members
	default:
		return value
	}
}

// call evaluates a function if its arguments are known.
func (r resolver) call(function string, argument any) (value any, known bool) {
	switch function {
	case "Ref":
		if argument == "AWS::NoValue" {
			return removed{}, true
		}
		value, known := r.values[argument.(string)]
		return value, known
	case "Fn::If":
		terms := argument.([]any)
		if r.holds(terms[0].(string)) {
			return r.resolve(terms[1]), true
		}
		return r.resolve(terms[2]), true
	case "Fn::FindInMap":
		terms := argument.([]any)
		row := r.template["Mappings"].(object)[terms[0].(string)].(object)[r.resolve(terms[1]).(string)]
		return r.resolve(row.(object)[terms[2].(string)]), true
	case "Fn::Select":
		terms := argument.([]any)
		list, isList := r.resolve(terms[1]).([]any)
		if !isList {
			return nil, false
		}
		var at int
		_, _ = fmt.Sscan(fmt.Sprint(terms[0]), &at)
		return list[at], true
	case "Fn::Split":
		terms := argument.([]any)
		text, isText := r.resolve(terms[1]).(string)
		if !isText {
			return nil, false
		}
		var list []any
		for _, part := range strings.Split(text, terms[0].(string)) {
			list = append(list, part)
		}
		return list, true
	case "Fn::Join":
		return r.join(argument.([]any)), true
	}
	return nil, false
}

// join joins the known terms, so that a text is the same however it was put together.
func (r resolver) join(terms []any) any {
	parts, isList := r.resolve(terms[1]).([]any)
	if separator := terms[0].(string); !isList || separator != "" {
		return object{"Fn::Join": []any{separator, r.resolve(terms[1])}}
	}
	var joined []any
	for _, part := range unnested(parts) {
		text, isText := part.(string)
		if last := len(joined) - 1; isText && last >= 0 {
			if before, wasText := joined[last].(string); wasText {
				joined[last] = before + text
				continue
			}
		}
		joined = append(joined, part)
	}
	if len(joined) == 1 {
		return joined[0]
	}
	return object{"Fn::Join": []any{"", joined}}
}

// unnested replaces parts of a text that are joined themselves by their parts.
func unnested(parts []any) []any {
	var all []any
	for _, part := range parts {
		if inner, isObject := part.(object); isObject && len(inner) == 1 {
			if terms, isJoin := inner["Fn::Join"].([]any); isJoin && terms[0] == "" {
				all = append(all, terms[1].([]any)...)
				continue
			}
		}
		all = append(all, part)
	}
	return all
}
