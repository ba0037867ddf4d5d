// The hunter runs queries of the marked logs on a schedule and sends what they find to the notifier.
package main

import (
	"context"
	"log"
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/resolverwatch/resolverwatch/pkg/awsio"
	"github.com/resolverwatch/resolverwatch/pkg/awsio/athena"
	"github.com/resolverwatch/resolverwatch/pkg/awsio/huntrun"
	"github.com/resolverwatch/resolverwatch/pkg/awsio/queue"
	"github.com/resolverwatch/resolverwatch/pkg/compactor"
	"github.com/resolverwatch/resolverwatch/pkg/hunter"
	"github.com/resolverwatch/resolverwatch/pkg/printable"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

func main() {
	handler, err := newHandler(context.Background(), os.LookupEnv)
	if err != nil {
		log.Fatalf("starting the hunter: %v", err)
	}
	lambda.Start(handler)
}

func newHandler(ctx context.Context, lookup settings.Lookup) (lambda.Handler, error) {
	s, err := settings.DecodeHunter(lookup)
	if err != nil {
		return nil, err
	}
	config, err := awsio.Config(ctx)
	if err != nil {
		return nil, err
	}
	out := printable.NewWriter(os.Stdout) // errors of Athena are logged
	group := athena.New(config, s.WorkGroup, s.Database)
	c := hunter.Config{
		Athena:    athena.Hunts{Group: group},
		Runs:      huntrun.New(config, s.Table),
		Settings:  s,
		Log:       slog.New(slog.NewJSONHandler(out, &slog.HandlerOptions{Level: s.LogLevel})),
		Metrics:   out,
		RequestID: requestID,
	}
	if s.AlertQueue != "" {
		c.Queue = queue.New(config, s.AlertQueue)
	}
	hunts, err := hunter.New(c)
	if err != nil || s.CompactBucket == "" {
		return hunts, err
	}
	return &compactor.Handler{Other: hunts, Compactor: newCompactor(config, &s, group, c.Log, out)}, nil
}
