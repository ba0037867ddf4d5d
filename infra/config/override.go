package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// maxTypingErrors is how far a context key may differ from ours and still be treated as
// misspelled.
const maxTypingErrors = 2

// overlay returns the settings as one tree: the settings under the context key, overridden
// by the single settings with their own keys, shorter paths first.
func overlay(context map[string]any) (any, error) {
	tree, err := root(context[ContextKey])
	problems := []error{err}
	for _, key := range slices.Sorted(maps.Keys(context)) {
		first, path, isPath := strings.Cut(key, ".")
		switch {
		case first == ContextKey && isPath:
			tree, err = override(tree, path, context[key])
			problems = append(problems, err)
		case first != ContextKey && isMisspelled(first):
			problems = append(problems, fmt.Errorf("context key %q: unknown, settings begin with %q", key, ContextKey+"."))
		}
	}
	return tree, errors.Join(problems...)
}

// isMisspelled reports whether a context key was meant to be one of ours: its first word is
// nearly right, or its path does not begin with a dot.
func isMisspelled(key string) bool {
	if settings.Edits(key, ContextKey) <= maxTypingErrors {
		return true
	}
	path, begins := strings.CutPrefix(key, ContextKey)
	if !begins {
		return false
	}
	name, _, _ := strings.Cut(path[1:], path[:1])
	_, ok := member(reflect.TypeFor[settings.Deployment](), name)
	return ok
}

// root reads the tree itself, which is text if -c sets it.
func root(value any) (any, error) {
	text, isText := value.(string)
	if !isText {
		return value, nil
	}
	return parse(ContextKey, text, reflect.StructField{Type: reflect.TypeFor[settings.Deployment]()})
}

// override returns the tree with the setting at the path replaced, or removed if the value
// means "unset". It does not change the given tree.
func override(tree any, path string, value any) (any, error) {
	steps, field := locate(reflect.TypeFor[settings.Deployment](), path)
	if text, isText := value.(string); isText && field != nil {
		parsed, err := parse(ContextKey+"."+path, text, *field)
		if err != nil {
			return tree, err
		}
		value = parsed
	}
	return replace(tree, steps, value), nil
}

func replace(tree any, steps []string, value any) any {
	if len(steps) == 0 {
		return value
	}
	object, isObject := tree.(map[string]any)
	if !isObject && tree != nil {
		return tree // decoding reports the problem
	}
	copied := maps.Clone(object)
	if copied == nil {
		copied = make(map[string]any)
	}
	copied[steps[0]] = replace(object[steps[0]], steps[1:], value)
	return copied
}

// parse reads the text that -c gives for a setting or a section. Empty text is nil, which
// means unset. It returns text that is not a valid value unchanged, and decoding rejects it.
func parse(path, text string, field reflect.StructField) (any, error) {
	kind := field.Type
	switch {
	case text == "":
		return nil, nil //nolint:nilnil // nil is the value that means "unset"
	case settings.IsText(kind):
		return text, nil
	case kind.Kind() == reflect.Struct || kind.Kind() == reflect.Map:
	case kind.Kind() == reflect.Slice:
		if !strings.HasPrefix(strings.TrimSpace(text), "[") {
			return split(text), nil
		}
	case !json.Valid([]byte(text)): // neither a number nor a flag
		return text, nil
	}
	var value any
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		return nil, &settings.Problem{Path: path, Value: text, Rule: fmt.Sprintf("%s as JSON: %v", settings.Accepts(field), err)}
	}
	return value, nil
}

// split reads a comma-separated list.
func split(text string) []any {
	var list []any
	for word := range strings.SplitSeq(text, ",") {
		list = append(list, strings.TrimSpace(word))
	}
	return list
}
