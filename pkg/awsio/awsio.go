// Package awsio connects the cores to AWS. It holds what all adapters share:
// configuration, S3 buckets, and how to wait. The adapters of each core are a package
// below this one, so that a function links no service that it does not call: DynamoDB
// and SSM alone take the transformer from 6 to 11 ms before its first event. They
// implement the ports of their core and turn what invokes the function into what the
// core understands. Nothing here decides anything.
//
// The SDK reports most conditional outcomes (304, 404, 409, 412) as errors without a
// type of their own. [Bucket] tells them apart by HTTP status.
package awsio

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// Config returns the configuration of the environment: credentials, Region, and the
// endpoints of AWS_ENDPOINT_URL and AWS_ENDPOINT_URL_<SERVICE> where those are set.
func Config(ctx context.Context) (aws.Config, error) {
	c, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return c, fmt.Errorf("loading the AWS configuration: %w", err)
	}
	return c, nil
}

// NewS3 returns a client for S3. Endpoints other than those of AWS are asked by path,
// because a bucket has no host name of its own there.
func NewS3(c aws.Config) *s3.Client {
	return s3.NewFromConfig(c, func(o *s3.Options) {
		o.UsePathStyle = o.BaseEndpoint != nil
		// Indexes and snapshots carry checksums of their own, and lists come from anywhere.
		o.DisableLogOutputChecksumValidationSkipped = true
	})
}

// StatusOf returns the HTTP status of the answer that an error stands for, 0 if there
// was none.
func StatusOf(err error) int {
	var response *smithyhttp.ResponseError
	if errors.As(err, &response) {
		return response.HTTPStatusCode()
	}
	return 0
}

// Explain wraps an error with what was tried, and says what 403 hides.
func Explain(err error, tried string, args ...any) error {
	tried = fmt.Sprintf(tried, args...)
	if StatusOf(err) == http.StatusForbidden {
		return fmt.Errorf("%s (denied: does the role allow it, and list the bucket, "+
			"without which S3 denies what is missing?): %w", tried, err)
	}
	return fmt.Errorf("%s: %w", tried, err)
}

// Waiting between tries that the SDK does not make by itself.
const (
	firstWait = 50 * time.Millisecond
	longWait  = 5 * time.Second
)

// Wait sleeps before another try, longer with each and with full jitter, so that
// competitors part ways. It returns early with the error of ctx.
func Wait(ctx context.Context, try int) error {
	limit := min(firstWait<<min(try, 10), longWait)
	timer := time.NewTimer(rand.N(limit)) //nolint:gosec // no secret depends on it
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
