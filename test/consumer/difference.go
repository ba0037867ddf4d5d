package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
)

// maxPrinted is how many differences of one template are printed.
const maxPrinted = 20

// explained has the differences between versions of awscdk that are known and harmless, by
// the path of the value in the template. There are none up to 2.277.
var explained = []struct {
	path   *regexp.Regexp
	reason string
}{}

// compareTemplates prints the differences between the templates of two assemblies and
// returns a summary. It returns an error if a difference is not explained.
func compareTemplates(want, got *assembly) (string, error) {
	names := slices.Sorted(maps.Keys(want.templates))
	if other := slices.Sorted(maps.Keys(got.templates)); !slices.Equal(names, other) {
		return "", fmt.Errorf("the templates are %v instead of %v", other, names)
	}
	known, unexplained := 0, 0
	for _, name := range names {
		before, err := leaves(want.templates[name])
		if err != nil {
			return "", fmt.Errorf("%s: %w", name, err)
		}
		after, err := leaves(got.templates[name])
		if err != nil {
			return "", fmt.Errorf("%s: %w", name, err)
		}
		for i, difference := range differences(before, after) {
			if difference.reason == "" {
				unexplained++
			} else {
				known++
			}
			if i < maxPrinted {
				fmt.Printf("  %s: %s\n", name, difference)
			}
		}
	}
	if unexplained > 0 {
		return "", fmt.Errorf("%d differences between the templates are not explained", unexplained)
	}
	if known > 0 {
		return fmt.Sprintf("%d explained differences", known), nil
	}
	return "equal templates", nil
}

// A difference is a value that two templates do not share.
type difference struct{ path, before, after, reason string }

func (d difference) String() string {
	return fmt.Sprintf("%s: %s -> %s (%s)", d.path, cmp.Or(d.before, "none"), cmp.Or(d.after, "none"), cmp.Or(d.reason, "not explained"))
}

// differences returns the leaves that differ, in the order of their paths.
func differences(before, after map[string]string) []difference {
	paths := slices.Collect(maps.Keys(before))
	paths = slices.AppendSeq(paths, maps.Keys(after))
	slices.Sort(paths)
	var found []difference
	for _, path := range slices.Compact(paths) {
		if before[path] != after[path] {
			found = append(found, difference{path, before[path], after[path], reasonFor(path)})
		}
	}
	return found
}

// reasonFor returns the reason for a difference at a path, or "".
func reasonFor(path string) string {
	for _, known := range explained {
		if known.path.MatchString(path) {
			return known.reason
		}
	}
	return ""
}

// leaves returns the values of a template that have no members, as JSON and by path.
func leaves(template []byte) (map[string]string, error) {
	var root any
	if err := json.Unmarshal(template, &root); err != nil {
		return nil, err
	}
	found := make(map[string]string)
	return found, addLeaves(found, "", root)
}

func addLeaves(found map[string]string, path string, value any) error {
	var err error
	switch value := value.(type) {
	case map[string]any:
		for name, member := range value {
			err = errors.Join(err, addLeaves(found, path+"/"+name, member))
		}
		if len(value) > 0 {
			return err
		}
	case []any:
		for i, item := range value {
			err = errors.Join(err, addLeaves(found, fmt.Sprintf("%s/%d", path, i), item))
		}
		if len(value) > 0 {
			return err
		}
	}
	text, err := json.Marshal(value)
	found[path] = string(text)
	return err
}
