package logfile

import (
	"context"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// S3 is the part of the S3 client that [ExpandS3] needs.
type S3 interface {
	s3.ListObjectsV2APIClient
	GetObject(ctx context.Context, in *s3.GetObjectInput, options ...func(*s3.Options)) (*s3.GetObjectOutput, error)
}

// s3Scheme is the prefix of an argument that names S3 objects.
const s3Scheme = "s3://"

// IsS3 reports whether an argument names S3 objects.
func IsS3(argument string) bool { return strings.HasPrefix(argument, s3Scheme) }

// SplitS3 returns the bucket and the prefix of s3://bucket/prefix.
func SplitS3(location string) (bucket, prefix string, err error) {
	bucket, prefix, _ = strings.Cut(strings.TrimPrefix(location, s3Scheme), "/")
	if bucket == "" {
		return "", "", fmt.Errorf("%s: no bucket: the form is s3://bucket/prefix", location)
	}
	return bucket, prefix, nil
}

// ExpandS3 returns the objects whose keys begin with the prefix of s3://bucket/prefix, in the
// order of their keys. Folder markers and the test object of an export are ignored.
func ExpandS3(ctx context.Context, client S3, location string) ([]Source, error) {
	bucket, prefix, err := SplitS3(location)
	if err != nil {
		return nil, err
	}
	var sources []Source
	pages := s3.NewListObjectsV2Paginator(client, &s3.ListObjectsV2Input{Bucket: &bucket, Prefix: &prefix})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("listing %s: %w", location, err)
		}
		for _, object := range page.Contents {
			if key := aws.ToString(object.Key); !strings.HasSuffix(key, "/") && path.Base(key) != exportTest {
				sources = append(sources, S3Object(client, bucket, key, aws.ToInt64(object.Size)))
			}
		}
	}
	if len(sources) == 0 {
		return nil, fmt.Errorf("%s: no object has a key that begins with %q", location, prefix)
	}
	return sources, nil
}

// S3Object returns the source of one object.
func S3Object(client S3, bucket, key string, size int64) Source {
	name := s3Scheme + path.Join(bucket, key)
	return Source{Name: name, ID: name, Size: size, open: func(ctx context.Context) (io.ReadCloser, error) {
		object, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key})
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", name, err)
		}
		return object.Body, nil
	}}
}
