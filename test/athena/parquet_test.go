package athena_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"

	"github.com/resolverwatch/resolverwatch/pkg/catalog"
)

// asParquet makes the table and its objects what Firehose's record format conversion
// makes of them: a Parquet file for each object, with the columns of the catalogue and
// no others.
func asParquet(t *testing.T, table tableInput, objects map[string][]byte) (tableInput, map[string][]byte) {
	t.Helper()
	converted := make(map[string][]byte, len(objects))
	for key, lines := range objects {
		converted[key+".parquet"] = parquetFile(t, lines)
	}
	out := maps.Clone(table)
	out["StorageDescriptor"] = map[string]any{
		"Columns":      table.storage()["Columns"],
		"Location":     table.storage()["Location"],
		"InputFormat":  "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
		"OutputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
		"SerdeInfo": map[string]any{"Parameters": map[string]any{},
			"SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"},
	}
	return out, converted
}

// parquetFile converts lines; those that are no JSON are left out, as Firehose sends
// them elsewhere.
func parquetFile(t *testing.T, lines []byte) []byte {
	t.Helper()
	row := structType(catalog.Columns())
	var out bytes.Buffer
	writer := parquet.NewWriter(&out, parquet.SchemaOf(reflect.New(row).Interface()), parquet.Compression(&parquet.Snappy))
	for line := range bytes.Lines(lines) {
		if !json.Valid(line) {
			continue
		}
		value := reflect.New(row)
		if err := json.Unmarshal(line, value.Interface()); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		if err := writer.Write(value.Interface()); err != nil {
			t.Fatal(err)
		}
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// structType returns a struct with a member for each column, which JSON is decoded into
// and Parquet written from.
func structType(columns []catalog.Column) reflect.Type {
	fields := make([]reflect.StructField, len(columns))
	for i, column := range columns {
		typ, list := goType(column.Type)
		tag := column.Name + ",optional"
		if list {
			tag += ",list"
		}
		fields[i] = reflect.StructField{Name: fmt.Sprintf("F%d", i), Type: typ,
			Tag: reflect.StructTag(fmt.Sprintf(`json:%q parquet:%q`, column.Name, tag))}
	}
	return reflect.StructOf(fields)
}

// goType returns the type for a type of Glue, and whether it is a list.
func goType(glue string) (typ reflect.Type, list bool) {
	switch {
	case glue == "string":
		return reflect.TypeFor[*jsonText](), false
	case glue == "int":
		return reflect.TypeFor[*int32](), false
	case glue == "bigint":
		return reflect.TypeFor[*int64](), false
	case glue == "array<string>":
		return reflect.TypeFor[[]string](), true
	case strings.HasPrefix(glue, "array<"):
		element, _ := goType(strings.TrimSuffix(strings.TrimPrefix(glue, "array<"), ">"))
		return reflect.SliceOf(element.Elem()), true
	case strings.HasPrefix(glue, "struct<"):
		return reflect.PointerTo(structType(members(glue))), false
	default:
		panic("no Go type for " + glue)
	}
}

// members reads struct<name:type,...>.
func members(glue string) (columns []catalog.Column) {
	rest := strings.TrimSuffix(strings.TrimPrefix(glue, "struct<"), ">")
	for rest != "" {
		name, after, _ := strings.Cut(rest, ":")
		end, depth := 0, 0
		for ; end < len(after) && (depth > 0 || after[end] != ','); end++ {
			depth += strings.Count("<", after[end:end+1]) - strings.Count(">", after[end:end+1])
		}
		columns = append(columns, catalog.Column{Name: name, Type: after[:end]})
		rest = strings.TrimPrefix(after[end:], ",")
	}
	return columns
}

// jsonText is the text of a JSON string, and of anything else its JSON.
type jsonText string

// UnmarshalJSON takes any JSON.
func (s *jsonText) UnmarshalJSON(text []byte) error {
	var decoded string
	if json.Unmarshal(text, &decoded) == nil {
		*s = jsonText(decoded)
		return nil
	}
	*s = jsonText(text)
	return nil
}
