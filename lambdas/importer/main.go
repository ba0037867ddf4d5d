// The importer keeps the index and the table in sync with the lists in the list bucket.
package main

import (
	"context"
	"log"
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/resolverwatch/resolverwatch/pkg/awsio"
	"github.com/resolverwatch/resolverwatch/pkg/awsio/bucket"
	"github.com/resolverwatch/resolverwatch/pkg/awsio/function"
	"github.com/resolverwatch/resolverwatch/pkg/awsio/indexbus"
	"github.com/resolverwatch/resolverwatch/pkg/awsio/parameter"
	awstable "github.com/resolverwatch/resolverwatch/pkg/awsio/table"
	"github.com/resolverwatch/resolverwatch/pkg/fetch"
	"github.com/resolverwatch/resolverwatch/pkg/importer"
	"github.com/resolverwatch/resolverwatch/pkg/list"
	"github.com/resolverwatch/resolverwatch/pkg/printable"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

func main() {
	handler, err := newHandler(context.Background(), os.LookupEnv)
	if err != nil {
		log.Fatalf("starting the importer: %v", err)
	}
	lambda.Start(handler)
}

func newHandler(ctx context.Context, lookup settings.Lookup) (lambda.Handler, error) {
	s, err := settings.DecodeImporter(lookup)
	if err != nil {
		return nil, err
	}
	guards, err := list.NewGuards(s.Guards, s.Protected)
	if err != nil {
		return nil, err
	}
	guards.Memory = int64(s.MemoryMiB) << 20
	config, err := awsio.Config(ctx)
	if err != nil {
		return nil, err
	}
	out := printable.NewWriter(os.Stdout) // keys of objects and answers of servers are logged
	objects := bucket.NewClient(config)
	lists, indexes := bucket.NewLists(objects, s.ListBucket), bucket.NewIndex(objects, s.IndexBucket)
	table := awstable.NewTable(dynamodb.NewFromConfig(config), s.Table)
	return function.NewHandler(importer.Config{
		Lists: lists, Archive: lists, Rows: table, Entries: table,
		Settings: parameter.NewStore(config, s.Stack),
		Pointer:  indexes, Indexes: indexes, Indicators: indexes, Events: indexbus.New(config), Announce: s.Events,
		Fetch: importer.FetchPorts{Fetcher: fetch.New(fetch.Config{}), Secrets: parameter.NewSecrets(config), Inbox: lists},
		Log:   slog.New(slog.NewJSONHandler(out, &slog.HandlerOptions{Level: s.LogLevel})), Metrics: out, Stack: s.Stack,
		SecretPins: s.SecretPins, ListKey: s.ListKey, Guards: guards, DeletionGrace: s.DeletionGrace.Std(), MaxIndexBytes: s.MaxIndexBytes,
	}, s.ListBucket)
}
