package firehose_test

import (
	"context"
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/service/firehose"
	"github.com/google/go-cmp/cmp"

	"github.com/resolverwatch/resolverwatch/internal/localaws/firehose"
	"github.com/resolverwatch/resolverwatch/test/deployedstream"
	"github.com/resolverwatch/resolverwatch/test/firehoseparquet"
)

// toParquet returns a conversion with three columns.
func toParquet() *firehose.Conversion {
	schema, err := firehoseparquet.Parse([]firehoseparquet.Column{
		{Name: "name", Type: "string"}, {Name: "count", Type: "bigint"}, {Name: "list", Type: "array<string>"}})
	if err != nil {
		panic(err)
	}
	return &firehose.Conversion{
		Schema: schema,
		Table:  firehose.SchemaTable{CatalogID: "111122223333", DatabaseName: "base", TableName: "table", Region: "eu-west-1"},
	}
}

// converting adds a conversion and a backup to a stream.
func converting(c *firehose.Config) {
	c.Conversion, c.BufferingHints = toParquet(), nil
	c.Backup = &firehose.Backup{Prefix: "raw/!{timestamp:yyyy}/", CompressionFormat: firehose.GZIP,
		ErrorOutputPrefix: "raw-failed/!{firehose:error-output-type}/"}
}

// unconverted is a line of a format-conversion-failed object.
type unconverted struct {
	AttemptsMade           int             `json:"attemptsMade"`
	ArrivalTimestamp       int64           `json:"arrivalTimestamp"`
	LastErrorCode          string          `json:"lastErrorCode"`
	LastErrorMessage       string          `json:"lastErrorMessage"`
	AttemptEndingTimestamp int64           `json:"attemptEndingTimestamp"`
	RawData                []byte          `json:"rawData"`
	SequenceNumber         string          `json:"sequenceNumber"`
	DataCatalogTable       json.RawMessage `json:"dataCatalogTable"`
}

// annotate adds a member to every record, like our function.
func annotate(in event) (any, error) {
	var out answer
	for _, r := range in.Records {
		text := strings.TrimSuffix(string(*r.Data), "}") + `,"count":7}` + "\n"
		out.Records = append(out.Records, answerRecord{r.RecordID, "Ok", []byte(text)})
	}
	return out, nil
}

func TestStream_conversion(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, b := newStream(t, annotate, converting)
		put(t, s, `{"Name":"a","other":1}`, `{"name":"b"}{"name":"c","list":[]}`, `{"list":["x",null]}`)
		closeStream(t, s)
		var key string
		for _, key = range b.keys() {
			if strings.HasPrefix(key, "data/") {
				break
			}
		}
		// The clock of the synctest bubble starts at midnight UTC on 1 January 2000.
		want := regexp.MustCompile(`^data/2000/01/01/00/test-1-2000-01-01-00-00-00-[0-9a-f-]{36}\.parquet$`)
		if !want.MatchString(key) {
			t.Errorf("keys %q", b.keys())
		}
		rows, err := firehoseparquet.Decode([]byte(b.under("data/")))
		if err != nil {
			t.Fatal(err)
		}
		wantRows := []map[string]any{
			{"name": "a", "count": int64(7), "list": nil},
			{"name": "b", "count": nil, "list": nil},
			{"name": "c", "count": int64(7), "list": []any{}},
			{"name": nil, "count": int64(7), "list": []any{"x", nil}},
		}
		if diff := cmp.Diff(wantRows, rows); diff != "" {
			t.Errorf("rows (-want +got):\n%s", diff)
		}
		if got := b.under("raw/2000/"); got != `{"Name":"a","other":1}{"name":"b"}{"name":"c","list":[]}{"list":["x",null]}` {
			t.Errorf("backup has %q, want the original records", got)
		}
		if m := s.Metrics(); m.DeliveredRecords != 3 || m.BackedUpRecords != 3 || m.Pending() != 0 || m.Objects != 2 {
			t.Errorf("metrics = %+v", m)
		}
	})
}

// Records that cannot be converted are delivered to the error prefix with the reason.
func TestStream_conversionFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, b := newStream(t, nil, converting)
		start := time.Now()
		put(t, s, `{"name":"fine"}`, `{"count":"many"}`, `not JSON`, `[{"name":"x"}]`, "\n", `{"name":"lost"}{"count":"with it"}`)
		closeStream(t, s)
		if rows, err := firehoseparquet.Decode([]byte(b.under("data/"))); err != nil || len(rows) != 1 || rows[0]["name"] != "fine" {
			t.Errorf("rows %v, %v", rows, err)
		}
		const malformed = "DataFormatConversion.MalformedData"
		want := map[string]string{`{"count":"many"}`: malformed, "not JSON": "DataFormatConversion.ParseError",
			`[{"name":"x"}]`: malformed, "\n": malformed, `{"name":"lost"}{"count":"with it"}`: malformed}
		got := map[string]string{}
		for text := range strings.Lines(b.under("failed/format-conversion-failed/2000/01/01/00/")) {
			var line unconverted
			if err := json.Unmarshal([]byte(text), &line); err != nil {
				t.Fatalf("%v in %q", err, text)
			}
			got[string(line.RawData)] = line.LastErrorCode
			if line.AttemptsMade != 1 || line.LastErrorMessage == "" || line.ArrivalTimestamp != start.UnixMilli() ||
				line.AttemptEndingTimestamp < line.ArrivalTimestamp || line.SequenceNumber == "" {
				t.Errorf("line %+v", line)
			}
			const table = `{"catalogId":"111122223333","databaseName":"base","tableName":"table","region":"eu-west-1",` +
				`"versionId":"LATEST","catalogArn":null}`
			if string(line.DataCatalogTable) != table {
				t.Errorf("table %s, want %s", line.DataCatalogTable, table)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("failed (-want +got):\n%s", diff)
		}
		if m := s.Metrics(); m.FailedRecords[malformed] != 4 || m.Failed() != 5 || m.DeliveredRecords != 1 || m.Pending() != 0 {
			t.Errorf("metrics = %+v", m)
		}
	})
}

// Records that the function fails are processing failures and are not converted.
func TestStream_conversionBehindProcessing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, b := newStream(t, func(in event) (any, error) {
			return answer{Records: []answerRecord{{in.Records[0].RecordID, "ProcessingFailed", []byte{}}, {in.Records[1].RecordID, "Ok", []byte("x")}}}, nil
		}, converting)
		put(t, s, "a", "b")
		closeStream(t, s)
		if lines := errorLines(t, b); len(lines) != 1 || string(lines[0].RawData) != "a" {
			t.Errorf("processing failed: %+v", lines)
		}
		if b.under("data/") != "" || !strings.Contains(b.under("failed/format-conversion-failed/"), `"rawData":"eA=="`) {
			t.Errorf("objects %q, want a conversion failure for the output x", b.keys())
		}
		if b.under("raw/") != "ab" {
			t.Errorf("backup has %q", b.under("raw/"))
		}
	})
}

// A conversion buffers up to 128 MB or 300 s, independently of the backup.
func TestStream_conversionDefaults(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, b := newStream(t, nil, func(c *firehose.Config) {
			converting(c)
			c.Backup.BufferingHints = &firehose.BufferingHints{SizeInMBs: 1, IntervalInSeconds: 10}
		})
		put(t, s, `{"name":"a"}`)
		time.Sleep(11 * time.Second)
		synctest.Wait()
		if b.under("raw/") == "" || b.under("data/") != "" {
			t.Errorf("after 11 s: objects %q, want only the backup", b.keys())
		}
		time.Sleep(290 * time.Second)
		synctest.Wait()
		if b.under("data/") == "" {
			t.Errorf("after 301 s: objects %q", b.keys())
		}
		closeStream(t, s)
	})
}

func TestStream_Close_losesBackup(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		down := &bucket{fail: 1 << 30}
		s, b := newStream(t, nil, func(c *firehose.Config) { c.Backup = &firehose.Backup{Bucket: down} })
		put(t, s, "a", "b")
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := s.Close(ctx); err == nil || !strings.Contains(err.Error(), "2 records are not backed up") {
			t.Errorf("got %v, want an error about 2 records without a backup", err)
		}
		if b.under("data/") != "ab" {
			t.Errorf("delivered %q, want delivery in spite of the failing backup", b.under("data/"))
		}
	})
}

// DescribeDeliveryStream returns the configuration of the stream.
func TestAPI_describeConversion(t *testing.T) {
	t.Parallel()
	client, s, _ := newClient(t, converting)
	defer closeStream(t, s)
	name := "test"
	out, err := client.DescribeDeliveryStream(t.Context(), &sdk.DescribeDeliveryStreamInput{DeliveryStreamName: &name})
	if err != nil {
		t.Fatal(err)
	}
	described, err := deployedstream.Read(out.DeliveryStreamDescription)
	if err != nil {
		t.Fatal(err)
	}
	config := described.Config
	if diff := cmp.Diff(&firehose.BufferingHints{SizeInMBs: 128, IntervalInSeconds: 300}, config.BufferingHints); diff != "" {
		t.Errorf("hints (-want +got):\n%s", diff)
	}
	want := toParquet()
	want.Schema, want.Compression, want.Table.VersionID = nil, "SNAPPY", "LATEST"
	if diff := cmp.Diff(want, config.Conversion); diff != "" {
		t.Errorf("conversion (-want +got):\n%s", diff)
	}
	backup := &firehose.Backup{Prefix: "raw/!{timestamp:yyyy}/", ErrorOutputPrefix: "raw-failed/!{firehose:error-output-type}/",
		CompressionFormat: "GZIP", BufferingHints: &firehose.BufferingHints{SizeInMBs: 5, IntervalInSeconds: 300}}
	if diff := cmp.Diff(backup, config.Backup); diff != "" {
		t.Errorf("backup (-want +got):\n%s", diff)
	}
}
