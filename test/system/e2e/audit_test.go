//go:build e2e

package e2e_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/resolverwatch/resolverwatch/internal/localaws/sample"
	"github.com/resolverwatch/resolverwatch/pkg/catalog"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
	"github.com/resolverwatch/resolverwatch/test/system/e2e/projection"
	"github.com/resolverwatch/resolverwatch/test/system/firehoseparquet"
)

// delivery is the content of the deployed bucket.
type delivery struct {
	lines    map[string][]byte // marked log objects as JSON, by key
	failed   map[string]bool   // data of records that could not be marked
	backup   [][]byte          // objects with the original records
	objects  int
	problems []error
}

// audit reads every object of the deployed bucket, and compares every line with the
// expected one.
func (m *machine) audit(t *testing.T, ledger *sample.Ledger) *delivery {
	t.Helper()
	ctx, client, bucket := context.Background(), s3Client(m.e), m.outputs["OutputBucketName"]
	d := &delivery{lines: map[string][]byte{}, failed: map[string]bool{}}
	table := m.projection(t, m.writtenTable())
	pages := s3.NewListObjectsV2Paginator(client, &s3.ListObjectsV2Input{Bucket: &bucket})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		check(t, err)
		for _, object := range page.Contents {
			key := aws.ToString(object.Key)
			_, noPartition := table.Partition("s3://"+bucket+"/"+key, time.Now())
			m.auditObject(t, d, ledger, key, noPartition)
		}
	}
	d.missing(ledger)
	m.auditBackup(d)
	for i, problem := range d.problems {
		if i == 10 {
			t.Errorf("and %d more problems", len(d.problems)-10)
			break
		}
		t.Error(problem)
	}
	return d
}

// auditObject finds an object's kind from its key. noPartition says why no query reads it.
func (m *machine) auditObject(t *testing.T, d *delivery, ledger *sample.Ledger, key string, noPartition error) {
	t.Helper()
	d.objects++
	body := m.unpack(t, m.outputs["OutputBucketName"], key)
	isFailure, isBackup := strings.Contains(key, "/processing-failed/"), m.isBackup(key)
	isOurs := strings.HasPrefix(key, "replay/") || strings.HasPrefix(key, settings.BackfillPrefix)
	if !isFailure && !isBackup && !isOurs && !m.hasExtension(key) {
		d.problemf("object %s does not have the extension of its format", key)
	}
	switch {
	case (isFailure || isBackup || isOurs) && noPartition == nil:
		d.problemf("object %s has no marked logs, but is in a partition of their table", key)
	case isOurs:
	case isFailure:
		d.auditFailures(body, ledger, m.diverted)
	case isBackup:
		d.backup = append(d.backup, body)
	case noPartition != nil:
		d.problemf("no query would read object %s: %w", key, noPartition)
	case m.hasStream() && m.stream.Config.Conversion != nil:
		d.auditRows(body, ledger)
	default:
		d.auditLines(body, ledger)
	}
}

// hasExtension reports whether the key of marked logs ends as the stream or the marker ends it.
func (d *deployed) hasExtension(key string) bool {
	if strings.HasSuffix(key, ".json.gz") {
		return true
	}
	return d.hasStream() && d.stream.Config.FileExtension != "" && strings.HasSuffix(key, d.stream.Config.FileExtension)
}

// isBackup reports whether an object has the original records.
func (d *deployed) isBackup(key string) bool {
	if !d.hasStream() || d.stream.Config.Backup == nil {
		return false
	}
	folder, _, _ := strings.Cut(d.stream.Config.Backup.Prefix, "!{")
	return strings.HasPrefix(key, folder)
}

// logTable is the table of marked logs in JSON.
const logTable = "dns_logs"

// glueTable is a table of the Data Catalog.
type glueTable struct {
	Parameters        map[string]string
	PartitionKeys     []struct{ Name, Type string }
	StorageDescriptor struct {
		Location string
		Columns  []struct{ Name, Type string }
	}
}

func (d *deployed) glueTable(t *testing.T, name string) glueTable {
	t.Helper()
	var out struct{ Table glueTable }
	in := map[string]string{"DatabaseName": d.outputs["DatabaseName"], "Name": name}
	d.e.ask(t, "glue", "AWSGlue.GetTable", in, &out)
	return out.Table
}

// writtenTable returns the table of the objects that the stream writes.
func (d *deployed) writtenTable() string {
	if d.hasStream() && d.stream.Config.Conversion != nil {
		return d.stream.Config.Conversion.Table.TableName
	}
	return logTable
}

// projection returns the partition projection of a deployed Glue table, by which Athena
// finds objects.
func (d *deployed) projection(t *testing.T, name string) *projection.Table {
	t.Helper()
	described := d.glueTable(t, name)
	var keys []string
	for _, key := range described.PartitionKeys {
		keys = append(keys, key.Name)
	}
	table, err := projection.Parse(described.Parameters, keys)
	check(t, err)
	return table
}

// unpack reads an object. If it is compressed, its name must say so, because Athena would
// otherwise not decompress it.
func (m *machine) unpack(t *testing.T, bucket, key string) []byte {
	t.Helper()
	body := m.object(t, bucket, key)
	gzipped := bytes.HasPrefix(body, []byte{0x1f, 0x8b})
	if named := strings.HasSuffix(key, ".gz"); named != gzipped {
		t.Errorf("object %s: compressed by its name: %v, in fact: %v", key, named, gzipped)
	}
	if !gzipped {
		return body
	}
	r, err := gzip.NewReader(bytes.NewReader(body))
	check(t, err)
	content, err := io.ReadAll(r)
	check(t, err)
	return content
}

func (d *delivery) problemf(format string, values ...any) {
	d.problems = append(d.problems, fmt.Errorf(format, values...))
}

func (d *delivery) auditLines(body []byte, ledger *sample.Ledger) {
	for line := range bytes.Lines(body) {
		if want, _, known := d.find(line, ledger); known {
			if err := want.Check(line); err != nil {
				d.problems = append(d.problems, err)
			}
		}
	}
}

// auditBackup compares the backup with the records that were sent, byte for byte: there is
// one object for each time that records were sent.
func (m *machine) auditBackup(d *delivery) {
	if !m.hasStream() || m.stream.Config.Backup == nil {
		return
	}
	sent := slices.SortedFunc(slices.Values(m.sent), bytes.Compare)
	slices.SortFunc(d.backup, bytes.Compare)
	if !slices.EqualFunc(sent, d.backup, bytes.Equal) {
		d.problemf("the backup has %d objects of %d bytes, want the %d bytes of the records sent, in %d objects",
			len(d.backup), len(bytes.Join(d.backup, nil)), len(bytes.Join(sent, nil)), len(sent))
	}
}

// auditRows compares the rows of a Parquet file with the records that were sent and their
// expected marks. How values are converted to columns is covered by the tests of the
// conversion.
func (d *delivery) auditRows(body []byte, ledger *sample.Ledger) {
	rows, err := firehoseparquet.Decode(body)
	if err != nil {
		d.problems = append(d.problems, err)
	}
	for _, row := range rows {
		line, err := json.Marshal(row)
		if err != nil {
			d.problemf("row %v: %w", row, err)
			continue
		}
		if want, record, known := d.find(line, ledger); known {
			if err := errors.Join(want.CheckMark(&record), checkRow(row, want.Object)); err != nil {
				d.problems = append(d.problems, err)
			}
		}
	}
}

// checkRow returns an error if a row does not have the texts of a log object, or is not
// null where the object has no member and no threat was found.
func checkRow(row map[string]any, object []byte) error {
	var logged map[string]any
	if err := json.Unmarshal(object, &logged); err != nil {
		return err
	}
	for _, column := range catalog.LogColumns() {
		got, want := row[column.Name], logged[column.Name]
		text, isText := want.(string)
		if isText && got != text || (got == nil) != (want == nil) {
			return fmt.Errorf("column %s is %#v, want %#v of %s", column.Name, got, want, object)
		}
	}
	matched := row["verdict"] == sample.Malicious || row["verdict"] == sample.Allowed
	if matched != (row["threat"] != nil) {
		return fmt.Errorf("a record with the verdict %s has the threat %v", row["verdict"], row["threat"])
	}
	return nil
}

// find records a delivered line, and returns the expected one.
func (d *delivery) find(line []byte, ledger *sample.Ledger) (want sample.Line, record sample.MarkedRecord, known bool) {
	record, err := sample.Read(line)
	if err != nil {
		d.problemf("delivered line %q: %w", line, err)
		return want, record, false
	}
	want, known = ledger.Lines[record.Key()]
	if _, twice := d.lines[record.Key()]; twice || !known {
		d.problemf("delivered twice, or never sent: %s", line)
		return want, record, false
	}
	d.lines[record.Key()] = bytes.Clone(line)
	return want, record, true
}

// auditFailures compares the records that were set aside. Those that a broken transformer failed
// stay where they are when a replay has brought them back.
func (d *delivery) auditFailures(body []byte, ledger *sample.Ledger, diverted map[string]bool) {
	for line := range bytes.Lines(body) {
		var record struct {
			RawData []byte `json:"rawData"`
		}
		if err := json.Unmarshal(line, &record); err != nil {
			d.problemf("failed record %q: %w", line, err)
			continue
		}
		if _, known := ledger.Failed[string(record.RawData)]; known {
			d.failed[string(record.RawData)] = true
		} else if !diverted[string(record.RawData)] {
			d.problemf("a good record failed: %s", record.RawData)
		}
	}
}

// missing reports everything that was sent but not delivered.
func (d *delivery) missing(ledger *sample.Ledger) {
	for key, line := range ledger.Lines {
		if d.lines[key] == nil {
			d.problemf("query %q of %s was not delivered", line.Query, key)
		}
	}
	if len(d.failed) != len(ledger.Failed) {
		d.problemf("%d records failed, want %d", len(d.failed), len(ledger.Failed))
	}
}
