// Package transformerio gives the transformer its index bucket.
package transformerio

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/resolverwatch/resolverwatch/pkg/awsio"
	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/transformer"
)

// Store is the index bucket as the transformer uses it: [transformer.Store].
type Store struct {
	bucket   awsio.Bucket
	maxBytes int64
}

// NewStore returns the index bucket of that name. An index of more than
// maxBytes is not read, because the function would die of it.
func NewStore(client *s3.Client, name string, maxBytes int) *Store {
	return &Store{awsio.Bucket{Client: client, Name: name}, int64(maxBytes)}
}

// Current returns the pointer unless it still is the one of etag.
func (s *Store) Current(ctx context.Context, etag string) (index.Current, string, error) {
	current, newETag, err := s.bucket.Current(ctx, etag)
	switch {
	case errors.Is(err, awsio.ErrNotModified):
		err = transformer.ErrNotModified
	case errors.Is(err, awsio.ErrNotFound):
		err = transformer.ErrNoIndex
	}
	return current, newETag, err
}

// Object returns an index file.
func (s *Store) Object(ctx context.Context, key string) ([]byte, error) {
	out, err := s.bucket.Get(ctx, s3.GetObjectInput{Key: &key})
	if err != nil {
		return nil, fmt.Errorf("reading an index: %w", err)
	}
	data, err := awsio.ReadAll(out, s.maxBytes)
	if err != nil {
		return nil, fmt.Errorf("reading s3://%s/%s: %w", s.bucket.Name, key, err)
	}
	return data, nil
}
