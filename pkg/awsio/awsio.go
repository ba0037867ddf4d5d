// Package awsio connects the cores to AWS. Each package below it has the adapters for one
// kind of resource: bucket, table, parameter, function, athena. An adapter implements the
// ports of a core and does not make decisions. A function links only the clients that it uses:
// DynamoDB and SSM would take the transformer from 6 to 11 ms before its first event.
//
// This package has what the adapters share: the configuration, the errors of the SDK, and
// the wait between attempts.
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
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// Config returns the configuration from the environment: credentials, Region, and the
// endpoints in AWS_ENDPOINT_URL and AWS_ENDPOINT_URL_<SERVICE> if those are set.
func Config(ctx context.Context, options ...func(*config.LoadOptions) error) (aws.Config, error) {
	c, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return c, fmt.Errorf("loading the AWS configuration: %w", err)
	}
	return c, nil
}

// StatusOf returns the HTTP status of the response that caused an error, or 0 if there was
// no response.
func StatusOf(err error) int {
	var response *smithyhttp.ResponseError
	if errors.As(err, &response) {
		return response.HTTPStatusCode()
	}
	return 0
}

// Explain wraps an error of S3 with the attempted action. If access is denied, it adds the likely
// causes, because S3 also denies access to a missing object if the role cannot list the bucket. Wrong
// credentials and a wrong clock have status 403 too, but no permission is missing then.
func Explain(err error, action string, args ...any) error {
	action = fmt.Sprintf(action, args...)
	if StatusOf(err) == http.StatusForbidden && isDenied(err) {
		return fmt.Errorf("%s (access denied: the role must allow this and s3:ListBucket, "+
			"without which a missing object is denied too): %w", action, err)
	}
	return fmt.Errorf("%s: %w", action, err)
}

// isDenied reports whether an error with status 403 is about a permission. The answer to a HEAD has
// no body, so its code is only the status.
func isDenied(err error) bool {
	var answer smithy.APIError
	if !errors.As(err, &answer) {
		return true
	}
	switch answer.ErrorCode() {
	case "InvalidAccessKeyId", "InvalidToken", "SignatureDoesNotMatch", "ExpiredToken", "RequestTimeTooSkewed", "NotSignedUp":
		return false
	}
	return true
}

// Limits of the wait between attempts that the SDK does not repeat itself.
const (
	firstWait = 50 * time.Millisecond
	maxWait   = 5 * time.Second
)

// Wait sleeps before another attempt. The wait grows with each attempt and has full jitter,
// so that competing writers spread out. If ctx ends first, Wait returns its error.
func Wait(ctx context.Context, try int) error {
	limit := min(firstWait<<min(try, 10), maxWait)
	timer := time.NewTimer(rand.N(limit)) //nolint:gosec // not a secret
	defer timer.Stop()

	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
