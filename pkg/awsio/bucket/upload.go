package bucket

import (
	"bytes"
	"context"
	"errors"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/resolverwatch/resolverwatch/pkg/awsio"
	"github.com/resolverwatch/resolverwatch/pkg/marker"
	"github.com/resolverwatch/resolverwatch/pkg/storage"
)

// partBytes is the size of a part of an upload. S3 takes at most 10,000 parts, so an object may
// have 80 GB. Smaller objects are written at once.
const partBytes = 8 << 20

// Marked is the bucket of the marked logs. It implements [marker.Output].
type Marked struct{ bucket Bucket }

// NewMarked returns the bucket of the marked logs with this name.
func NewMarked(client *s3.Client, name string) *Marked {
	return &Marked{Bucket{Client: client, Name: name}}
}

// Exists reports whether there is an object.
func (m *Marked) Exists(ctx context.Context, key string) (bool, error) {
	_, err := m.bucket.head(ctx, key)
	if errors.Is(err, storage.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// Begin starts an object that is written only once.
func (m *Marked) Begin(ctx context.Context, key string) marker.Upload {
	return &upload{bucket: &m.bucket, key: key, ctx: ctx}
}

// upload collects the bytes of an object, and sends each part as soon as it is full.
type upload struct {
	bucket *Bucket
	key    string
	ctx    context.Context //nolint:containedctx // of the writes, which have no context of their own
	part   []byte
	id     string // of the upload in parts, "" before the first part
	sent   []types.CompletedPart
	done   bool
}

// Write collects bytes of the object. It sends a part when it is full.
func (u *upload) Write(data []byte) (int, error) {
	total := len(data)
	for len(data) > 0 {
		if u.part == nil {
			u.part = make([]byte, 0, partBytes)
		}
		n := min(len(data), partBytes-len(u.part))
		u.part, data = append(u.part, data[:n]...), data[n:]
		if len(u.part) == partBytes {
			if err := u.send(u.ctx); err != nil {
				return 0, err
			}
		}
	}
	return total, nil
}

// send sends the collected bytes as a part.
func (u *upload) send(ctx context.Context) error {
	if u.id == "" {
		begun, err := u.bucket.Client.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{
			Bucket: &u.bucket.Name, Key: &u.key, ContentType: contentType(u.key)})
		if err != nil {
			return awsio.Explain(err, "starting to write s3://%s/%s", u.bucket.Name, u.key)
		}
		u.id = aws.ToString(begun.UploadId)
	}
	number := aws.Int32(int32(len(u.sent) + 1)) //nolint:gosec // S3 takes at most 10,000 parts
	part, err := u.bucket.Client.UploadPart(ctx, &s3.UploadPartInput{
		Bucket: &u.bucket.Name, Key: &u.key, UploadId: &u.id, PartNumber: number, Body: bytes.NewReader(u.part)})
	if err != nil {
		return awsio.Explain(err, "writing part %d of s3://%s/%s", *number, u.bucket.Name, u.key)
	}
	u.sent = append(u.sent, types.CompletedPart{ETag: part.ETag, PartNumber: number})
	u.part = u.part[:0]
	return nil
}

// Complete makes the object visible, unless the key exists.
func (u *upload) Complete(ctx context.Context) error {
	if u.id == "" {
		err := u.bucket.Create(ctx, u.key, *contentType(u.key), u.part)
		u.done = err == nil || errors.Is(err, storage.ErrExists)
		return err
	}
	if len(u.part) > 0 {
		if err := u.send(ctx); err != nil {
			return err
		}
	}
	for try := 0; ; try++ {
		_, err := u.bucket.Client.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
			Bucket: &u.bucket.Name, Key: &u.key, UploadId: &u.id, IfNoneMatch: aws.String("*"),
			MultipartUpload: &types.CompletedMultipartUpload{Parts: u.sent}})
		switch status := awsio.StatusOf(err); {
		case status == http.StatusPreconditionFailed:
			return storage.ErrExists
		case status == http.StatusConflict && try < conflictTries:
			if err := awsio.Wait(ctx, try); err != nil {
				return err
			}
		case err != nil:
			return awsio.Explain(err, "completing s3://%s/%s", u.bucket.Name, u.key)
		default:
			u.done = true
			return nil
		}
	}
}

// Abort frees the parts that were sent.
func (u *upload) Abort(ctx context.Context) error {
	if u.done || u.id == "" {
		return nil
	}
	u.done = true
	_, err := u.bucket.Client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{
		Bucket: &u.bucket.Name, Key: &u.key, UploadId: &u.id})
	if err != nil && awsio.StatusOf(err) != http.StatusNotFound {
		return awsio.Explain(err, "freeing the parts of s3://%s/%s", u.bucket.Name, u.key)
	}
	return nil
}
