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
