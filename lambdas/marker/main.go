// The marker marks the log objects that Resolver writes to S3, new ones and old ones.
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
	"github.com/resolverwatch/resolverwatch/pkg/backfill"
	"github.com/resolverwatch/resolverwatch/pkg/marker"
	"github.com/resolverwatch/resolverwatch/pkg/printable"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

func main() {
	handler, err := newHandler(context.Background(), os.LookupEnv)
	if err != nil {
		log.Fatalf("starting the marker: %v", err)
	}
	lambda.Start(handler)
}

func newHandler(ctx context.Context, lookup settings.Lookup) (lambda.Handler, error) {
	s, err := settings.DecodeMarker(lookup)
	if err != nil {
		return nil, err
	}
	layout, err := marker.NewLayout(s.Delivery.Prefix, s.Delivery.ErrorPrefix)
	if err != nil {
		return nil, err
	}
	config, err := awsio.Config(ctx)
	if err != nil {
		return nil, err
	}
	out, objects := printable.NewWriter(os.Stdout), bucket.NewClient(config) // keys of objects are logged
	c := marker.Config{
		Index: bucket.NewIndexReader(objects, s.IndexBucket, s.MaxIndexBytes()), Logs: bucket.NewLogs(objects),
		Output: bucket.NewMarked(objects, s.OutputBucket), Layout: layout, Settings: s,
		Log: slog.New(slog.NewJSONHandler(out, &slog.HandlerOptions{Level: s.LogLevel})), Metrics: out,
	}
	if s.AlertQueue != "" {
		c.Alerts = queue.New(config, s.AlertQueue)
	}
	core, err := marker.New(c)
	if err != nil {
		return nil, err
	}
	output := bucket.NewListing(objects, s.OutputBucket)
	return &backfill.Handler{Marker: core, Planner: backfill.NewPlanner(backfill.Config{
		Logs: bucket.NewListing(objects, s.LogBucket), LogPrefix: s.LogPrefix,
		Output: output, Layout: layout, Manifests: output, Bucket: s.OutputBucket,
	})}, nil
}
