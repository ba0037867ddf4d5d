// The notifier reports matches to people and programs: see package notifier.
package main

import (
	"context"
	"log"
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/resolverwatch/resolverwatch/pkg/awsio"
	"github.com/resolverwatch/resolverwatch/pkg/awsio/alertbus"
	"github.com/resolverwatch/resolverwatch/pkg/awsio/hub"
	"github.com/resolverwatch/resolverwatch/pkg/awsio/sent"
	"github.com/resolverwatch/resolverwatch/pkg/awsio/topic"
	"github.com/resolverwatch/resolverwatch/pkg/notifier"
	"github.com/resolverwatch/resolverwatch/pkg/printable"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

func main() {
	handler, err := newHandler(context.Background(), os.LookupEnv)
	if err != nil {
		log.Fatalf("starting the notifier: %v", err)
	}
	lambda.Start(handler)
}

func newHandler(ctx context.Context, lookup settings.Lookup) (lambda.Handler, error) {
	s, err := settings.DecodeNotifier(lookup)
	if err != nil {
		return nil, err
	}
	aws, err := awsio.Config(ctx)
	if err != nil {
		return nil, err
	}
	out := printable.NewWriter(os.Stdout)
	config := notifier.Config{
		Settings: s,
		Table:    sent.NewTable(aws, s.Table),
		Bus:      alertbus.New(aws, s.EventBus),
		Log:      slog.New(slog.NewJSONHandler(out, &slog.HandlerOptions{Level: s.LogLevel})),
		Metrics:  out,
	}
	if s.Topic != "" {
		config.Topic = topic.New(aws, s.Topic)
	}
	if s.ProductARN != "" {
		config.Hub = hub.New(aws)
	}
	return notifier.New(config)
}
