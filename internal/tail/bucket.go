package tail

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// S3Bucket implements [Bucket] with S3.
type S3Bucket struct {
	Client s3.ListObjectsV2APIClient
	Name   string
}

// List implements [Bucket].
func (b *S3Bucket) List(ctx context.Context, prefix, after string, visit func(Object)) error {
	in := &s3.ListObjectsV2Input{Bucket: &b.Name, Prefix: &prefix}
	if after != "" {
		in.StartAfter = &after
	}
	pages := s3.NewListObjectsV2Paginator(b.Client, in)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("listing s3://%s/%s: %w", b.Name, prefix, err)
		}
		for _, object := range page.Contents {
			visit(Object{Key: aws.ToString(object.Key), Size: aws.ToInt64(object.Size), written: aws.ToTime(object.LastModified)})
		}
	}
	return nil
}
