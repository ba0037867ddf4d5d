package firehose

import (
	"errors"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/firehose"
	"github.com/aws/aws-sdk-go-v2/service/firehose/types"
	"github.com/aws/smithy-go"
)

func newClient(t *testing.T, change func(*Config)) (*sdk.Client, *Stream, *bucket) {
	t.Helper()
	s, b := newStream(t, upper, change)
	server := httptest.NewServer(API{"test": s})
	t.Cleanup(server.Close)
	return sdk.New(sdk.Options{Region: "us-east-1", BaseEndpoint: aws.String(server.URL), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")}), s, b
}

func batchOf(records, bytes int) *sdk.PutRecordBatchInput {
	in := &sdk.PutRecordBatchInput{DeliveryStreamName: aws.String("test")}
	for range records {
		in.Records = append(in.Records, types.Record{Data: []byte(strings.Repeat("x", bytes))})
	}
	return in
}

func TestAPI(t *testing.T) {
	t.Parallel()
	client, s, b := newClient(t, nil)
	one, err := client.PutRecord(t.Context(), &sdk.PutRecordInput{DeliveryStreamName: aws.String("test"), Record: &types.Record{Data: []byte("a")}})
	if err != nil || *one.RecordId == "" {
		t.Fatalf("PutRecord: %v, %v", one, err)
	}
	many, err := client.PutRecordBatch(t.Context(), batchOf(500, 10))
	if err != nil || len(many.RequestResponses) != 500 || *many.FailedPutCount != 0 {
		t.Fatalf("PutRecordBatch: %v", err)
	}
	described, err := client.DescribeDeliveryStream(t.Context(), &sdk.DescribeDeliveryStreamInput{DeliveryStreamName: aws.String("test")})
	if err != nil {
		t.Fatal(err)
	}
	got := described.DeliveryStreamDescription
	destination := got.Destinations[0].ExtendedS3DestinationDescription
	if *got.DeliveryStreamARN != s.arn() || *destination.Prefix != "data/" || *destination.BufferingHints.IntervalInSeconds != 60 ||
		len(destination.ProcessingConfiguration.Processors[0].Parameters) != 4 {
		t.Errorf("description = %+v", got)
	}
	closeStream(t, s)
	if got := len(b.under("data/")); got != 1+5000 {
		t.Errorf("%d bytes delivered, want 5001", got)
	}
}

func TestAPI_refusals(t *testing.T) {
	t.Parallel()
	client, s, _ := newClient(t, nil)
	t.Cleanup(func() { s.Close(t.Context()) })
	putBatch := func(in *sdk.PutRecordBatchInput) error {
		_, err := client.PutRecordBatch(t.Context(), in)
		return err
	}
	putOne := func(bytes int) error {
		_, err := client.PutRecord(t.Context(), &sdk.PutRecordInput{DeliveryStreamName: aws.String("test"),
			Record: &types.Record{Data: make([]byte, bytes)}})
		return err
	}
	other := batchOf(1, 1)
	other.DeliveryStreamName = aws.String("other")
	tests := []struct {
		name string
		err  error
		want string // "": accepted
	}{
		{"largest record", putOne(1000 << 10), ""},
		{"record one byte too large", putOne(1000<<10 + 1), "ValidationException"},
		{"largest batch", putBatch(batchOf(4, 1000<<10)), ""},
		{"batch over 4 MiB", putBatch(batchOf(5, 1000<<10)), "InvalidArgumentException"},
		{"501 records", putBatch(batchOf(501, 1)), "ValidationException"},
		{"no records", putBatch(&sdk.PutRecordBatchInput{DeliveryStreamName: aws.String("test"), Records: []types.Record{}}), "ValidationException"},
		{"batch with a record one byte too large", putBatch(batchOf(1, 1000<<10+1)), "ValidationException"},
		{"missing stream", putBatch(other), "ResourceNotFoundException"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var refused smithy.APIError
			switch {
			case test.want == "" && test.err == nil:
			case !errors.As(test.err, &refused) || refused.ErrorCode() != test.want:
				t.Errorf("got %v, want %q", test.err, test.want)
			}
		})
	}
}

// Above its quota Firehose accepts only some records of a batch. The response says which records
// must be sent again.
func TestAPI_throttled(t *testing.T) {
	t.Parallel()
	client, s, b := newClient(t, func(c *Config) { c.refuse = func(records int) int { return records / 2 } })
	out, err := client.PutRecordBatch(t.Context(), batchOf(4, 1))
	if err != nil {
		t.Fatal(err)
	}
	if *out.FailedPutCount != 2 || out.RequestResponses[1].ErrorCode != nil || *out.RequestResponses[2].ErrorCode != "ServiceUnavailableException" {
		t.Errorf("response = %+v", out)
	}
	closeStream(t, s)
	if got := b.under("data/"); got != "XX" {
		t.Errorf("delivered %q", got)
	}
}
