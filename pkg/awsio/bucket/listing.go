package bucket

import (
	"context"
	"io"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/resolverwatch/resolverwatch/pkg/awsio"
	"github.com/resolverwatch/resolverwatch/pkg/marker"
)

// Listing lists a bucket, and keeps the manifests and results of backfills. It implements the ports Lister
// and Manifests of package backfill.
type Listing struct{ bucket Bucket }

// NewListing returns a listing of the bucket with this name.
func NewListing(client *s3.Client, name string) *Listing {
	return &Listing{Bucket{Client: client, Name: name}}
}

// Folders returns the folders directly under prefix.
func (l *Listing) Folders(ctx context.Context, prefix string) ([]string, error) {
	var folders []string
	err := l.pages(ctx, s3.ListObjectsV2Input{Prefix: &prefix, Delimiter: aws.String("/")}, func(page *s3.ListObjectsV2Output) error {
		for _, folder := range page.CommonPrefixes {
			folders = append(folders, aws.ToString(folder.Prefix))
		}
		return nil
	})
	return folders, err
}

// Objects calls each for the objects under prefix whose keys are greater than after.
func (l *Listing) Objects(ctx context.Context, prefix, after string, each func(marker.Object) error) error {
	in := s3.ListObjectsV2Input{Prefix: &prefix}
	if after != "" {
		in.StartAfter = &after
	}
	return l.pages(ctx, in, func(page *s3.ListObjectsV2Output) error {
		for _, object := range page.Contents {
			if err := each(marker.Object{
				Bucket: l.bucket.Name, Key: aws.ToString(object.Key), ETag: aws.ToString(object.ETag), Size: aws.ToInt64(object.Size),
			}); err != nil {
				return err
			}
		}
		return nil
	})
}

// pages calls each for the pages of a listing. An error of each ends the listing, and is returned
// as it is.
func (l *Listing) pages(ctx context.Context, in s3.ListObjectsV2Input, each func(*s3.ListObjectsV2Output) error) error {
	in.Bucket = &l.bucket.Name
	pages := s3.NewListObjectsV2Paginator(l.bucket.Client, &in)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx, l.bucket.useRegion)
		if l.bucket.hasMoved(err) {
			page, err = pages.NextPage(ctx, l.bucket.useRegion)
		}
		if err != nil {
			return awsio.Explain(err, "listing s3://%s/%s", l.bucket.Name, aws.ToString(in.Prefix))
		}
		if err := each(page); err != nil {
			return err
		}
	}
	return nil
}

// Write replaces an object.
func (l *Listing) Write(ctx context.Context, key string, body []byte) error {
	return l.bucket.put(ctx, s3.PutObjectInput{Key: &key, ContentType: aws.String("application/x-ndjson")}, body)
}

// Read returns the bytes of an object, or [storage.ErrNotFound].
func (l *Listing) Read(ctx context.Context, key string) (io.ReadCloser, error) {
	out, err := l.bucket.get(ctx, s3.GetObjectInput{Key: &key})
	if err != nil {
		return nil, err
	}
	return out.Body, nil
}
