package bucket

import (
	"context"
	"io"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/resolverwatch/resolverwatch/pkg/awsio"
	"github.com/resolverwatch/resolverwatch/pkg/storage"
)

// etagVersion begins the version of an object in a bucket without versioning. There, the
// ETag tells one upload from another.
const etagVersion = "etag-"

// Lists is the list bucket. It implements the ports Lists, Archive and Inbox of package
// importer.
type Lists struct{ bucket Bucket }

// NewLists returns the list bucket with this name.
func NewLists(client *s3.Client, name string) *Lists {
	return &Lists{Bucket{Client: client, Name: name}}
}

// List returns the current objects whose keys begin with prefix.
func (l *Lists) List(ctx context.Context, prefix string) ([]storage.Object, error) {
	return l.bucket.list(ctx, prefix)
}

// Head returns the current object of a key with its version.
func (l *Lists) Head(ctx context.Context, key string) (storage.Object, error) {
	out, err := l.bucket.head(ctx, key)
	if err != nil {
		return storage.Object{}, err
	}
	return storage.Object{
		Key:          key,
		Version:      versionOf(out.VersionId, out.ETag),
		Size:         aws.ToInt64(out.ContentLength),
		LastModified: aws.ToTime(out.LastModified),
		Metadata:     out.Metadata,
	}, nil
}

// versionOf returns a version that always names the same bytes. The version "null" of a
// bucket without versioning does not: the next upload overwrites it.
func versionOf(version, etag *string) string {
	if id := aws.ToString(version); id != "" && id != "null" {
		return id
	}
	return etagVersion + strings.Trim(aws.ToString(etag), `"`)
}

// Open returns the bytes of one version. If a later upload replaced it, the error is
// [storage.ErrNotFound].
func (l *Lists) Open(ctx context.Context, key, version string) (io.ReadCloser, error) {
	in := s3.GetObjectInput{Key: &key}
	etag, unversioned := strings.CutPrefix(version, etagVersion)
	if unversioned {
		in.IfMatch = aws.String(`"` + etag + `"`)
	} else {
		in.VersionId = &version
	}

	out, err := l.bucket.get(ctx, in)
	if err != nil {
		return nil, err
	}
	if unversioned && versionOf(nil, out.ETag) != version { // some endpoints ignore If-Match
		_ = out.Body.Close()
		return nil, storage.ErrNotFound
	}
	return out.Body, nil
}

// Tags returns the tags of one version.
func (l *Lists) Tags(ctx context.Context, key, version string) (map[string]string, error) {
	in := &s3.GetObjectTaggingInput{Bucket: &l.bucket.Name, Key: &key}
	if !strings.HasPrefix(version, etagVersion) {
		in.VersionId = &version
	}

	out, err := l.bucket.Client.GetObjectTagging(ctx, in)
	if err != nil {
		return nil, awsio.Explain(err, "reading the tags of s3://%s/%s", l.bucket.Name, key)
	}
	tags := make(map[string]string, len(out.TagSet))
	for _, tag := range out.TagSet {
		tags[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
	}
	return tags, nil
}

// Create writes an object that is written only once.
func (l *Lists) Create(ctx context.Context, key string, body []byte) error {
	return l.bucket.Create(ctx, key, "application/zstd", body)
}

// Replace writes an object, whether or not the key exists.
func (l *Lists) Replace(ctx context.Context, key, contentType string, body []byte) error {
	return l.bucket.put(ctx, s3.PutObjectInput{Key: &key, ContentType: &contentType}, body)
}

// Delete removes an object.
func (l *Lists) Delete(ctx context.Context, key string) error { return l.bucket.delete(ctx, key) }

// Put uploads a list and returns its version.
func (l *Lists) Put(ctx context.Context, key string, body io.ReadSeeker, metadata map[string]string) (string, error) {
	out, err := l.bucket.Client.PutObject(ctx, &s3.PutObjectInput{
		Bucket:      &l.bucket.Name,
		Key:         &key,
		Body:        body,
		Metadata:    metadata,
		ContentType: aws.String("application/octet-stream"),
	})
	if err != nil {
		return "", awsio.Explain(err, "writing s3://%s/%s", l.bucket.Name, key)
	}
	return versionOf(out.VersionId, out.ETag), nil
}

// Read returns an object.
func (l *Lists) Read(ctx context.Context, key string) (io.ReadCloser, error) {
	out, err := l.bucket.get(ctx, s3.GetObjectInput{Key: &key})
	if err != nil {
		return nil, err
	}
	return out.Body, nil
}
