package athena_test

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/resolverwatch/resolverwatch/pkg/catalog"
	"github.com/resolverwatch/resolverwatch/pkg/localaws/firehose"
	"github.com/resolverwatch/resolverwatch/pkg/localaws/firehose/conversion"
)

// asParquet makes the table and its objects what Firehose's record format conversion
// makes of them: a Parquet file for each object, with the columns of the catalogue and
// no others.
func asParquet(t *testing.T, table tableInput, objects map[string][]byte) (tableInput, map[string][]byte) {
	t.Helper()
	converted := make(map[string][]byte, len(objects))
	for key, lines := range objects {
		if file := parquetFile(t, lines); file != nil {
			converted[key+".parquet"] = file
		}
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

// parquetFile returns what the embedded Firehose converts lines to; those that are no JSON
// it sends elsewhere, and nil is that nothing is left.
func parquetFile(t *testing.T, lines []byte) []byte {
	t.Helper()
	var columns []conversion.Column
	for _, column := range catalog.Columns() {
		columns = append(columns, conversion.Column{Name: column.Name, Type: column.Type})
	}
	bucket := objects{}
	stream, err := firehose.New(firehose.Config{DeliveryStreamName: "parquet", Bucket: bucket, Prefix: "rows/",
		Conversion: &firehose.Conversion{Columns: columns}})
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(lines) {
		if _, err := stream.Put(line); err != nil {
			t.Fatal(err)
		}
	}
	if err := stream.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	for key, body := range bucket {
		if strings.HasSuffix(key, ".parquet") {
			return body
		}
	}
	return nil
}

// objects is the bucket of a stream that is closed before anybody looks.
type objects map[string][]byte

func (o objects) Put(_ context.Context, key string, body []byte, _ string) error {
	o[key] = body
	return nil
}

// What Firehose makes of an odd line is what the SerDe reads it as; a line that the SerDe
// reads as a row of nulls is no row at all.
func TestParquet_oddLines(t *testing.T) {
	l := open(t)
	for _, odd := range oddLines {
		t.Run(odd.name, func(t *testing.T) {
			table, files := asParquet(t, jsonTable("odd", "s3://none/odd/", openxSerde, catalog.Columns()),
				map[string][]byte{"odd/1": []byte(sound + "\n" + odd.line + "\n" + sound + "\n")})
			table.storage()["Location"] = "s3://" + l.bucket(t, files) + "/odd/"
			l.glue.put(table)
			want := []string{soundRow, odd.row, soundRow}
			switch {
			case odd.name == "two objects": // of which the SerDe reads the first
				want = slices.Insert(want, 2, strings.Replace(odd.row, `"a"`, `"b"`, 1))
			case odd.row == unreadable:
				want = []string{soundRow, soundRow}
			}
			var got []string
			for _, row := range l.query(t, native, oddQuery).Rows {
				got = append(got, text(row))
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("rows (-want +got):\n%s", diff)
			}
		})
	}
}
