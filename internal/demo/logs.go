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

// sendLogs makes records and sends them, then waits until all lie in objects.
func (d *demo) sendLogs(ctx context.Context) error {
	records := make([]sample.Record, d.Records)
	for i := range records {
		records[i] = d.generator.Next()
	}
	begin := time.Now()
	if err := d.send(ctx, records); err != nil {
		return err
	}
	d.progress("records sent: %d, in %.1f s; now Firehose's two buffers, of %d s each", len(records),
		time.Since(begin).Seconds(), d.buffer)
	return d.delivered(ctx)
}

// send puts records into the stream and notes what must become of them.
func (d *demo) send(ctx context.Context, records []sample.Record) error {
	client := firehose.NewFromConfig(d.stack.AWSConfig(), func(o *firehose.Options) {
		o.RetryMaxAttempts = 1 // a repeated call would be delivered twice, and counted
	})
	var batch []types.Record
	size := 0
	flush := func() error {
		out, err := client.PutRecordBatch(ctx, &firehose.PutRecordBatchInput{
			DeliveryStreamName: aws.String(localaws.DeliveryStream), Records: batch})
		if err != nil {
			return err
		}
		if refused := aws.ToInt32(out.FailedPutCount); refused > 0 {
			return fmt.Errorf("firehose refused %d of %d records", refused, len(batch))
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

// delivered waits until every record is in an object, or dropped.
func (d *demo) delivered(ctx context.Context) error {
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
