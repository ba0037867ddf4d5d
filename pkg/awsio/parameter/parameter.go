// Package parameter reads parameters of the Systems Manager Parameter Store and secrets of
// Secrets Manager.
package parameter

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
	"github.com/resolverwatch/resolverwatch/pkg/storage"
)

const (
	attempts = 4 // of one request
	// requestTime bounds one attempt, so that a slow one does not use up the time of the
	// function.
	requestTime = 15 * time.Second
)

// withLimits returns a configuration with the limits of this package.
func withLimits(config aws.Config) aws.Config {
	config.RetryMaxAttempts = attempts
	switch client := config.HTTPClient.(type) {
	case nil:
		config.HTTPClient = awshttp.NewBuildableClient().WithTimeout(requestTime)
	case *awshttp.BuildableClient:
		config.HTTPClient = client.WithTimeout(requestTime)
	}
	return config
}

// Store reads the parameters of a stack. It implements the port Settings of package
// importer.
type Store struct {
	client *ssm.Client
	stack  string
}

// NewStore returns the parameters of a stack.
func NewStore(config aws.Config, stack string) *Store {
	return &Store{client: ssm.NewFromConfig(withLimits(config)), stack: stack}
}

// Feed returns the settings of a feed, or [storage.ErrNotFound] if there is no parameter
// for it.
func (s *Store) Feed(ctx context.Context, id indicator.FeedID) ([]byte, error) {
	name := settings.FeedParameter(s.stack, string(id))
	out, err := s.client.GetParameter(ctx, &ssm.GetParameterInput{Name: &name, WithDecryption: aws.Bool(true)})
	var missing *types.ParameterNotFound
	switch {
	case errors.As(err, &missing):
		return nil, storage.ErrNotFound
	case err != nil:
		return nil, fmt.Errorf("reading the parameter %s: %w", name, err)
	default:
		return []byte(aws.ToString(out.Parameter.Value)), nil
	}
}
