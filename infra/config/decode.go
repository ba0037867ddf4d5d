package config

import (
	"encoding"
	"fmt"
	"math"
	"reflect"

	"github.com/go-viper/mapstructure/v2"

	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// A decoder decodes the tree of settings, and collects what is wrong with it. Package settings
// has a decoder too, for the JSON text that functions and feed parameters receive. The context
// is not text: its values come from cdk.json, from -c and from Go literals of tests.
type decoder struct {
	problems []error
}

func (d *decoder) refuse(path string, value any, rule string) {
	d.problems = append(d.problems, &settings.Problem{Path: path, Value: value, Rule: rule})
}

func (d *decoder) decode(tree any) settings.Deployment {
	var deployment settings.Deployment
	reader, err := mapstructure.NewDecoder(&mapstructure.DecoderConfig{
		Result:      &deployment,
		TagName:     "json",
		Squash:      true,
		ErrorUnused: true,
		MatchName:   func(key, name string) bool { return key == name },
		DecodeHook:  d.decodeLeaf,
	})
	if err == nil {
		root := reflect.StructField{Type: reflect.TypeFor[settings.Deployment]()}
		err = reader.Decode(d.annotate(ContextKey, tree, root))
	}
	if err != nil {
		d.problems = append(d.problems, fmt.Errorf("%s: %w", ContextKey, err))
	}
	return deployment
}

// A leaf is a value in the tree that is not a section, with the setting that it is for.
type leaf struct {
	path  string
	value any
	field reflect.StructField
}

// annotate returns the tree with its values as leaves, without nulls, which mean "unset", and
// without unknown names, which it reports.
func (d *decoder) annotate(path string, value any, field reflect.StructField) any {
	object, isObject := value.(map[string]any)
	switch {
	case value == nil:
		return nil
	case !isObject || field.Type.Kind() != reflect.Struct && field.Type.Kind() != reflect.Map:
		return leaf{path, value, field}
	}
	annotated := make(map[string]any, len(object))
	for name, below := range object {
		member, found := member(field.Type, name)
		switch {
		case !found:
			d.problems = append(d.problems, unknown(path, name, field.Type))
		case below != nil:
			annotated[name] = d.annotate(path+"."+name, below, member)
		}
	}
	return annotated
}

// decodeLeaf is the hook that turns a leaf into a value of the target's type. It returns nil
// for a value that it refuses.
func (d *decoder) decodeLeaf(from, to reflect.Value) (any, error) {
	given, isLeaf := from.Interface().(leaf)
	if !isLeaf || to.Kind() == reflect.Pointer {
		return from.Interface(), nil
	}
	if list, isList := given.value.([]any); isList && to.Kind() == reflect.Slice {
		return d.texts(given.path, list), nil
	}
	value, ok := convert(given.value, to.Type())
	rule := settings.Accepts(given.field)
	if ok {
		rule = settings.Broken(given.field, value)
	}
	if rule != "" {
		d.refuse(given.path, given.value, rule)
		return nil, nil //nolint:nilnil // nil leaves the setting unset
	}
	return value.Interface(), nil
}

// texts returns the elements of a list. An element that it refuses is empty.
func (d *decoder) texts(path string, list []any) []string {
	texts := make([]string, len(list))
	for i, element := range list {
		text, isText := element.(string)
		texts[i] = text
		at := fmt.Sprintf("%s[%d]", path, i)
		switch {
		case element == nil || element == "":
			d.refuse(at, element, "must not be empty")
		case !isText:
			d.refuse(at, element, "must be text")
		}
	}
	return texts
}

// convert converts a value of JSON or a Go literal, if the type allows it.
func convert(value any, kind reflect.Type) (reflect.Value, bool) {
	from, to := reflect.ValueOf(value), reflect.New(kind)
	if reader, ok := to.Interface().(encoding.TextUnmarshaler); ok {
		text, isText := value.(string)
		return to.Elem(), isText && reader.UnmarshalText([]byte(text)) == nil
	}
	var ok bool
	switch kind.Kind() {
	case reflect.String, reflect.Bool:
		ok = from.Kind() == kind.Kind()
	case reflect.Float64:
		ok = from.CanFloat() || from.CanInt()
	case reflect.Int, reflect.Int64:
		ok = isWhole(from)
	default: // an object or a list
	}
	if !ok {
		return to.Elem(), false
	}
	return from.Convert(kind), true
}

// maxWhole is the largest integer that all JSON readers read exactly.
const maxWhole = 1 << 53

func isWhole(value reflect.Value) bool {
	if value.CanFloat() {
		number := value.Float()
		return number == math.Trunc(number) && math.Abs(number) <= maxWhole
	}
	return value.CanInt()
}
