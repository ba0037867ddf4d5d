package demo

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/firehose"
	"github.com/aws/aws-sdk-go-v2/service/firehose/types"

	"github.com/resolverwatch/resolverwatch/internal/localaws"
	"github.com/resolverwatch/resolverwatch/internal/localaws/sample"
)

// Limits of PutRecordBatch.
const (
	batchRecords = 500
	batchBytes   = 4 << 20
)

// sendLogs generates records, sends them, and waits until they are delivered. The last one asks for
// the name that leaves its list later, and is returned.
func (d *demo) sendLogs(ctx context.Context) (last sample.Record, err error) {
	records := makeRecords(d.generator, d.Records)
	begin := time.Now()
	if err := d.send(ctx, records); err != nil {
		return last, err
	}
	d.progress("%d records sent in %.1f s; waiting for Firehose's two buffers of %d s each", len(records),
		time.Since(begin).Seconds(), d.buffer)
	return records[len(records)-1], d.waitDelivered(ctx)
}

// Every 251st record, after three of the days, asks for a name that is not listed yet.
const (
	lateEvery = 251
	lateBegin = 3.0 / days
)

// makeRecords generates the records of all days. A host that asks for nothing listed asks, some days
// after the first record, for a name that enters a list later. The last record asks for the name that
// leaves its list.
func makeRecords(g *sample.Generator, count int) []sample.Record {
	records := make([]sample.Record, max(2, count))
	last := len(records) - 1
	first, every := int(lateBegin*float64(last)), min(lateEvery, max(1, last/2))
	for i := range last {
		if i < first || (i-first)%every != 0 {
			records[i] = g.Next()
			continue
		}
		records[i] = g.AskFrom(g.QuietHost(), fmt.Sprintf("c%d.%s.", i%7, sample.LateName), sample.Want{Verdict: sample.Clean})
	}
	records[last] = g.Ask(leavingQuery, sample.Want{
		Verdict: sample.Malicious, Indicator: leavingName, Part: "query_name", Feeds: []string{sample.BotnetC2}})
	return records
}

// send sends records to the stream and stores the expected results.
func (d *demo) send(ctx context.Context, records []sample.Record) error {
	client := firehose.NewFromConfig(d.stack.AWSConfig(), func(o *firehose.Options) {
		o.RetryMaxAttempts = 1 // a retry could deliver records twice
	})
	var batch []types.Record
	size := 0
	flush := func() error {
		out, err := client.PutRecordBatch(ctx, &firehose.PutRecordBatchInput{
			DeliveryStreamName: aws.String(localaws.DeliveryStream), Records: batch})
		if err != nil {
			return err
		}
		if rejected := aws.ToInt32(out.FailedPutCount); rejected > 0 {
			return fmt.Errorf("firehose rejected %d of %d records", rejected, len(batch))
		}
		batch, size = batch[:0], 0
		return nil
	}
	for i := range records {
		record := &records[i]
		if len(batch) == batchRecords || size+len(record.Data) > batchBytes {
			if err := flush(); err != nil {
				return err
			}
		}
		d.ledger.Add(record)
		batch, size = append(batch, types.Record{Data: append([]byte{}, record.Data...)}), size+len(record.Data)
	}
	return flush()
}

// waitDelivered waits until every record was written to an object or dropped.
func (d *demo) waitDelivered(ctx context.Context) error {
	for d.stack.Stream.Metrics().Pending() > 0 {
		if err := sleep(ctx, 50*time.Millisecond); err != nil {
			return fmt.Errorf("waiting for %d records: %w", d.stack.Stream.Metrics().Pending(), err)
		}
	}
	return nil
}

func sleep(ctx context.Context, pause time.Duration) error {
	select {
	case <-time.After(pause):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
