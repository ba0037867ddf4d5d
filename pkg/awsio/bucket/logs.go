package bucket

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/resolverwatch/resolverwatch/pkg/marker"
)

// Logs reads the objects of query logs, which can be in several buckets. It implements
// [marker.Logs].
type Logs struct {
	client *s3.Client

	mu      sync.Mutex
	buckets map[string]*Bucket // by name; they remember their Regions
}

// NewLogs returns a reader of log objects.
func NewLogs(client *s3.Client) *Logs { return &Logs{client: client, buckets: map[string]*Bucket{}} }

// Open returns the bytes of a version of an object. If the connection breaks, reading goes on
// where it ended.
func (l *Logs) Open(ctx context.Context, o *marker.Object) (io.ReadCloser, error) {
	r := &resumedReader{ctx: ctx, bucket: l.bucket(o.Bucket), object: o}
	if err := r.open(); err != nil {
		return nil, err
	}
	return r, nil
}

func (l *Logs) bucket(name string) *Bucket {
	l.mu.Lock()
	defer l.mu.Unlock()
	found := l.buckets[name]
	if found == nil {
		found = &Bucket{Client: l.client, Name: name}
		l.buckets[name] = found
	}
	return found
}

// resumedTries is how often a broken download is resumed.
const resumedTries = 5

// resumedReader reads an object, and resumes after a broken connection.
type resumedReader struct {
	ctx    context.Context //nolint:containedctx // of the reads, which have no context of their own
	bucket *Bucket
	object *marker.Object
	body   io.ReadCloser
	etag   string
	size   int64
	read   int64
	tries  int
}

// open requests the bytes of the object that were not read yet.
func (r *resumedReader) open() error {
	in := s3.GetObjectInput{Key: &r.object.Key}
	if r.object.Version != "" {
		in.VersionId = &r.object.Version
	}
	if r.object.ETag != "" {
		in.IfMatch = quotedETag(r.object.ETag)
	}
	if r.read > 0 {
		in.IfMatch, in.Range = &r.etag, aws.String(fmt.Sprintf("bytes=%d-", r.read))
	}
	out, err := r.bucket.get(r.ctx, in)
	if err != nil {
		return err
	}
	if r.read == 0 {
		r.etag, r.size = aws.ToString(out.ETag), aws.ToInt64(out.ContentLength)
	}
	r.body = out.Body
	return nil
}

// quotedETag returns an ETag as HTTP has it. Events have it without quotes.
func quotedETag(etag string) *string {
	if etag[0] == '"' {
		return &etag
	}
	return aws.String(`"` + etag + `"`)
}

// Read reads bytes of the object.
func (r *resumedReader) Read(data []byte) (int, error) {
	for {
		n, err := r.body.Read(data)
		r.read += int64(n)
		switch {
		case n > 0 || err == nil:
			return n, nil
		case errors.Is(err, io.EOF) && r.read >= r.size:
			return 0, io.EOF
		case r.ctx.Err() != nil:
			return 0, r.ctx.Err()
		case r.tries == resumedTries:
			return 0, fmt.Errorf("reading s3://%s/%s: it broke off %d times: %w", r.bucket.Name, r.object.Key, r.tries+1, err)
		}
		r.tries++
		_ = r.body.Close() // it is broken
		if err := r.open(); err != nil {
			return 0, err
		}
	}
}

// Close ends the download.
func (r *resumedReader) Close() error { return r.body.Close() }
