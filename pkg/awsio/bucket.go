package awsio

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
)

// Errors of a [Bucket], which the adapters translate into those of their ports.
var (
	ErrNotFound    = errors.New("no such object")
	ErrNotModified = errors.New("not modified")
	ErrCondition   = errors.New("condition not met")
)

// Bucket is an S3 bucket with the few operations that several adapters need.
type Bucket struct {
	Client *s3.Client
	Name   string

	region atomic.Pointer[string] // nil = the client's
}

// inRegion makes a call in the Region that an answer named.
func (b *Bucket) inRegion(o *s3.Options) {
	if region := b.region.Load(); region != nil {
		o.Region = *region
	}
}

// moved reports whether S3 answered that the bucket is in another Region, where the call
// is then to be made again. One index can serve many Regions, and the SDK does not
// follow.
func (b *Bucket) moved(err error) bool {
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

// Get returns an object, or [ErrNotFound], [ErrNotModified] or [ErrCondition].
func (b *Bucket) Get(ctx context.Context, in s3.GetObjectInput) (*s3.GetObjectOutput, error) {
	in.Bucket = &b.Name
	out, err := b.Client.GetObject(ctx, &in, b.inRegion)
	if b.moved(err) {
		out, err = b.Client.GetObject(ctx, &in, b.inRegion)
	}
	switch StatusOf(err) {
	case http.StatusNotFound:
		return nil, ErrNotFound
	case http.StatusNotModified:
		return nil, ErrNotModified
	case http.StatusPreconditionFailed:
		return nil, ErrCondition
	}
	if err != nil {
		return nil, Explain(err, "reading s3://%s/%s", b.Name, aws.ToString(in.Key))
	}
	return out, nil
}

// conflictTries is how often a write is made again that met another one to the same
// key, which S3 answers by 409 without saying who won.
const conflictTries = 5

// Put writes an object, or returns [ErrCondition].
func (b *Bucket) Put(ctx context.Context, in s3.PutObjectInput, body []byte) error {
	in.Bucket = &b.Name
	for try := 0; ; try++ {
		in.Body = bytes.NewReader(body)
		_, err := b.Client.PutObject(ctx, &in)
		switch status := StatusOf(err); {
		case status == http.StatusPreconditionFailed, status == http.StatusNotFound && in.IfMatch != nil:
			return ErrCondition
		case status == http.StatusConflict && try < conflictTries:
			if err := Wait(ctx, try); err != nil {
				return err
			}
		case err != nil:
			return Explain(err, "writing s3://%s/%s", b.Name, aws.ToString(in.Key))
		default:
			return nil
		}
	}
}

// Create writes an object unless there is one, which is [ErrCondition].
func (b *Bucket) Create(ctx context.Context, key, contentType string, body []byte) error {
	return b.Put(ctx, s3.PutObjectInput{Key: &key, ContentType: &contentType, IfNoneMatch: aws.String("*")}, body)
}

// Delete removes an object; one that is gone is no error.
func (b *Bucket) Delete(ctx context.Context, key string) error {
	if _, err := b.Client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &b.Name, Key: &key}); err != nil {
		return Explain(err, "deleting s3://%s/%s", b.Name, key)
	}
	return nil
}

// ReadAll reads the body of an object of at most limit bytes and closes it.
func ReadAll(out *s3.GetObjectOutput, limit int64) (data []byte, err error) {
	defer func() { err = errors.Join(err, out.Body.Close()) }()
	length := aws.ToInt64(out.ContentLength)
	if length > limit {
		return nil, fmt.Errorf("%d bytes, at most %d are read", length, limit)
	}
	data = make([]byte, length)
	if _, err := io.ReadFull(out.Body, data); err != nil {
		return nil, fmt.Errorf("reading the body: %w", err)
	}
	return data, nil
}
