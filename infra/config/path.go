package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// Placeholders in a path for names that the user chooses.
const (
	anyFeed = "<feed id>"
	anyTag  = "<key>"
)

// Keys returns the path of every setting, without the context key, in the order of the
// fields: "store.billing", "feeds.<feed id>.format", "tags.<key>".
func Keys() []string { return keys(reflect.TypeFor[Config](), "") }

func keys(kind reflect.Type, path string) []string {
	_, isWord := choices[kind]
	switch {
	case isWord:
		return []string{path}
	case kind.Kind() == reflect.Pointer:
		return keys(kind.Elem(), path)
	case kind.Kind() == reflect.Map && kind.Elem().Kind() == reflect.Struct:
		return keys(kind.Elem(), path+"."+anyFeed)
	case kind.Kind() == reflect.Map:
		return []string{path + "." + anyTag}
	case kind.Kind() != reflect.Struct:
		return []string{path}
	}
	var list []string
	for _, field := range reflect.VisibleFields(kind) {
		list = append(list, keys(field.Type, strings.TrimPrefix(path+"."+jsonName(field), "."))...)
	}
	return list
}

func jsonName(field reflect.StructField) string {
	name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
	return name
}

// member returns the field with this exact name in JSON, case included.
func member(kind reflect.Type, name string) (reflect.StructField, bool) {
	fields := reflect.VisibleFields(kind)
	i := slices.IndexFunc(fields, func(field reflect.StructField) bool { return jsonName(field) == name })
	if i < 0 {
		return reflect.StructField{}, false
	}
	return fields[i], true
}

// locate splits a path into the steps through the tree. It returns the type of the value
// there, or nil if the path is not valid.
func locate(kind reflect.Type, path string) ([]string, reflect.Type) {
	if kind.Kind() == reflect.Pointer {
		kind = kind.Elem()
	}
	if kind.Kind() == reflect.Map {
		return locateNamed(kind.Elem(), path)
	}
	name, rest, more := strings.Cut(path, ".")
	if kind.Kind() != reflect.Struct {
		return strings.Split(path, "."), nil
	}
	field, found := member(kind, name)
	switch {
	case !found:
		return strings.Split(path, "."), nil
	case !more:
		return []string{name}, field.Type
	}
	steps, inner := locate(field.Type, rest)
	return append([]string{name}, steps...), inner
}

// locateNamed does the same in a map. A feed id and the key of a tag may contain dots, so
// the name is the shortest that leaves the path of a setting.
func locateNamed(kind reflect.Type, path string) ([]string, reflect.Type) {
	if kind.Kind() != reflect.Struct {
		return []string{path}, kind
	}
	for i := range len(path) {
		if path[i] != '.' {
			continue
		}
		if steps, inner := locate(kind, path[i+1:]); inner != nil {
			return append([]string{path[:i]}, steps...), inner
		}
	}
	name, rest, more := strings.Cut(path, ".")
	if !more {
		return []string{name}, kind
	}
	steps, _ := locate(kind, rest)
	return append([]string{name}, steps...), nil
}

// unknown returns the error for a member that the struct at the path does not have.
func unknown(path, name string, kind reflect.Type) error {
	var candidates []string
	for _, field := range reflect.VisibleFields(kind) {
		candidates = append(candidates, path+"."+jsonName(field))
	}
	for _, key := range Keys() {
		if !strings.Contains(key, "<") {
			candidates = append(candidates, ContextKey+"."+key)
		}
	}
	path += "." + name
	return fmt.Errorf("%s: unknown, the nearest is %s", path, nearest(path, candidates))
}

// nearest returns the path with the fewest edits. Edits in the last step count twice,
// because people remember the setting better than its section.
func nearest(path string, candidates []string) string {
	edits := func(candidate string) int {
		section, setting := cutLast(path)
		candidateSection, candidateSetting := cutLast(candidate)
		return settings.Edits(section, candidateSection) + 2*settings.Edits(setting, candidateSetting)
	}
	return slices.MinFunc(candidates, func(a, b string) int { return edits(a) - edits(b) })
}

func cutLast(path string) (section, setting string) {
	i := strings.LastIndexByte(path, '.')
	return path[:i], path[i+1:]
}
