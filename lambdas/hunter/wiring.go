package main

import (
	"context"
	"io"
	"log/slog"

	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/resolverwatch/resolverwatch/pkg/awsio/athena"
	"github.com/resolverwatch/resolverwatch/pkg/awsio/bucket"
	"github.com/resolverwatch/resolverwatch/pkg/awsio/compaction"
	"github.com/resolverwatch/resolverwatch/pkg/compactor"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// newCompactor returns what copies closed days, in the workgroup of the hunts and with its state in
// their table.
func newCompactor(config aws.Config, s *settings.HunterFunction, group *athena.WorkGroup, log *slog.Logger, metrics io.Writer) *compactor.Compactor {
	return compactor.New(compactor.Config{
		Athena:  athena.Statements{Group: group},
		Ledger:  compaction.New(config, s.Table),
		Objects: bucket.NewOutput(bucket.NewClient(config), s.CompactBucket),
		Bucket:  s.CompactBucket,
		Layout:  compactor.Layout{Before: s.LogFolder, After: s.LogFolderAfter, Format: s.LogDay},
		Stack:   s.Stack,
		Log:     log,
		Metrics: metrics,
	})
}

// requestID returns the id of an invocation. A repeat of an event by Lambda has the same id.
func requestID(ctx context.Context) string {
	if invocation, found := lambdacontext.FromContext(ctx); found {
		return invocation.AwsRequestID
	}
	return ""
}
