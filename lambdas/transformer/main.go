// The transformer marks query logs on their way through Firehose to S3.
package main

import (
	"context"
	"log"
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/resolverwatch/resolverwatch/pkg/awsio"
	"github.com/resolverwatch/resolverwatch/pkg/awsio/bucket"
	"github.com/resolverwatch/resolverwatch/pkg/awsio/queue"
	"github.com/resolverwatch/resolverwatch/pkg/printable"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
	"github.com/resolverwatch/resolverwatch/pkg/transformer"
)

func main() {
	handler, err := newHandler(context.Background(), os.LookupEnv)
	if err != nil {
		log.Fatalf("starting the transformer: %v", err)
	}
	lambda.Start(handler) // a lambda.Handler gets raw bytes; a func([]byte) would get base64 in JSON
}

func newHandler(ctx context.Context, lookup settings.Lookup) (lambda.Handler, error) {
	s, err := settings.DecodeTransformer(lookup)
	if err != nil {
		return nil, err
	}
	config, err := awsio.Config(ctx)
	if err != nil {
		return nil, err
	}
	out := printable.NewWriter(os.Stdout)
	c := transformer.Config{
		Store:    bucket.NewIndexReader(bucket.NewClient(config), s.IndexBucket, s.MaxIndexBytes()),
		Settings: s,
		Log:      slog.New(slog.NewJSONHandler(out, &slog.HandlerOptions{Level: s.LogLevel})),
		Metrics:  out,
	}
	if s.AlertQueue != "" {
		c.Alerts = queue.New(config, s.AlertQueue)
	}
	return transformer.New(c)
}
