//go:build e2e

package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/resolverwatch/resolverwatch/internal/localaws/firehose"
	"github.com/resolverwatch/resolverwatch/internal/localaws/sample"
	"github.com/resolverwatch/resolverwatch/test/system/firehoseparquet"
)

// deliveryRole writes to the deployed bucket with the credentials of the stream's role.
type deliveryRole struct {
	client *s3.Client
	bucket string
}

func (r *deliveryRole) Put(ctx context.Context, key string, body []byte, contentEncoding string) error {
	in := &s3.PutObjectInput{Bucket: &r.bucket, Key: &key, Body: bytes.NewReader(body)}
	if contentEncoding != "" {
		in.ContentEncoding = &contentEncoding
	}
	_, err := r.client.PutObject(ctx, in)
	return err
}

// sendToStream sends records through the deployed stream into the deployed bucket.
func (m *machine) sendToStream(t *testing.T, records []sample.Record) {
	t.Helper()
	var sent []byte
	for i := range records {
		sent = append(sent, records[i].Data...)
	}
	m.sent = append(m.sent, sent)
	m.sendThrough(t, m.transformer, records)
}

// sendThrough sends records through a stream with a transformer.
func (m *machine) sendThrough(t *testing.T, transformer functionConfig, records []sample.Record) {
	t.Helper()
	stream := m.openStream(t, transformer)
	for batch := range slices.Chunk(records, 500) {
		data := make([][]byte, len(batch))
		for i := range batch {
			data[i] = batch[i].Data
		}
		_, err := stream.PutBatch(data)
		check(t, err)
	}
	m.close(t, stream)
}

// openStream returns an embedded copy of the deployed stream, with a transformer. That is a new
// process, like an environment that has no index yet.
func (m *machine) openStream(t *testing.T, transformer functionConfig) *firehose.Stream {
	t.Helper()
	config := m.stream.Config
	processing := *config.Processing
	processing.Function = &processor{m, m.start(t, "transformer", transformer, transformerKey)}
	processing.RetryDelay = 100 * time.Millisecond
	config.Processing = &processing
	as := m.e.config()
	as.BaseEndpoint = aws.String(m.address)
	as.Credentials = credentials.NewStaticCredentialsProvider(deliveryKey, "local", "")
	client := s3.NewFromConfig(as, func(o *s3.Options) { o.UsePathStyle = true })
	config.Bucket = &deliveryRole{client, strings.TrimPrefix(m.stream.BucketARN, "arn:aws:s3:::")}
	m.convert(t, &config, client)
	stream, err := firehose.New(config)
	check(t, err)
	return stream
}

// close closes a stream. That delivers at once what its buffers would keep for a minute.
func (m *machine) close(t *testing.T, stream *firehose.Stream) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	check(t, stream.Close(ctx))
}

// sentRecords is how many records are sent: enough for every scenario, shape and envelope
// many times over, and for several batches.
const sentRecords = 4000

// convert configures the stream's conversion columns and backup bucket, if it has them.
func (m *machine) convert(t *testing.T, config *firehose.Config, client *s3.Client) {
	t.Helper()
	if config.Conversion != nil {
		converted := *config.Conversion
		var columns []firehoseparquet.Column
		for _, column := range m.glueTable(t, converted.Table.TableName).StorageDescriptor.Columns {
			columns = append(columns, firehoseparquet.Column{Name: column.Name, Type: column.Type})
		}
		schema, err := firehoseparquet.Parse(columns)
		check(t, err)
		converted.Schema = schema
		config.Conversion = &converted
	}
	if config.Backup != nil {
		backup := *config.Backup
		backup.Bucket = &deliveryRole{client, strings.TrimPrefix(m.stream.BackupBucketARN, "arn:aws:s3:::")}
		config.Backup = &backup
	}
}

// markLogs sends sample logs, compares what is delivered, and returns a summary.
func (m *machine) markLogs(t *testing.T, generator *sample.Generator, ledger *sample.Ledger) string {
	t.Helper()
	records := make([]sample.Record, 0, sentRecords+1)
	for range sentRecords {
		records = append(records, generator.Next())
	}
	records = append(records, generator.Ask("www."+legacyName+".", sample.Want{
		Verdict: sample.Malicious, Indicator: legacyName, Part: "query_name", Feeds: []string{"default"}}))
	if m.logs.waiting != nil { // since before there was an index
		ledger.Add(m.logs.waiting)
		m.logs.waiting = nil
	}
	m.send(t, ledger, records)
	d := m.audit(t, ledger)
	m.checkRating(t, d, sample.MalwareHosts, m.variant.rating)
	verdicts := ledger.Verdicts()
	var counts []string
	for _, verdict := range slices.Sorted(maps.Keys(verdicts)) {
		counts = append(counts, fmt.Sprintf("%d %s", verdicts[verdict], verdict))
	}
	return fmt.Sprintf("%d records sent; %d lines (%s) and %d failed records found in %d objects", ledger.Records, len(d.lines),
		strings.Join(counts, ", "), len(d.failed), d.objects)
}

// checkRating checks that a feed's deployed settings reach the records that it marks.
func (m *machine) checkRating(t *testing.T, d *delivery, feed, rating string) {
	t.Helper()
	seen := 0
	for _, line := range d.lines {
		var record struct {
			Verdict string
			Threat  struct {
				Feeds              []string
				Category, Severity string
				Confidence         int
			}
		}
		check(t, json.Unmarshal(line, &record))
		threat := record.Threat
		if record.Verdict != sample.Malicious || !slices.Equal(threat.Feeds, []string{feed}) {
			continue
		}
		seen++
		if got := fmt.Sprintf("%s %s %d", threat.Category, threat.Severity, threat.Confidence); got != rating {
			t.Fatalf("a record of feed %s is rated %q, want %q: %s", feed, got, rating, line)
		}
	}
	if seen == 0 {
		t.Errorf("no record was marked by %s alone", feed)
	}
}

// markAfterChange queries names whose lists have changed.
func (m *machine) markAfterChange(t *testing.T, generator *sample.Generator, ledger *sample.Ledger) {
	t.Helper()
	records := []sample.Record{
		generator.Ask("x9.beacon.botnet.example.", sample.Want{Verdict: sample.Clean}),
		generator.Ask("cdn.partner.example.", sample.Want{Verdict: sample.Malicious, Indicator: "cdn.partner.example",
			Part: "query_name", Feeds: []string{sample.BotnetC2}}),
	}
	m.send(t, ledger, records)
	m.audit(t, ledger)
}

// markWithoutIndex sends records before the first list. Depending on the failure mode, they are
// delivered as unknown, or fail: Firehose then writes a record under the error prefix, and a log
// object waits in its queue.
func (m *machine) markWithoutIndex(t *testing.T, generator *sample.Generator, ledger *sample.Ledger) {
	t.Helper()
	early := sample.Want{Verdict: sample.Unknown, Reason: "no_index"}
	if m.hasStream() {
		record := inVPC(generator.Ask(earlyName, early), streamVPC)
		if m.variant.failsWithoutIndex() {
			m.early = lateRecord(record)
			record = sample.Record{Data: record.Data, Failed: "there is no index yet"}
		}
		ledger.Add(&record)
		m.sendToStream(t, []sample.Record{record})
	}
	if m.hasLogBucket() {
		record, back := generator.Ask(earlyName, early), 0
		if m.variant.failsWithoutIndex() {
			m.logs.waiting, back = lateRecord(record), 1
		} else {
			ledger.Add(&record)
		}
		m.sendToBucket(t, []sample.Record{record}, back)
	}
	m.audit(t, ledger)
}

// lateRecord returns a record as it is marked when there is an index.
func lateRecord(record sample.Record) *sample.Record {
	line := record.Lines[0]
	line.Want = sample.Want{Verdict: sample.Clean}
	late := oneLine(line)
	return &late
}

// earlyName is asked for before there is an index.
const earlyName = "early.example."
