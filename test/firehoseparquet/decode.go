package firehoseparquet

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"

	"github.com/parquet-go/parquet-go"
)

// Decode reads a Parquet file: a map for each row, with every column. Values are nil for
// null, string, bool, int32, int64, float32, float64, []any for an array, and
// map[string]any for a struct or a map. It is how tests look at what was delivered.
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

// plain takes a value out of the types that parquet-go makes up for the values of maps:
// pointers, byte slices, and structs with tags, for arrays and maps as well.
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
		return unwrapped(members)
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

// unwrapped takes arrays and maps out of the groups in which Parquet has them.
func unwrapped(members map[string]any) any {
	if len(members) != 1 {
		return members
	}
	if elements, isArray := members["list"].([]any); isArray {
		for i := range elements {
			elements[i] = elements[i].(map[string]any)["element"]
		}
		return elements
	}
	if pairs, isMap := members["key_value"].([]any); isMap {
		out := map[string]any{}
		for _, pair := range pairs {
			pair := pair.(map[string]any)
			out[pair["key"].(string)] = pair["value"]
		}
		return out
	}
	return members
}
