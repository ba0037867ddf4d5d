package deployedstream_test

import (
	"context"
	"net/http/httptest"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/service/firehose"
	"github.com/google/go-cmp/cmp"

	"github.com/resolverwatch/resolverwatch/internal/localaws/firehose"
	"github.com/resolverwatch/resolverwatch/test/deployedstream"
	"github.com/resolverwatch/resolverwatch/test/localclient"
)

// idle is a bucket and a schema of a stream without records.
type idle struct{}

func (idle) Put(context.Context, string, []byte, string) error { return nil }

func (idle) Convert([][]byte, string) ([]byte, []*firehose.ConversionFailure, error) {
	return nil, nil, nil
}

// The embedded Firehose describes its conversion and backup as AWS does.
func TestRead_embeddedFirehose(t *testing.T) {
	t.Parallel()
	table := firehose.SchemaTable{CatalogID: "111122223333", DatabaseName: "base", TableName: "table", Region: "eu-west-1"}
	name := "test"
	stream, err := firehose.New(firehose.Config{
		DeliveryStreamName: name,
		Bucket:             idle{},
		Prefix:             "data/",
		ErrorOutputPrefix:  "failed/!{firehose:error-output-type}/",
		Conversion:         &firehose.Conversion{Schema: idle{}, Table: table},
		Backup: &firehose.Backup{
			Prefix:            "raw/!{timestamp:yyyy}/",
			ErrorOutputPrefix: "raw-failed/!{firehose:error-output-type}/",
			CompressionFormat: firehose.GZIP,
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stream.Close(context.Background()) })
	server := httptest.NewServer(firehose.API{name: stream})
	t.Cleanup(server.Close)

	client := sdk.NewFromConfig(localclient.Config(server.URL))
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
	table.VersionID = "LATEST"
	if diff := cmp.Diff(&firehose.Conversion{Table: table, Compression: firehose.Snappy}, config.Conversion); diff != "" {
		t.Errorf("conversion (-want +got):\n%s", diff)
	}
	backup := &firehose.Backup{
		Prefix:            "raw/!{timestamp:yyyy}/",
		ErrorOutputPrefix: "raw-failed/!{firehose:error-output-type}/",
		CompressionFormat: firehose.GZIP,
		BufferingHints:    &firehose.BufferingHints{SizeInMBs: 5, IntervalInSeconds: 300},
	}
	if diff := cmp.Diff(backup, config.Backup); diff != "" {
		t.Errorf("backup (-want +got):\n%s", diff)
	}
}
