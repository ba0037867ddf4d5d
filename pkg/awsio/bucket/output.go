package bucket

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/resolverwatch/resolverwatch/pkg/awsio"
	"github.com/resolverwatch/resolverwatch/pkg/storage"
)

// Output is the output bucket for programs that replay records or copy days. It implements the port
// Bucket of package replay and the port Objects of package compactor.
type Output struct{ Bucket }

// NewOutput returns the output bucket with this name.
func NewOutput(client *s3.Client, name string) *Output {
	return &Output{Bucket{Client: client, Name: name}}
}

// List calls each for the objects under prefix, in the order of their keys.
func (o *Output) List(ctx context.Context, prefix string, each func(storage.Object) error) error {
	pages := s3.NewListObjectsV2Paginator(o.Client, &s3.ListObjectsV2Input{Bucket: &o.Name, Prefix: &prefix})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return awsio.Explain(err, "listing s3://%s/%s", o.Name, prefix)
		}
		for _, object := range page.Contents {
			if err := each(storage.Object{
				Key: aws.ToString(object.Key), ETag: aws.ToString(object.ETag),
				Size: aws.ToInt64(object.Size), LastModified: aws.ToTime(object.LastModified),
			}); err != nil {
				return err
			}
		}
	}
	return nil
}

// Delete removes an object. It succeeds even if the object does not exist.
func (o *Output) Delete(ctx context.Context, key string) error { return o.delete(ctx, key) }

// Open returns the bytes of an object that still has this ETag, or [storage.ErrNotFound].
func (o *Output) Open(ctx context.Context, key, etag string) (io.ReadCloser, error) {
	out, err := o.get(ctx, s3.GetObjectInput{Key: &key, IfMatch: &etag})
	if err != nil {
		return nil, err
	}
	return out.Body, nil
}

// Replace replaces an object that still has this ETag, or creates it if etag is empty. If the
// stored ETag differs, it returns [storage.ErrConflict]. It returns the new ETag.
func (o *Output) Replace(ctx context.Context, key, etag string, body io.ReadSeeker) (string, error) {
	in := s3.PutObjectInput{Bucket: &o.Name, Key: &key, Body: body, ContentType: contentType(key)}
	if etag == "" {
		in.IfNoneMatch = aws.String("*")
	} else {
		in.IfMatch = &etag
	}
	for try := 0; ; try++ {
		out, err := o.Client.PutObject(ctx, &in)
		switch status := awsio.StatusOf(err); {
		case err == nil:
			return aws.ToString(out.ETag), nil
		case status == http.StatusPreconditionFailed, status == http.StatusNotFound && etag != "":
			return "", storage.ErrConflict
		case status == http.StatusConflict && try < conflictTries:
			_, seekErr := body.Seek(0, io.SeekStart)
			if err := errors.Join(seekErr, awsio.Wait(ctx, try)); err != nil {
				return "", err
			}
		default:
			return "", awsio.Explain(err, "writing s3://%s/%s", o.Name, key)
		}
	}
}

// contentType returns the type of an object by its key. Compressed objects have no
// Content-Encoding, because a client would decompress them, and Athena goes by the key.
func contentType(key string) *string {
	if strings.HasSuffix(key, ".gz") {
		return aws.String("application/gzip")
	}
	return aws.String("application/json")
}
