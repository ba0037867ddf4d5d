package importerio

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/resolverwatch/resolverwatch/pkg/awsio"
	"github.com/resolverwatch/resolverwatch/pkg/importer"
	"github.com/resolverwatch/resolverwatch/pkg/storage"
)

// etagVersion begins the version of an object in a bucket that keeps none: there, the
// etag tells one upload from another.
const etagVersion = "etag-"

// Lists is the list bucket: [importer.Lists], [importer.Archive] and [importer.Inbox].
type Lists struct{ bucket awsio.Bucket }

// NewLists returns the list bucket of that name.
func NewLists(client *s3.Client, name string) *Lists {
	return &Lists{awsio.Bucket{Client: client, Name: name}}
}

// List returns the current objects whose keys begin with prefix.
func (l *Lists) List(ctx context.Context, prefix string) ([]importer.Object, error) {
	var objects []importer.Object
	pages := s3.NewListObjectsV2Paginator(l.bucket.Client, &s3.ListObjectsV2Input{Bucket: &l.bucket.Name, Prefix: &prefix})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, awsio.Explain(err, "listing s3://%s/%s", l.bucket.Name, prefix)
		}
		for _, object := range page.Contents {
			objects = append(objects, importer.Object{
				Key:          aws.ToString(object.Key),
				Size:         aws.ToInt64(object.Size),
				LastModified: aws.ToTime(object.LastModified),
			})
		}
	}
	return objects, nil
}

// Head returns the current object of a key with its version.
func (l *Lists) Head(ctx context.Context, key string) (importer.Object, error) {
	out, err := l.bucket.Client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &l.bucket.Name, Key: &key})
	if awsio.StatusOf(err) == http.StatusNotFound {
		return importer.Object{}, storage.ErrNotFound
	}
	if err != nil {
		return importer.Object{}, awsio.Explain(err, "looking at s3://%s/%s", l.bucket.Name, key)
	}
	return importer.Object{
		Key:          key,
		Version:      versionOf(out.VersionId, out.ETag),
		Size:         aws.ToInt64(out.ContentLength),
		LastModified: aws.ToTime(out.LastModified),
		Metadata:     out.Metadata,
	}, nil
}

// versionOf names the bytes of an object for good. The version "null" of a bucket that
// keeps none is overwritten by the next upload.
func versionOf(version, etag *string) string {
	if id := aws.ToString(version); id != "" && id != "null" {
		return id
	}
	return etagVersion + strings.Trim(aws.ToString(etag), `"`)
}

// Open returns the bytes of one version. What was uploaded over it is not found.
func (l *Lists) Open(ctx context.Context, key, version string) (io.ReadCloser, error) {
	in := s3.GetObjectInput{Key: &key}
	etag, unversioned := strings.CutPrefix(version, etagVersion)
	if unversioned {
		in.IfMatch = aws.String(`"` + etag + `"`)
	} else {
		in.VersionId = &version
	}
	out, err := l.bucket.Get(ctx, in)
	if errors.Is(err, awsio.ErrNotFound) || errors.Is(err, awsio.ErrCondition) {
		return nil, storage.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	if unversioned && versionOf(nil, out.ETag) != version { // not every endpoint honours If-Match here
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

// Create writes an object that is never written again.
func (l *Lists) Create(ctx context.Context, key string, body []byte) error {
	err := l.bucket.Create(ctx, key, "application/zstd", body)
	if errors.Is(err, awsio.ErrCondition) {
		return storage.ErrExists
	}
	return err
}

// Replace writes an object, whatever stood there.
func (l *Lists) Replace(ctx context.Context, key, contentType string, body []byte) error {
	return l.bucket.Put(ctx, s3.PutObjectInput{Key: &key, ContentType: &contentType}, body)
}

// Delete removes an object.
func (l *Lists) Delete(ctx context.Context, key string) error { return l.bucket.Delete(ctx, key) }

// Put uploads a list.
func (l *Lists) Put(ctx context.Context, key string, body io.ReadSeeker, metadata map[string]string) (string, error) {
	out, err := l.bucket.Client.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &l.bucket.Name, Key: &key, Body: body, Metadata: metadata, ContentType: aws.String("application/octet-stream"),
	})
	if err != nil {
		return "", awsio.Explain(err, "writing s3://%s/%s", l.bucket.Name, key)
	}
	return versionOf(out.VersionId, out.ETag), nil
}

// Read returns an object.
func (l *Lists) Read(ctx context.Context, key string) (io.ReadCloser, error) {
	out, err := l.bucket.Get(ctx, s3.GetObjectInput{Key: &key})
	if errors.Is(err, awsio.ErrNotFound) {
		return nil, storage.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	return out.Body, nil
}
