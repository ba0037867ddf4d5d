package firehose

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// malformed is the code of a record that lineSchema cannot convert.
const malformed = "DataFormatConversion.MalformedData"

// lineSchema writes a line for each record in place of Parquet. It fails records that contain
// "bad". The conversion to Parquet has its own tests in test/system/firehoseparquet.
type lineSchema struct{}

func (lineSchema) Convert(records [][]byte, compression string) ([]byte, []*ConversionFailure, error) {
	var file []byte
	failures := make([]*ConversionFailure, len(records))
	for i, record := range records {
		if bytes.Contains(record, []byte("bad")) {
			failures[i] = &ConversionFailure{Code: malformed, Message: "it is bad"}
			continue
		}
		file = fmt.Appendf(file, "%s of %s\n", compression, bytes.TrimSpace(record))
	}
	return file, failures, nil
}

func conversion() *Conversion {
	return &Conversion{
		Schema: lineSchema{},
		Table:  SchemaTable{CatalogID: "111122223333", DatabaseName: "base", TableName: "table", Region: "eu-west-1"},
	}
}

// converting adds a conversion and a backup to a stream.
func converting(c *Config) {
	c.Conversion, c.BufferingHints = conversion(), nil
	c.Backup = &Backup{Prefix: "raw/!{timestamp:yyyy}/", CompressionFormat: GZIP,
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

func TestStream_conversion(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, b := newStream(t, upper, converting)
		put(t, s, `{"name":"a"}`, `{"name":"b"}{"name":"c"}`)
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
		wantFile := `SNAPPY of {"NAME":"A"}` + "\n" + `SNAPPY of {"NAME":"B"}{"NAME":"C"}` + "\n"
		if diff := cmp.Diff(wantFile, b.under("data/")); diff != "" {
			t.Errorf("file (-want +got):\n%s", diff)
		}
		if got := b.under("raw/2000/"); got != `{"name":"a"}{"name":"b"}{"name":"c"}` {
			t.Errorf("backup has %q, want the original records", got)
		}
		if m := s.Metrics(); m.deliveredRecords != 2 || m.backedUpRecords != 2 || m.Pending() != 0 || m.objects != 2 {
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
		put(t, s, "fine", "bad 1", "bad 2")
		closeStream(t, s)
		if got := b.under("data/"); got != "SNAPPY of fine\n" {
			t.Errorf("converted %q", got)
		}
		want := map[string]string{"bad 1": malformed, "bad 2": malformed}
		got := map[string]string{}
		for text := range strings.Lines(b.under("failed/format-conversion-failed/2000/01/01/00/")) {
			var line unconverted
			if err := json.Unmarshal([]byte(text), &line); err != nil {
				t.Fatalf("%v in %q", err, text)
			}
			got[string(line.RawData)] = line.LastErrorCode
			if line.AttemptsMade != 1 || line.LastErrorMessage != "it is bad" || line.ArrivalTimestamp != start.UnixMilli() ||
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
		if m := s.Metrics(); m.failedRecords[malformed] != 2 || m.failed() != 2 || m.deliveredRecords != 1 || m.Pending() != 0 {
			t.Errorf("metrics = %+v", m)
		}
	})
}

// Records that the function fails are processing failures and are not converted.
func TestStream_conversionBehindProcessing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, b := newStream(t, func(in invocation) (any, error) {
			return answer{Records: []answerRecord{{in.Records[0].RecordID, "ProcessingFailed", []byte{}}, {in.Records[1].RecordID, "Ok", []byte("bad")}}}, nil
		}, converting)
		put(t, s, "a", "b")
		closeStream(t, s)
		if lines := errorLines(t, b); len(lines) != 1 || string(lines[0].RawData) != "a" {
			t.Errorf("processing failed: %+v", lines)
		}
		if b.under("data/") != "" || !strings.Contains(b.under("failed/format-conversion-failed/"), `"rawData":"YmFk"`) {
			t.Errorf("objects %q, want a conversion failure for the output of the function", b.keys())
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
		s, b := newStream(t, nil, func(c *Config) {
			converting(c)
			c.Backup.BufferingHints = &BufferingHints{SizeInMBs: 1, IntervalInSeconds: 10}
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
		s, b := newStream(t, nil, func(c *Config) { c.Backup = &Backup{Bucket: down} })
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
