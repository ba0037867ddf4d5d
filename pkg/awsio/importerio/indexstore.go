package importerio

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/resolverwatch/resolverwatch/pkg/awsio"
	"github.com/resolverwatch/resolverwatch/pkg/importer"
	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/storage"
)

// IndexStore is the index bucket as the importer uses it: [index.Pointer],
// [importer.Indexes] and [importer.Indicators].
type IndexStore struct{ bucket awsio.Bucket }

// NewIndexStore returns the index bucket of that name.
func NewIndexStore(client *s3.Client, name string) *IndexStore {
	return &IndexStore{awsio.Bucket{Client: client, Name: name}}
}

// Current returns the pointer and its etag.
func (s *IndexStore) Current(ctx context.Context) (index.Current, string, error) {
	current, etag, err := s.bucket.Current(ctx, "")
	if errors.Is(err, awsio.ErrNotFound) {
		return current, "", storage.ErrNotFound
	}
	return current, etag, err
}

// SwapCurrent replaces the pointer that etag names.
func (s *IndexStore) SwapCurrent(ctx context.Context, next index.Current, etag string) error {
	text, err := next.Encode()
	if err != nil {
		return fmt.Errorf("encoding the pointer: %w", err)
	}
	in := s3.PutObjectInput{Key: aws.String(index.CurrentKey), ContentType: aws.String("application/json")}
	if etag == "" {
		in.IfNoneMatch = aws.String("*")
	} else {
		in.IfMatch = &etag
	}
	if err := s.bucket.Put(ctx, in, text); !errors.Is(err, awsio.ErrCondition) {
		return err
	}
	return storage.ErrConflict
}

// maxIndexBytes bounds an index object that is read; no transformer loads one as large.
const maxIndexBytes = 4 << 30

// Object returns an index object.
func (s *IndexStore) Object(ctx context.Context, key string) ([]byte, error) {
	out, err := s.bucket.Get(ctx, s3.GetObjectInput{Key: &key})
	if errors.Is(err, awsio.ErrNotFound) {
		return nil, storage.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	data, err := awsio.ReadAll(out, maxIndexBytes)
	if err != nil {
		return nil, fmt.Errorf("reading s3://%s/%s: %w", s.bucket.Name, key, err)
	}
	return data, nil
}

// Create writes an index or a manifest.
func (s *IndexStore) Create(ctx context.Context, key string, body []byte) error {
	contentType := "application/octet-stream"
	if strings.HasSuffix(key, ".json") {
		contentType = "application/json"
	}
	err := s.bucket.Create(ctx, key, contentType, body)
	if errors.Is(err, awsio.ErrCondition) {
		return storage.ErrExists
	}
	return err
}

// Manifest returns what was published as a generation.
func (s *IndexStore) Manifest(ctx context.Context, generation uint64) (index.Current, error) {
	manifest, err := s.bucket.Manifest(ctx, generation)
	if errors.Is(err, awsio.ErrNotFound) {
		return manifest, storage.ErrNotFound
	}
	return manifest, err
}

// Indexes returns all index objects.
func (s *IndexStore) Indexes(ctx context.Context) ([]importer.StoredIndex, error) {
	var stored []importer.StoredIndex
	pages := s3.NewListObjectsV2Paginator(s.bucket.Client, &s3.ListObjectsV2Input{
		Bucket: &s.bucket.Name, Prefix: aws.String(index.Prefix),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, awsio.Explain(err, "listing s3://%s/%s", s.bucket.Name, index.Prefix)
		}
		for _, object := range page.Contents {
			if _, _, ok := index.ParseObjectKey(aws.ToString(object.Key)); ok {
				stored = append(stored, importer.StoredIndex{
					Key:          aws.ToString(object.Key),
					Size:         aws.ToInt64(object.Size),
					LastModified: aws.ToTime(object.LastModified),
				})
			}
		}
	}
	return stored, nil
}

// Delete removes an index object.
func (s *IndexStore) Delete(ctx context.Context, key string) error { return s.bucket.Delete(ctx, key) }
