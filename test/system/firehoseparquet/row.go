package firehoseparquet

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/resolverwatch/resolverwatch/internal/localaws/firehose"
)

// Codes of failures.
const (
	codeParse     = "DataFormatConversion.ParseError"
	codeMalformed = "DataFormatConversion.MalformedData"
)

// Failure is the reason why a record cannot be converted.
type Failure = firehose.ConversionFailure

// Row holds the converted values of one object, in the order of the columns.
type Row []cell

// cell is nil for null, a string, bool, int32, int64, float32 or float64, a list for an array, a
// Row for a struct, or entries for a map.
type (
	cell    any
	list    []cell
	entries []entry
	entry   struct{ key, value cell }
)

// Rows converts a record to rows, one for each of its objects.
func (s *Schema) Rows(record []byte) ([]Row, *Failure) {
	objects, failure := parseRecord(record)
	if failure != nil {
		return nil, failure
	}
	rows := make([]Row, len(objects))
	for i := range objects {
		row, err := structRow(s.columns, &objects[i])
		if err != nil {
			return nil, &Failure{Code: codeMalformed, Message: "Data does not match the schema. " + err.Error()}
		}
		rows[i] = row
	}
	return rows, nil
}

// Convert implements [firehose.Schema].
func (s *Schema) Convert(records [][]byte, compression string) (file []byte, failures []*Failure, err error) {
	var rows []Row
	failures = make([]*Failure, len(records))
	for i, record := range records {
		var more []Row
		if more, failures[i] = s.Rows(record); failures[i] == nil {
			rows = append(rows, more...)
		}
	}
	if len(rows) > 0 {
		file, err = s.Encode(rows, compression)
	}
	return file, failures, err
}

// structRow converts the members of an object for which there are fields.
func structRow(fields []field, object *value) (Row, error) {
	row := make(Row, len(fields))
	for i, f := range fields {
		member := object.find(f.name)
		if object.isArray && i < len(object.array) {
			member = object.array[i]
		}
		var err error
		if row[i], err = f.typ.convert(&member); err != nil {
			return nil, err
		}
	}
	return row, nil
}

// convert converts a value to the type.
func (t *hiveType) convert(v *value) (cell, error) {
	if v.isNull() {
		return nil, nil
	}
	switch t.kind {
	case structKind:
		if !v.isObj && !v.isArray {
			return nil, fmt.Errorf("Data is not JSONObject  but %s with value %s", v.javaType(), v.asText()) //nolint:staticcheck // AWS's words
		}
		return structRow(t.members, v)
	case arrayKind:
		if !v.isArray {
			element, err := t.element.convert(v)
			return list{element}, err
		}
		return t.convertList(v.array)
	case mapKind:
		if !v.isObj {
			return nil, fmt.Errorf("a map column cannot hold %s", v.asText())
		}
		return t.convertMap(v)
	default:
		return t.convertScalar(v)
	}
}

func (t *hiveType) convertList(elements []value) (cell, error) {
	out := make(list, len(elements))
	for i := range elements {
		var err error
		if out[i], err = t.element.convert(&elements[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (t *hiveType) convertMap(v *value) (cell, error) {
	out := entries{}
	for _, m := range v.object {
		key, err := t.key.convert(&value{text: &m.name})
		if err != nil {
			return nil, err
		}
		element, err := t.element.convert(&m.value)
		if err != nil {
			return nil, err
		}
		out = append(out, entry{key, element})
	}
	return out, nil
}

func (t *hiveType) convertScalar(v *value) (cell, error) {
	text := v.asText()
	if t.kind == textKind {
		return text, nil
	}
	trimmed := strings.TrimSpace(text)
	if v.isObj || v.isArray {
		return nil, inputString(text)
	}
	switch t.kind {
	case boolKind:
		if strings.EqualFold(trimmed, "true") || strings.EqualFold(trimmed, "false") {
			return strings.EqualFold(trimmed, "true"), nil
		}
		return nil, inputString(text)
	case int32Kind, int64Kind:
		number, err := strconv.ParseInt(trimmed, 10, t.bits)
		switch {
		case err != nil:
			return nil, inputString(text)
		case t.kind == int32Kind:
			return int32(number), nil // parsed with 32 bits or fewer
		}
		return number, nil
	default:
		number, err := strconv.ParseFloat(trimmed, t.bits)
		switch {
		case err != nil || math.IsInf(number, 0) || math.IsNaN(number):
			return nil, inputString(text)
		case t.kind == floatKind:
			return float32(number), nil
		}
		return number, nil
	}
}

// inputString is the error of AWS for text that is not a number, which comes from Java.
func inputString(text string) error { return fmt.Errorf("For input string: %q", text) } //nolint:staticcheck // AWS's words

// asText returns the value in a text column.
func (v *value) asText() string {
	if v.text != nil {
		return *v.text
	}
	return string(v.appendJSON(nil))
}

// javaType returns the Java type that the parser of AWS uses for a scalar.
func (v *value) javaType() string {
	switch {
	case v.text != nil:
		return "java.lang.String"
	case v.truth != nil:
		return "java.lang.Boolean"
	case strings.ContainsAny(string(v.number), ".eE"):
		return "java.lang.Double"
	}
	return "java.lang.Long"
}
