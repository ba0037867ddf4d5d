// Package bucket reads and writes the objects of S3 buckets: the lists and the archive in
// the list bucket, and the indexes with their pointer in the index bucket.
//
// The SDK reports most conditional outcomes (304, 404, 409, 412) as errors without a type
// of their own. [Bucket] tells them apart by HTTP status and returns the errors of package
// storage.
package bucket

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/resolverwatch/resolverwatch/pkg/awsio"
	"github.com/resolverwatch/resolverwatch/pkg/storage"
)

// errNotModified means that the object still has the ETag of If-None-Match.
var errNotModified = errors.New("not modified")

// NewClient returns a client for S3. Endpoints other than those of AWS get path-style
// requests, because buckets have no host names there.
func NewClient(c aws.Config) *s3.Client {
	return s3.NewFromConfig(c, func(o *s3.Options) {
		o.UsePathStyle = o.BaseEndpoint != nil
		// Indexes and snapshots carry their own checksums, and lists can come from any client.
		o.DisableLogOutputChecksumValidationSkipped = true
	})
}

// Bucket is an S3 bucket.
type Bucket struct {
	Client *s3.Client
	Name   string

	region atomic.Pointer[string] // nil for the client's Region
}

// useRegion sends a request to the Region that an earlier response named.
func (b *Bucket) useRegion(o *s3.Options) {
	if region := b.region.Load(); region != nil {
		o.Region = *region
	}
}

// hasMoved reports whether S3 answered that the bucket is in another Region, and remembers
// that Region for the next request. One index can serve many Regions, and the SDK does not
// follow such a response.
func (b *Bucket) hasMoved(err error) bool {
	var response *smithyhttp.ResponseError
	if !errors.As(err, &response) || response.HTTPStatusCode() != http.StatusMovedPermanently {
		return false
	}

	region := response.HTTPResponse().Header.Get("X-Amz-Bucket-Region")
	if known := b.region.Load(); region == "" || known != nil && *known == region {
		return false
	}
	b.region.Store(&region)
	return true
}

// get returns an object. It returns [storage.ErrNotFound] if there is none or if it does
// not meet If-Match, and errNotModified if it still has the ETag of If-None-Match.
func (b *Bucket) get(ctx context.Context, in s3.GetObjectInput) (*s3.GetObjectOutput, error) {
	in.Bucket = &b.Name
	out, err := b.Client.GetObject(ctx, &in, b.useRegion)
	if b.hasMoved(err) {
		out, err = b.Client.GetObject(ctx, &in, b.useRegion)
	}

	switch awsio.StatusOf(err) {
	case http.StatusNotFound, http.StatusPreconditionFailed:
		return nil, storage.ErrNotFound
	case http.StatusNotModified:
		return nil, errNotModified
	}
	if err != nil {
		return nil, awsio.Explain(err, "reading s3://%s/%s", b.Name, aws.ToString(in.Key))
	}
	return out, nil
}

// head returns the metadata of an object, or [storage.ErrNotFound].
func (b *Bucket) head(ctx context.Context, key string) (*s3.HeadObjectOutput, error) {
	out, err := b.Client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &b.Name, Key: &key})
	if awsio.StatusOf(err) == http.StatusNotFound {
		return nil, storage.ErrNotFound
	}
	if err != nil {
		return nil, awsio.Explain(err, "reading the metadata of s3://%s/%s", b.Name, key)
	}
	return out, nil
}

// list returns the current objects whose keys begin with prefix.
func (b *Bucket) list(ctx context.Context, prefix string) ([]storage.Object, error) {
	var objects []storage.Object
	pages := s3.NewListObjectsV2Paginator(b.Client, &s3.ListObjectsV2Input{Bucket: &b.Name, Prefix: &prefix})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, awsio.Explain(err, "listing s3://%s/%s", b.Name, prefix)
		}
		for _, object := range page.Contents {
			objects = append(objects, storage.Object{
				Key:          aws.ToString(object.Key),
				Size:         aws.ToInt64(object.Size),
				LastModified: aws.ToTime(object.LastModified),
			})
		}
	}
	return objects, nil
}

// conflictTries is how often a write is repeated after S3 answered 409, which it does when
// two writes to one key meet. It does not say which of them won.
const conflictTries = 5

// put writes an object. If the object does not meet the condition of the write, put returns
// [storage.ErrConflict].
func (b *Bucket) put(ctx context.Context, in s3.PutObjectInput, body []byte) error {
	in.Bucket = &b.Name
	for try := 0; ; try++ {
		in.Body = bytes.NewReader(body)
		_, err := b.Client.PutObject(ctx, &in)
		switch status := awsio.StatusOf(err); {
		case status == http.StatusPreconditionFailed, status == http.StatusNotFound && in.IfMatch != nil:
			return storage.ErrConflict
		case status == http.StatusConflict && try < conflictTries:
			if err := awsio.Wait(ctx, try); err != nil {
				return err
			}
		case err != nil:
			return awsio.Explain(err, "writing s3://%s/%s", b.Name, aws.ToString(in.Key))
		default:
			return nil
		}
	}
}

// swap replaces the object that has this ETag, or creates it if etag is empty. If the
// stored ETag differs, it returns [storage.ErrConflict].
func (b *Bucket) swap(ctx context.Context, in s3.PutObjectInput, etag string, body []byte) error {
	if etag == "" {
		in.IfNoneMatch = aws.String("*")
	} else {
		in.IfMatch = &etag
	}
	return b.put(ctx, in, body)
}

// Create writes an object that is written only once. If the key exists, it returns
// [storage.ErrExists].
func (b *Bucket) Create(ctx context.Context, key, contentType string, body []byte) error {
	err := b.swap(ctx, s3.PutObjectInput{Key: &key, ContentType: &contentType}, "", body)
	if errors.Is(err, storage.ErrConflict) {
		return storage.ErrExists
	}
	return err
}

// delete removes an object. It succeeds even if the object does not exist.
func (b *Bucket) delete(ctx context.Context, key string) error {
	if _, err := b.Client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &b.Name, Key: &key}); err != nil {
		return awsio.Explain(err, "deleting s3://%s/%s", b.Name, key)
	}
	return nil
}

// readObject returns the bytes of an object that has at most limit of them.
func (b *Bucket) readObject(ctx context.Context, in s3.GetObjectInput, limit int64) (data []byte, etag string, err error) {
	out, err := b.get(ctx, in)
	if err != nil {
		return nil, "", err
	}
	if data, err = readAll(out, limit); err != nil {
		return nil, "", fmt.Errorf("reading s3://%s/%s: %w", b.Name, aws.ToString(in.Key), err)
	}
	return data, aws.ToString(out.ETag), nil
}

// readAll reads the body of an object that has at most limit bytes, and closes it.
func readAll(out *s3.GetObjectOutput, limit int64) (data []byte, err error) {
	defer func() { err = errors.Join(err, out.Body.Close()) }()

	length := aws.ToInt64(out.ContentLength)
	if length > limit {
		return nil, fmt.Errorf("the object has %d bytes, the limit is %d", length, limit)
	}
	data = make([]byte, length)
	if _, err := io.ReadFull(out.Body, data); err != nil {
		return nil, fmt.Errorf("reading the body: %w", err)
	}
	return data, nil
}
