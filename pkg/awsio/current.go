package awsio

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/resolverwatch/resolverwatch/pkg/index"
)

// maxCurrentBytes bounds the pointer object; [index.DecodeCurrent] has a bound too.
const maxCurrentBytes = 2 << 20

// Current reads the pointer of an index bucket and its etag, or returns [ErrNotFound], or
// [ErrNotModified] if it still is the one of etag.
func (b *Bucket) Current(ctx context.Context, etag string) (current index.Current, newETag string, err error) {
	in := s3.GetObjectInput{Key: aws.String(index.CurrentKey)}
	if etag != "" {
		in.IfNoneMatch = &etag
	}
	out, err := b.Get(ctx, in)
	if err != nil {
		return current, "", err
	}
	current, err = b.decodeCurrent(out, index.CurrentKey)
	return current, aws.ToString(out.ETag), err
}

// Manifest reads what was published as a generation, or returns [ErrNotFound].
func (b *Bucket) Manifest(ctx context.Context, generation uint64) (index.Current, error) {
	key := index.ManifestKey(generation)
	out, err := b.Get(ctx, s3.GetObjectInput{Key: &key})
	if err != nil {
		return index.Current{}, err
	}
	return b.decodeCurrent(out, key)
}

func (b *Bucket) decodeCurrent(out *s3.GetObjectOutput, key string) (current index.Current, err error) {
	data, err := ReadAll(out, maxCurrentBytes)
	if err == nil {
		current, err = index.DecodeCurrent(data)
	}
	if err != nil {
		err = fmt.Errorf("reading s3://%s/%s: %w", b.Name, key, err)
	}
	if errors.Is(err, index.ErrCurrent) && key == index.CurrentKey {
		err = fmt.Errorf("%w; restore an earlier version of the object, or delete it: the next publish writes it anew, "+
			"of the newest lists", err)
	}
	if err != nil {
		return current, err
	}
	return current, nil
}
