package athena_test

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/resolverwatch/resolverwatch/internal/localaws/firehose"
	"github.com/resolverwatch/resolverwatch/pkg/catalog"
	"github.com/resolverwatch/resolverwatch/test/system/firehoseparquet"
)

// asParquet converts objects as Firehose's record format conversion does: each becomes a
// Parquet file with exactly the columns of the catalogue.
func asParquet(t *testing.T, objects map[string][]byte) map[string][]byte {
	t.Helper()
	converted := make(map[string][]byte, len(objects))
	for key, lines := range objects {
		if file := parquetFile(t, lines, catalog.Columns()); file != nil {
			converted[key+".parquet"] = file
		}
	}
	return converted
}

// parquetTable is a table of Parquet files without partitions.
func parquetTable(name, location string, columns []catalog.Column) tableInput {
	table := jsonTable(name, location, openxSerde, columns)
	table["StorageDescriptor"] = map[string]any{
		"Columns": table.storage()["Columns"], "Location": location,
		"InputFormat":  "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
		"OutputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
		"SerdeInfo": map[string]any{"Parameters": map[string]any{},
			"SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"},
	}
	return table
}

// parquetFile returns the Parquet file that the embedded Firehose converts lines to.
// Firehose sends lines that are not JSON elsewhere; parquetFile returns nil if no line is
// left.
func parquetFile(t *testing.T, lines []byte, described []catalog.Column) []byte {
	t.Helper()
	var columns []firehoseparquet.Column
	for _, column := range described {
		columns = append(columns, firehoseparquet.Column{Name: column.Name, Type: column.Type})
	}
	schema, err := firehoseparquet.Parse(columns)
	if err != nil {
		t.Fatal(err)
	}
	bucket := objects{}
	stream, err := firehose.New(firehose.Config{DeliveryStreamName: "parquet", Bucket: bucket, Prefix: "rows/",
		Conversion: &firehose.Conversion{Schema: schema}})
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

// objects is the bucket of a stream that is closed before the objects are read.
type objects map[string][]byte

func (o objects) Put(_ context.Context, key string, body []byte, _ string) error {
	o[key] = body
	return nil
}

// Firehose converts an odd line to the same values that the SerDe reads. A line that the
// SerDe reads as a row of nulls is left out.
func TestParquet_oddLines(t *testing.T) {
	l := open(t)
	for _, odd := range oddLines {
		t.Run(odd.name, func(t *testing.T) {
			files := asParquet(t, map[string][]byte{"odd/1": []byte(sound + "\n" + odd.line + "\n" + sound + "\n")})
			l.glue.put(parquetTable("odd", "s3://"+l.bucket(t, files)+"/odd/", catalog.Columns()))
			want := []string{soundRow, odd.row, soundRow}
			switch {
			case odd.name == "two objects": // the SerDe reads only the first
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

// Files from before the table had a column, or a struct had a member, can still be read,
// together with newer files.
func TestParquet_columnsAdded(t *testing.T) {
	l := open(t)
	before := slices.DeleteFunc(catalog.Columns(), func(c catalog.Column) bool { return c.Name == "transport" })
	for i := range before {
		before[i].Type = strings.Replace(before[i].Type, "category:string,", "", 1)
	}
	record := []byte(`{"query_name":"evil.example.","transport":"UDP","answers":[],"srcaddr":"192.0.2.1","verdict":"malicious",` +
		`"index_generation":7,"threat":{"indicator":"evil.example","feeds":["f"],"category":"c2","confidence":50}}` + "\n")
	bucket := l.bucket(t, map[string][]byte{"old/1": parquetFile(t, record, before), "old/2": parquetFile(t, record, catalog.Columns())})
	l.glue.put(parquetTable("old", "s3://"+bucket+"/old/", catalog.Columns()))
	got := l.query(t, native, `SELECT query_name, transport, srcaddr, verdict, threat.indicator, threat.category, threat.feeds,
		threat.confidence FROM old ORDER BY transport`)
	want := []string{
		`["evil.example.","UDP","192.0.2.1","malicious","evil.example","c2",["f"],50]`,
		`["evil.example.",null,"192.0.2.1","malicious","evil.example",null,["f"],50]`,
	}
	if diff := cmp.Diff(want, asLines(got.Rows)); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}
