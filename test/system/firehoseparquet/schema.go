// Package firehoseparquet converts JSON records to Parquet like Firehose's record format
// conversion with the OpenX JSON SerDe. [Parse] takes the columns of a Glue table with their
// Hive types. The resulting [Schema] converts records to rows, or returns the failure that
// Firehose would report, and writes rows as a Parquet file.
//
// Documented by AWS: a record consists of one or several JSON objects without separators, and is
// never an array of objects. Members without a column are dropped.
//
// Observed on AWS (github.com/floci-io/floci, issue 3235 and pull request 3521): the codes of
// failures; names match case-insensitively; the keys of maps, and of objects converted to text,
// are stored in lower case; numbers, booleans, objects and arrays become text in a text column;
// text in a numeric column is parsed as a number, and the record fails if it is not one; a single
// value in an array column becomes an array with one element; an array fills the members of a
// struct by position; a scalar in a struct column, and anything but an object in a map column,
// fails the record; `{}` is a struct of nulls, not null.
//
// Assumed, because no source documents it: if one object fails, so do the others of its record;
// the last of several members with the same name wins, as in the code of OpenX; numbers in text
// columns keep their spelling; a record fails if a number is out of range or if an integer column
// receives a fraction.
package firehoseparquet

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/parquet-go/parquet-go"
)

// Column is a column of a Glue table with its Hive type. Names match case-insensitively. Supported
// types are string, varchar(n), char(n), boolean, tinyint, smallint, int, bigint, float, double,
// and array<>, map<> and struct<> of those.
type Column struct{ Name, Type string }

// Schema holds the columns of a table. It is immutable.
type Schema struct {
	columns []field
	leaves  int
	parquet *parquet.Schema
}

// field is a column or a member of a struct.
type field struct {
	name string // in lower case
	typ  *hiveType
}

// Parse parses columns. Its error lists every invalid column.
func Parse(columns []Column) (*Schema, error) {
	if len(columns) == 0 {
		return nil, errors.New("the table has no columns")
	}

	s := &Schema{}
	var problems []error
	seen := map[string]bool{}
	for _, column := range columns {
		name := strings.ToLower(column.Name)
		typ, err := parseType(column.Type)
		if err == nil && (name == "" || seen[name]) {
			err = errors.New("the name is empty or duplicate")
		}
		if err != nil {
			problems = append(problems, fmt.Errorf("column %q of type %q: %w", column.Name, column.Type, err))
			continue
		}
		seen[name] = true
		s.columns = append(s.columns, field{name, typ})
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}

	for _, column := range s.columns {
		s.leaves = column.typ.number(s.leaves)
	}
	s.parquet = parquet.NewSchema("hive_schema", groupOf(s.columns))
	return s, nil
}

// kind is the kind of a type's values.
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

// hiveType is a parsed type. It is a tree whose leaves are the columns of the Parquet file.
type hiveType struct {
	kind    kind
	bits    int     // of a number
	members []field // of a struct
	key     *hiveType
	element *hiveType // of an array, or the value of a map
	leaf    int       // index of the column in the file
}

var scalars = map[string]hiveType{
	"string": {kind: textKind}, "boolean": {kind: boolKind},
	"tinyint": {kind: int32Kind, bits: 8}, "smallint": {kind: int32Kind, bits: 16},
	"int": {kind: int32Kind, bits: 32}, "integer": {kind: int32Kind, bits: 32},
	"bigint": {kind: int64Kind, bits: 64},
	"float":  {kind: floatKind, bits: 32}, "double": {kind: doubleKind, bits: 64},
}

// maxTypeDepth is the maximum depth of nested types.
const maxTypeDepth = 32

// typeReader parses a type.
type typeReader struct{ rest string }

func parseType(text string) (*hiveType, error) {
	r := typeReader{strings.ToLower(strings.ReplaceAll(text, " ", ""))}
	t, err := r.read(1)
	if err == nil && r.rest != "" {
		err = fmt.Errorf("unexpected %q at the end", r.rest)
	}
	return t, err
}

// word reads the text up to the next bracket, comma or colon.
func (r *typeReader) word() string {
	end := strings.IndexAny(r.rest, "<>,:(")
	if end < 0 {
		end = len(r.rest)
	}
	word := r.rest[:end]
	r.rest = r.rest[end:]
	return word
}

// take reads token.
func (r *typeReader) take(token string) error {
	after, found := strings.CutPrefix(r.rest, token)
	if !found {
		return fmt.Errorf("%q is missing before %q", token, r.rest)
	}
	r.rest = after
	return nil
}

func (r *typeReader) read(depth int) (*hiveType, error) {
	if depth > maxTypeDepth {
		return nil, fmt.Errorf("nested deeper than %d", maxTypeDepth)
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
			return nil, fmt.Errorf("the member name %q is empty or duplicate", name)
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

// number assigns indexes to the leaves, starting at next, and returns the next free one.
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
