package firehoseparquet

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress"

	"github.com/resolverwatch/resolverwatch/internal/localaws/firehose"
)

// codecs maps the names of compressions to Parquet codecs.
var codecs = map[string]compress.Codec{
	firehose.Snappy: &parquet.Snappy, firehose.GZIP: &parquet.Gzip, firehose.Uncompressed: &parquet.Uncompressed,
}

// Encode returns a Parquet file of rows. The columns have the order of the table, and all of them
// are optional. compression is SNAPPY, GZIP or UNCOMPRESSED.
func (s *Schema) Encode(rows []Row, compression string) ([]byte, error) {
	codec, known := codecs[compression]
	if !known {
		return nil, fmt.Errorf("compression must be SNAPPY, GZIP or UNCOMPRESSED, got %q", compression)
	}
	var out bytes.Buffer
	writer := parquet.NewWriter(&out, s.parquet, parquet.Compression(codec))
	shredder := shredder{columns: make([][]parquet.Value, s.leaves)}
	for _, row := range rows {
		if _, err := writer.WriteRows([]parquet.Row{shredder.row(s.columns, row)}); err != nil {
			return nil, fmt.Errorf("writing Parquet: %w", err)
		}
	}
	if err := writer.Close(); err != nil {
		return nil, fmt.Errorf("writing Parquet: %w", err)
	}
	return out.Bytes(), nil
}

// group is a Parquet group whose fields keep their order. The groups of parquet-go are sorted.
type group struct {
	parquet.Group
	fields []parquet.Field
}

// Fields returns the fields in the order of the table.
func (g *group) Fields() []parquet.Field { return g.fields }

func groupOf(members []field) parquet.Node {
	g := &group{Group: parquet.Group{}}
	for _, member := range members {
		g.Group[member.name] = parquet.Optional(member.typ.node())
	}
	sorted := map[string]parquet.Field{}
	for _, f := range g.Group.Fields() {
		sorted[f.Name()] = f
	}
	for _, member := range members {
		g.fields = append(g.fields, sorted[member.name])
	}
	return g
}

// node returns the Parquet type, with the level names that the specification recommends.
func (t *hiveType) node() parquet.Node {
	switch t.kind {
	case textKind:
		return parquet.String()
	case boolKind:
		return parquet.Leaf(parquet.BooleanType)
	case int32Kind:
		if t.bits < 32 {
			return parquet.Int(t.bits)
		}
		return parquet.Leaf(parquet.Int32Type)
	case int64Kind:
		return parquet.Leaf(parquet.Int64Type)
	case floatKind:
		return parquet.Leaf(parquet.FloatType)
	case doubleKind:
		return parquet.Leaf(parquet.DoubleType)
	case arrayKind:
		return parquet.List(parquet.Optional(t.element.node()))
	case mapKind:
		return parquet.Map(t.key.node(), parquet.Optional(t.element.node()))
	default:
		return groupOf(t.members)
	}
}

// shredder splits rows into the columns of Parquet. Every value has a definition level and a
// repetition level.
type shredder struct {
	columns  [][]parquet.Value
	repeated int // number of enclosing arrays and maps
}

// row splits a row. The result is valid until the next call.
func (s *shredder) row(fields []field, row Row) (out parquet.Row) {
	for i := range s.columns {
		s.columns[i] = s.columns[i][:0]
	}
	for i, f := range fields {
		s.add(f.typ, row[i], 0, 0)
	}
	for _, column := range s.columns {
		out = append(out, column...)
	}
	return out
}

// add splits a value. All types are optional, so a value that is not null is one level deeper.
func (s *shredder) add(t *hiveType, c cell, repetition, definition int) {
	switch c := c.(type) {
	case nil:
		s.addNull(t, repetition, definition)
	case list:
		s.repeat(t, len(c), repetition, definition+1, func(i, repetition, definition int) {
			s.add(t.element, c[i], repetition, definition)
		})
	case entries:
		s.repeat(t, len(c), repetition, definition+1, func(i, repetition, definition int) {
			s.add(t.key, c[i].key, repetition, definition-1) // keys are not optional
			s.add(t.element, c[i].value, repetition, definition)
		})
	case Row:
		for i, member := range t.members {
			s.add(member.typ, c[i], repetition, definition+1)
		}
	default:
		s.columns[t.leaf] = append(s.columns[t.leaf], parquet.ValueOf(c).Level(repetition, definition+1, t.leaf))
	}
}

// repeat adds the elements of an array or a map. The first element has the repetition level of
// its parent, the others that of the array or map itself.
func (s *shredder) repeat(t *hiveType, n, repetition, definition int, add func(i, repetition, definition int)) {
	if n == 0 {
		s.addNull(t, repetition, definition)
		return
	}
	s.repeated++
	for i := range n {
		add(i, repetition, definition+1)
		repetition = s.repeated
	}
	s.repeated--
}

// addNull adds nulls to all leaves of a type.
func (s *shredder) addNull(t *hiveType, repetition, definition int) {
	switch t.kind {
	case structKind:
		for _, member := range t.members {
			s.addNull(member.typ, repetition, definition)
		}
	case arrayKind:
		s.addNull(t.element, repetition, definition)
	case mapKind:
		s.addNull(t.key, repetition, definition)
		s.addNull(t.element, repetition, definition)
	default:
		s.columns[t.leaf] = append(s.columns[t.leaf], parquet.NullValue().Level(repetition, definition, t.leaf))
	}
}

// Decode reads a Parquet file. It returns a map with all columns for each row. Values are nil for
// null, string, bool, int32, int64, float32, float64, []any for an array, and map[string]any for
// a struct or a map.
func Decode(file []byte) ([]map[string]any, error) {
	opened, err := parquet.OpenFile(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		return nil, fmt.Errorf("opening Parquet: %w", err)
	}
	reader := parquet.NewGenericReader[map[string]any](opened, opened.Schema())
	rows := make([]map[string]any, reader.NumRows())
	for i := range rows {
		rows[i] = map[string]any{}
	}
	for read := 0; read < len(rows); {
		n, err := reader.Read(rows[read:])
		if read += n; err != nil && (read < len(rows) || !errors.Is(err, io.EOF)) {
			return nil, fmt.Errorf("reading Parquet: %w", errors.Join(err, reader.Close()))
		}
	}
	for _, row := range rows {
		for name := range row {
			row[name] = plain(reflect.ValueOf(row[name]))
		}
	}
	return rows, reader.Close()
}

// plain converts a value from the types that parquet-go generates for the values of maps:
// pointers, byte slices, and structs with tags, which it also uses for arrays and maps.
func plain(v reflect.Value) any {
	switch v.Kind() {
	case reflect.Invalid:
		return nil
	case reflect.Pointer, reflect.Interface:
		return plain(v.Elem())
	case reflect.Struct:
		members := map[string]any{}
		for i := range v.NumField() {
			name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("parquet"), ",")
			members[name] = plain(v.Field(i))
		}
		return unwrap(members)
	case reflect.Map:
		members := map[string]any{}
		for name, member := range v.Seq2() {
			members[name.String()] = plain(member)
		}
		return members
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return string(v.Bytes())
		}
		elements := make([]any, v.Len())
		for i := range elements {
			elements[i] = plain(v.Index(i))
		}
		return elements
	default:
		return v.Interface()
	}
}

// unwrap returns the array or the map in a Parquet group, or the group itself.
func unwrap(members map[string]any) any {
	if len(members) != 1 {
		return members
	}
	if elements, ok := members["list"].([]any); ok {
		for i := range elements {
			elements[i] = elements[i].(map[string]any)["element"]
		}
		return elements
	}
	if pairs, ok := members["key_value"].([]any); ok {
		out := map[string]any{}
		for _, pair := range pairs {
			pair := pair.(map[string]any)
			out[pair["key"].(string)] = pair["value"]
		}
		return out
	}
	return members
}
