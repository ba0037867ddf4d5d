//go:build e2e

package e2e_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/resolverwatch/resolverwatch/pkg/localaws/firehose"
	"github.com/resolverwatch/resolverwatch/pkg/localaws/sample"
	"github.com/resolverwatch/resolverwatch/test/e2e/projection"
)

// delivery is what the deployed bucket holds.
type delivery struct {
	lines    map[string][]byte // marked log objects, by key
	failed   map[string]bool   // data of records that could not be marked
	objects  int
	problems []error
}

// audit reads every object of the deployed bucket back, and compares every line with
// what must have come out.
func (m *machine) audit(t *testing.T, ledger *sample.Ledger) *delivery {
	t.Helper()
	ctx, client, bucket := context.Background(), s3Client(m.e), m.outputs["OutputBucketName"]
	d := &delivery{lines: map[string][]byte{}, failed: map[string]bool{}}
	table := m.projection(t, logTable)
	pages := s3.NewListObjectsV2Paginator(client, &s3.ListObjectsV2Input{Bucket: &bucket})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		check(t, err)
		for _, object := range page.Contents {
			key := aws.ToString(object.Key)
			d.objects++
			body := m.unpack(t, bucket, key)
			values, noPartition := table.Partition("s3://"+bucket+"/"+key, time.Now())
			switch failure := strings.Contains(key, "/processing-failed/"); {
			case failure && noPartition != nil:
				d.auditFailures(body, ledger)
			case failure:
				d.problemf("object %s of failed records lies in partition %v of the table of marked logs", key, values)
			case noPartition != nil:
				d.problemf("no query would read object %s: %w", key, noPartition)
			default:
				d.auditLines(body, ledger)
			}
		}
	}
	d.missing(ledger)
	for i, problem := range d.problems {
		if i == 10 {
			t.Errorf("and %d more problems", len(d.problems)-10)
			break
		}
		t.Error(problem)
	}
	return d
}

// projection is a deployed Glue table, as Athena finds objects by it.
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

// unpack reads an object, which must be compressed as the stream says.
func (m *machine) unpack(t *testing.T, bucket, key string) []byte {
	t.Helper()
	body := m.object(t, bucket, key)
	if m.stream.Config.CompressionFormat != firehose.GZIP {
		return body
	}
	if !strings.HasSuffix(key, ".gz") {
		t.Errorf("object %s is compressed, and its name does not say so: Athena would read it as it is", key)
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
		record, err := sample.Read(line)
		if err != nil {
			d.problemf("delivered line %q: %w", line, err)
			continue
		}
		want, known := ledger.Lines[record.Key()]
		if _, twice := d.lines[record.Key()]; twice || !known {
			d.problemf("delivered twice, or sent by nobody: %s", line)
			continue
		}
		d.lines[record.Key()] = bytes.Clone(line)
		if err := want.Check(line); err != nil {
			d.problems = append(d.problems, err)
		}
	}
}

func (d *delivery) auditFailures(body []byte, ledger *sample.Ledger) {
	for line := range bytes.Lines(body) {
		var record struct {
			RawData []byte `json:"rawData"`
		}
		if err := json.Unmarshal(line, &record); err != nil {
			d.problemf("failed record %q: %w", line, err)
			continue
		}
		if _, known := ledger.Failed[string(record.RawData)]; !known {
			d.problemf("a good record failed: %s", record.RawData)
		}
		d.failed[string(record.RawData)] = true
	}
}

// missing finds what was sent and never came out.
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
