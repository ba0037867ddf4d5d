// Package firehoseparquet turns JSON records into the rows of a Glue table and rows into
// Parquet, as Firehose's record format conversion does with the OpenX JSON SerDe. What
// goes in are a table's columns, by name and Hive type, and records; what comes out are
// rows, or the failure that Firehose reports of a record.
//
// From AWS's guide: a record is JSON objects, one or several without anything between
// them, never an array of them; members without a column are dropped. From probes of AWS
// that others published (github.com/floci-io/floci, issue 3235 and pull request 3521):
// the codes of failures; names match whatever their case; the keys of maps, and of
// objects that become text, are stored in lower case; numbers, truth values, objects and
// arrays become text in a text column; text is read as a number in a column of numbers
// and fails the record if it is none; a lone value becomes an array of one in an array's
// column; an array fills a struct's members by position; a scalar for a struct, and
// anything but an object for a map, fails the record; `{}` is a struct of nulls, not null.
//
// Chosen here, as no source says it: an object that fails takes the others of its record
// along; of a name that stands twice the last counts, as in OpenX's own code; numbers
// keep their text as it was written; a number that is out of a column's range, or has a
// fraction in a column of integers, fails the record.
package firehoseparquet

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/parquet-go/parquet-go"
)

// Column is a column of a Glue table: its name and its Hive type. Names match members in
// any case. Types are string, varchar(n), char(n), boolean, tinyint, smallint, int,
// bigint, float, double, and array<>, map<> and struct<> of those.
type Column struct{ Name, Type string }

// Schema is a table's columns. It is immutable.
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

// Parse reads columns. The error tells every column that cannot be read.
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
			err = errors.New("the name is empty or there twice")
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
