package settings

import (
	"encoding"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Tags of a setting, besides `json`, which is its name in cdk.json and in the variable of a
// function:
//
//	default   the value that [Fill] sets if the setting is unset
//	unset     what an unset setting means, in words, where there is no fixed default
//	min, max  the bounds of a number or duration, inclusive
//	oneof     the allowed words or numbers, separated by spaces
//	anycase   "true" if the case of the word does not matter
//	required  "true" if there must be a value
//	was       earlier names, for the error about them
//	legacy    the variable that held the setting before [EnvSettings]: see legacy.go
const (
	tagDefault  = "default"
	tagUnset    = "unset"
	tagMin      = "min"
	tagMax      = "max"
	tagOneOf    = "oneof"
	tagAnyCase  = "anycase"
	tagRequired = "required"
	tagWas      = "was"
)

// Placeholders in a path for names that the user chooses.
const (
	anyFeed = "<feed id>"
	anyTag  = "<key>"
)

// Field is a setting in the declaration. Its Index is that in the struct that [Fields] was given;
// for a setting of a feed, that in the settings of the feed.
type Field struct {
	Path string // "delivery.prefix", "feeds.<feed id>.url", "tags.<key>"
	reflect.StructField
}

// Fields returns the settings of a struct in the order of its fields. Members of embedded
// structs belong to the struct itself.
func Fields(kind reflect.Type) []Field { return fields(kind, "") }

func fields(kind reflect.Type, path string) []Field {
	var list []Field
	for _, field := range Members(kind) {
		below := strings.TrimPrefix(path+"."+JSONName(field), ".")
		switch {
		case isSection(field.Type):
			for _, inner := range fields(field.Type, below) {
				inner.Index = append(slices.Clone(field.Index), inner.Index...)
				list = append(list, inner)
			}
		case field.Type.Kind() == reflect.Map && isSection(field.Type.Elem()):
			list = append(list, fields(field.Type.Elem(), below+"."+anyFeed)...)
		case field.Type.Kind() == reflect.Map:
			list = append(list, Field{below + "." + anyTag, field})
		default:
			list = append(list, Field{below, field})
		}
	}
	return list
}

// isSection reports whether values of the type contain settings, rather than being one.
func isSection(kind reflect.Type) bool { return kind.Kind() == reflect.Struct }

// IsText reports whether a setting of the type is written as text.
func IsText(kind reflect.Type) bool {
	if kind.Kind() == reflect.Pointer {
		kind = kind.Elem()
	}
	return kind.Kind() == reflect.String || reflect.PointerTo(kind).Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}

// Members returns the fields that have a name in JSON, those of embedded structs included.
func Members(kind reflect.Type) []reflect.StructField {
	var list []reflect.StructField
	for _, field := range reflect.VisibleFields(kind) {
		if !field.Anonymous && JSONName(field) != "" {
			list = append(list, field)
		}
	}
	return list
}

// Member returns the field with this exact name in JSON, case included.
func Member(kind reflect.Type, name string) (reflect.StructField, bool) {
	for _, field := range Members(kind) {
		if JSONName(field) == name {
			return field, true
		}
	}
	return reflect.StructField{}, false
}

// JSONName returns the name of a field in JSON, or "" if it has none.
func JSONName(field reflect.StructField) string {
	name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
	if name == "-" {
		return ""
	}
	return name
}

// Default returns settings that all have their defaults.
func Default[T any]() T {
	var section T
	Fill(&section)
	return section
}

// Fill sets unset fields to their defaults, in the struct that section points to. It does not
// fill elements of maps.
func Fill(section any) { fill(reflect.ValueOf(section).Elem()) }

func fill(section reflect.Value) {
	for _, field := range reflect.VisibleFields(section.Type()) {
		value := section.FieldByIndex(field.Index)
		if isSection(field.Type) && !field.Anonymous {
			fill(value)
			continue
		}
		if text, found := field.Tag.Lookup(tagDefault); found && value.IsZero() {
			if err := setText(value, text); err != nil {
				panic(fmt.Errorf("default of the setting %s: %w", field.Name, err))
			}
		}
	}
}

// setText parses text and sets value to the result.
func setText(value reflect.Value, text string) error {
	if value.Kind() == reflect.Pointer {
		value.Set(reflect.New(value.Type().Elem()))
		value = value.Elem()
	}
	if reader, ok := value.Addr().Interface().(encoding.TextUnmarshaler); ok {
		return reader.UnmarshalText([]byte(text))
	}
	switch value.Kind() {
	case reflect.String:
		value.SetString(text)
	case reflect.Bool:
		flag, err := strconv.ParseBool(text)
		value.SetBool(flag)
		return err
	case reflect.Int, reflect.Int64:
		number, err := strconv.ParseInt(text, 10, 64)
		value.SetInt(number)
		return err
	case reflect.Float64:
		number, err := strconv.ParseFloat(text, 64)
		value.SetFloat(number)
		return err
	default:
		return fmt.Errorf("the type %s cannot be set from text", value.Type())
	}
	return nil
}
