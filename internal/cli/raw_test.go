package cli

import (
	"context"
	"fmt"
	"testing"

	"github.com/resolverwatch/resolverwatch/internal/localaws/firehose"
)

// rawRecords are records as Resolver sends them to Firehose: an object without a line end, a
// record with several objects, and a member for which the table has no column.
var rawRecords = []string{
	`{"query_name":"www.evil.example.","answers":[{"Rdata":"}{","Type":"TXT","Class":"IN"}]}`,
	`{"query_name":"a.fine.example."}{"query_name":"b.fine.example."}` + "\n",
	`{"query_name":"late.evil.example.","new_member":{"of":["Resolver"]}}`,
	`{"query_name":"c.fine.example."}`,
}

// keepRaw writes the records to two objects with the backup of a stream.
func keepRaw(t *testing.T, put putFunc) {
	t.Helper()
	for i, records := range [][]string{rawRecords[:3], rawRecords[3:]} {
		stream, err := firehose.New(firehose.Config{DeliveryStreamName: "kept", Bucket: put, Prefix: "delivered/",
			Backup: &firehose.Backup{Prefix: fmt.Sprintf("raw/2026/11/%02d/", i+1), CompressionFormat: firehose.GZIP}})
		if err != nil {
			t.Fatal(err)
		}
		for _, record := range records {
			if _, err := stream.Put([]byte(record)); err != nil {
				t.Fatal(err)
			}
		}
		if err := stream.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// putFunc is a function that stores an object.
type putFunc func(key, encoding string, body []byte)

func (f putFunc) Put(_ context.Context, key string, body []byte, encoding string) error {
	f(key, encoding, body)
	return nil
}
