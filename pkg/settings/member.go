package settings

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// checkMembers makes sure that text is a JSON object whose members all are fields of
// shape, in exact case. Its error joins one for each that is not.
func checkMembers(text []byte, shape any) error {
	var object map[string]json.RawMessage
	if err := json.Unmarshal(text, &object); err != nil {
		return fmt.Errorf("must be a JSON object: %w", err)
	}
	known := members(reflect.TypeOf(shape))
	var problems []error
	for _, name := range sortedKeys(object) {
		if !slices.Contains(known, name) {
			problems = append(problems, fmt.Errorf("member %q: unknown, the nearest is %q", name, nearest(name, known)))
		}
	}
	return errors.Join(problems...)
}

// members returns the names that the fields of a struct have in JSON.
func members(shape reflect.Type) []string {
	var names []string
	for i := range shape.NumField() {
		name, _, _ := strings.Cut(shape.Field(i).Tag.Get("json"), ",")
		names = append(names, name)
	}
	return names
}

func sortedKeys[V any](object map[string]V) []string {
	keys := make([]string, 0, len(object))
	for key := range object {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// nearest returns the candidate with the fewest edits from name, whatever the case.
func nearest(name string, candidates []string) string {
	return slices.MinFunc(candidates, func(a, b string) int {
		return Edits(name, a) - Edits(name, b)
	})
}

// maxEditBytes bounds the name that is compared; the product of two lengths is work.
const maxEditBytes = 64

// Edits is the Levenshtein distance of two words, without regard to case.
func Edits(a, b string) int {
	a, b = strings.ToLower(a[:min(len(a), maxEditBytes)]), strings.ToLower(b)
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, diagonal+1, row[j]+1)
		}
	}
	return row[len(b)]
}
