package settings

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// decodeMembers reads a JSON object into the struct that target points to. The case of names
// matters. The error joins one for each unknown member and for each value that has the wrong
// type or breaks a bound. A null means "unset", and so does an empty text if the setting is text.
func decodeMembers(text []byte, target any) error {
	d := decoder{unknown: func(section reflect.Type, path, name string) error {
		return fmt.Errorf("member %q: %s", path+name, unknown(section, name))
	}}
	return d.decode(text, target)
}

// decodeKnown is [decodeMembers], except that unknown members pass.
func decodeKnown(text []byte, target any) error {
	d := decoder{unknown: func(reflect.Type, string, string) error { return nil }}
	return d.decode(text, target)
}

// A decoder reads JSON into sections, and collects what is wrong.
type decoder struct {
	unknown  func(section reflect.Type, path, name string) error
	problems []error
}

func (d *decoder) decode(text []byte, target any) error {
	d.object(text, reflect.ValueOf(target).Elem(), "")
	return errors.Join(d.problems...)
}

func (d *decoder) object(text []byte, section reflect.Value, path string) {
	var object map[string]json.RawMessage
	if err := json.Unmarshal(text, &object); err != nil {
		d.problems = append(d.problems, fmt.Errorf("must be a JSON object: %w", err))
		return
	}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if field, found := Member(section.Type(), name); found {
			d.member(object[name], field, section.FieldByIndex(field.Index), path+name)
		} else {
			d.problems = append(d.problems, d.unknown(section.Type(), path, name))
		}
	}
}

func (d *decoder) member(text json.RawMessage, field reflect.StructField, value reflect.Value, path string) {
	switch {
	case string(text) == "null" || string(text) == `""` && IsText(field.Type):
		return
	case isSection(field.Type) && text[0] == '{':
		d.object(text, value, path+".")
		return
	}
	rule := Accepts(field)
	if err := json.Unmarshal(text, value.Addr().Interface()); err == nil {
		rule = Broken(field, value)
	}
	if rule != "" {
		d.problems = append(d.problems, &Problem{path, field.Name, text, rule})
	}
}

// unknown says what is wrong with a name that a section does not have: it was renamed, or it
// is misspelled.
func unknown(section reflect.Type, name string) string {
	if renamed := Renamed(section, name); renamed != "" {
		return renamed
	}
	var names []string
	for _, field := range Members(section) {
		names = append(names, JSONName(field))
	}
	return fmt.Sprintf("unknown, the nearest is %q", nearest(name, names))
}

// Renamed says what the setting with an earlier name is called now, and which values it
// accepts. It returns "" for other names.
func Renamed(section reflect.Type, name string) string {
	for _, field := range Members(section) {
		if !slices.Contains(strings.Fields(field.Tag.Get(tagWas)), name) {
			continue
		}
		values := describe(field.Type)
		if words := oneOf(field); len(words) > 0 {
			values = "one of " + strings.Join(words, ", ")
		}
		return "is now " + JSONName(field) + ", " + values
	}
	return ""
}
