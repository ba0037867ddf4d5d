// Package stream sends records to a Firehose delivery stream.
package stream

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/firehose"
	"github.com/aws/aws-sdk-go-v2/service/firehose/types"

	"github.com/resolverwatch/resolverwatch/pkg/awsio"
)

// Stream is a delivery stream.
type Stream struct {
	client *firehose.Client
	name   string
}

// New returns the delivery stream with this name.
func New(config aws.Config, name string) *Stream {
	return &Stream{firehose.NewFromConfig(config), name}
}

// Put sends records in one call. It returns an error for each record that the stream refused, in
// the order of the records, with nil for the others; or one error for all of them.
func (s *Stream) Put(ctx context.Context, records [][]byte) ([]error, error) {
	in := firehose.PutRecordBatchInput{DeliveryStreamName: &s.name}
	for _, record := range records {
		if record == nil {
			record = []byte{} // an empty record is valid, but the client refuses one without data
		}
		in.Records = append(in.Records, types.Record{Data: record})
	}
	out, err := s.client.PutRecordBatch(ctx, &in)
	if err != nil {
		return nil, awsio.Explain(err, "sending %d records to the stream %q", len(records), s.name)
	}
	if len(out.RequestResponses) != len(records) {
		return nil, fmt.Errorf("the stream %q answered %d of %d records", s.name, len(out.RequestResponses), len(records))
	}
	problems := make([]error, len(records))
	for i, response := range out.RequestResponses {
		if response.ErrorCode != nil {
			problems[i] = fmt.Errorf("%s: %s", *response.ErrorCode, aws.ToString(response.ErrorMessage))
		}
	}
	return problems, nil
}
