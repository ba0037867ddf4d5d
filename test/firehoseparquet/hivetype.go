package firehoseparquet

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// kind is what values a type has.
type kind int

const (
	textKind kind = iota
	boolKind
	int32Kind
	int64Kind
	floatKind
	doubleKind
	arrayKind
	mapKind
	structKind
)

// hiveType is a parsed type: a tree whose leaves are Parquet's columns.
type hiveType struct {
	kind    kind
	bits    int     // of an integer
	members []field // of a struct
	key     *hiveType
	element *hiveType // of an array, and the value of a map
	leaf    int       // number of the column in the file
}

var scalars = map[string]hiveType{
	"string": {kind: textKind}, "boolean": {kind: boolKind},
	"tinyint": {kind: int32Kind, bits: 8}, "smallint": {kind: int32Kind, bits: 16},
	"int": {kind: int32Kind, bits: 32}, "integer": {kind: int32Kind, bits: 32},
	"bigint": {kind: int64Kind, bits: 64},
	"float":  {kind: floatKind, bits: 32}, "double": {kind: doubleKind, bits: 64},
}

// maxTypeDepth bounds nested types.
const maxTypeDepth = 32

// typeReader reads a type from text.
type typeReader struct{ rest string }

func parseType(text string) (*hiveType, error) {
	r := typeReader{strings.ToLower(strings.ReplaceAll(text, " ", ""))}
	t, err := r.read(1)
	if err == nil && r.rest != "" {
		err = fmt.Errorf("%q is left over", r.rest)
	}
	return t, err
}

// word reads up to the next bracket, comma or colon.
func (r *typeReader) word() string {
	end := strings.IndexAny(r.rest, "<>,:(")
	if end < 0 {
		end = len(r.rest)
	}
	word := r.rest[:end]
	r.rest = r.rest[end:]
	return word
}

func (r *typeReader) take(mark string) error {
	after, found := strings.CutPrefix(r.rest, mark)
	if !found {
		return fmt.Errorf("%q is missing before %q", mark, r.rest)
	}
	r.rest = after
	return nil
}

func (r *typeReader) read(depth int) (*hiveType, error) {
	if depth > maxTypeDepth {
		return nil, fmt.Errorf("is nested deeper than %d", maxTypeDepth)
	}
	switch word := r.word(); word {
	case "array":
		return r.array(depth)
	case "map":
		return r.mapping(depth)
	case "struct":
		return r.structure(depth)
	case "varchar", "char":
		_, after, found := strings.Cut(r.rest, ")")
		if !found {
			return nil, errors.New("the length is missing")
		}
		r.rest = after
		return &hiveType{kind: textKind}, nil
	default:
		t, known := scalars[word]
		if !known {
			return nil, fmt.Errorf("the type %q is not emulated", word)
		}
		return &t, nil
	}
}

func (r *typeReader) array(depth int) (*hiveType, error) {
	if err := r.take("<"); err != nil {
		return nil, err
	}
	element, err := r.read(depth + 1)
	if err != nil {
		return nil, err
	}
	return &hiveType{kind: arrayKind, element: element}, r.take(">")
}

func (r *typeReader) mapping(depth int) (*hiveType, error) {
	if err := r.take("<"); err != nil {
		return nil, err
	}
	key, err := r.read(depth + 1)
	if err != nil {
		return nil, err
	}
	if key.kind >= arrayKind {
		return nil, errors.New("the key of a map must be a scalar")
	}
	if err := r.take(","); err != nil {
		return nil, err
	}
	value, err := r.read(depth + 1)
	if err != nil {
		return nil, err
	}
	return &hiveType{kind: mapKind, key: key, element: value}, r.take(">")
}

func (r *typeReader) structure(depth int) (*hiveType, error) {
	if err := r.take("<"); err != nil {
		return nil, err
	}
	t := &hiveType{kind: structKind}
	for {
		name := r.word()
		if name == "" || slices.ContainsFunc(t.members, func(f field) bool { return f.name == name }) {
			return nil, fmt.Errorf("the member name %q is empty or there twice", name)
		}
		if err := r.take(":"); err != nil {
			return nil, err
		}
		member, err := r.read(depth + 1)
		if err != nil {
			return nil, err
		}
		t.members = append(t.members, field{name, member})
		if r.take(",") != nil {
			return t, r.take(">")
		}
	}
}

// number gives leaves their numbers from next on, and returns the one after them.
func (t *hiveType) number(next int) int {
	switch t.kind {
	case structKind:
		for _, member := range t.members {
			next = member.typ.number(next)
		}
		return next
	case arrayKind:
		return t.element.number(next)
	case mapKind:
		return t.element.number(t.key.number(next))
	default:
		t.leaf = next
		return next + 1
	}
}
