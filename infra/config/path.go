package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// member returns the member of a section or of a map with this exact name, case included.
func member(kind reflect.Type, name string) (reflect.StructField, bool) {
	if kind.Kind() == reflect.Map {
		return reflect.StructField{Type: kind.Elem()}, true
	}
	return settings.Member(kind, name)
}

// locate splits a path into the steps through the tree. It returns the setting or section
// there, or nil if the path is not valid.
func locate(kind reflect.Type, path string) ([]string, *reflect.StructField) {
	if kind.Kind() == reflect.Map {
		return locateNamed(kind, path)
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
		return []string{name}, &field
	}
	steps, inner := locate(field.Type, rest)
	return append([]string{name}, steps...), inner
}

// locateNamed does the same in a map. A feed id and the key of a tag may contain dots, so
// the name is the shortest that leaves the path of a setting.
func locateNamed(kind reflect.Type, path string) ([]string, *reflect.StructField) {
	field, _ := member(kind, path)
	if field.Type.Kind() != reflect.Struct {
		return []string{path}, &field
	}
	for i := range len(path) {
		if path[i] != '.' {
			continue
		}
		if steps, inner := locate(field.Type, path[i+1:]); inner != nil {
			return append([]string{path[:i]}, steps...), inner
		}
	}
	name, rest, more := strings.Cut(path, ".")
	if !more {
		return []string{name}, &field
	}
	steps, _ := locate(field.Type, rest)
	return append([]string{name}, steps...), nil
}

// unknown returns the error for a member that the section at the path does not have: it was
// renamed or dropped, or it is misspelled.
func unknown(path, name string, section reflect.Type) error {
	at := path + "." + name
	if renamed := settings.Renamed(section, name); renamed != "" {
		return fmt.Errorf("%s: %s", at, renamed)
	}
	if reason := dropped(section, path, name); reason != "" {
		return fmt.Errorf("%s: %s", at, reason)
	}
	var candidates []string
	for _, field := range settings.Members(section) {
		candidates = append(candidates, path+"."+settings.JSONName(field))
	}
	for _, key := range Keys() {
		if !strings.Contains(key, "<") {
			candidates = append(candidates, ContextKey+"."+key)
		}
	}
	return fmt.Errorf("%s: unknown, the nearest is %s", at, nearest(at, candidates))
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
