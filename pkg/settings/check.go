package settings

import (
	"cmp"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Problem is a setting whose value breaks a rule of its declaration.
type Problem struct {
	Path  string // the setting in JSON: "guards.shrinkPercent"
	Prop  string // the field in Go: "Guards.ShrinkPercent"
	Value any
	Rule  string // "must be in [1s, 1h]"
}

// Error says what is wrong where: `guards.shrinkPercent: 120: must be in [0, 100]`.
func (p *Problem) Error() string {
	return fmt.Sprintf("%s: %s: %s", p.Path, show(p.Value), p.Rule)
}

// maxShownBytes is how much of a value an error shows.
const maxShownBytes = 80

// show formats a value as it is written in cdk.json, so that people can search for it there.
func show(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprintf("%T", value)
	}
	if len(text) > maxShownBytes {
		return string(text[:maxShownBytes]) + "..."
	}
	return string(text)
}

func asErrors(problems []*Problem) []error {
	errs := make([]error, len(problems))
	for i, problem := range problems {
		errs[i] = problem
	}
	return errs
}

// Check compares a section with the bounds in its declaration and returns what is wrong. Unset
// settings pass. It does not look into maps.
func Check(section any) []*Problem {
	return check(reflect.ValueOf(section), "", "")
}

func check(section reflect.Value, path, prop string) []*Problem {
	var problems []*Problem
	for _, field := range Members(section.Type()) {
		value := section.FieldByIndex(field.Index)
		below, belowProp := path+JSONName(field), prop+field.Name
		switch {
		case isSection(field.Type):
			problems = append(problems, check(value, below+".", belowProp+".")...)
		case !value.IsZero():
			if rule := Broken(field, value); rule != "" {
				problems = append(problems, &Problem{below, belowProp, reflect.Indirect(value).Interface(), rule})
			}
		}
	}
	return problems
}

// missing returns the required settings that have no value.
func missing(section any) []*Problem {
	var problems []*Problem
	for _, field := range Members(reflect.TypeOf(section)) {
		if field.Tag.Get(tagRequired) == "true" && reflect.ValueOf(section).FieldByIndex(field.Index).IsZero() {
			problems = append(problems, &Problem{JSONName(field), field.Name, "", "must be set"})
		}
	}
	return problems
}

// Broken returns the rule of a setting that a value breaks, or "". It checks a zero value too.
func Broken(field reflect.StructField, value reflect.Value) string {
	value = reflect.Indirect(value)
	if words := oneOf(field); len(words) > 0 {
		text := fmt.Sprint(value.Interface())
		if field.Tag.Get(tagAnyCase) == "true" {
			text = strings.ToLower(text)
		}
		if !slices.Contains(words, text) {
			return Accepts(field)
		}
		return ""
	}

	low, high := field.Tag.Get(tagMin), field.Tag.Get(tagMax)
	switch {
	case (low == "" || compare(value, low) >= 0) && (high == "" || compare(value, high) <= 0):
		return ""
	case high == "":
		return "must be at least " + low
	default:
		return fmt.Sprintf("must be in [%s, %s]", low, high)
	}
}

// oneOf returns the words or numbers that a setting is limited to, or nil if it is not limited.
func oneOf(field reflect.StructField) []string { return strings.Fields(field.Tag.Get(tagOneOf)) }

// compare compares a number or duration with a bound in text. NaN is below every bound.
func compare(value reflect.Value, bound string) int {
	limit := reflect.New(value.Type()).Elem()
	if err := setText(limit, bound); err != nil {
		panic(fmt.Errorf("bound %q: %w", bound, err))
	}
	if value.CanFloat() {
		return cmp.Compare(value.Float(), limit.Float())
	}
	return cmp.Compare(value.Int(), limit.Int())
}

// Accepts returns the rule about the type of a setting: "must be text".
func Accepts(field reflect.StructField) string {
	if words := oneOf(field); len(words) > 0 {
		return "must be one of " + strings.Join(words, ", ")
	}
	return "must be " + describe(field.Type)
}

// describe says which values a setting of the type accepts.
func describe(kind reflect.Type) string {
	if kind.Kind() == reflect.Pointer {
		kind = kind.Elem()
	}
	if kind == reflect.TypeFor[Duration]() {
		return `a duration, like "90s", "36h" or "7d"`
	}
	switch kind.Kind() {
	case reflect.String:
		return "text"
	case reflect.Bool:
		return "true or false"
	case reflect.Float64:
		return "a number"
	case reflect.Int, reflect.Int64:
		return "a whole number"
	case reflect.Slice:
		return "a list"
	default:
		return "an object"
	}
}
