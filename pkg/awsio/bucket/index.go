package bucket

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/resolverwatch/resolverwatch/pkg/catalog"
	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/loader"
	"github.com/resolverwatch/resolverwatch/pkg/storage"
)

const (
	// maxCurrentBytes bounds the pointer object. [index.DecodeCurrent] has its own bound.
	maxCurrentBytes = 2 << 20
	// maxIndexBytes bounds the index objects that the importer and operators read. No
	// transformer loads one of this size.
	maxIndexBytes = 4 << 30
	// generationMetadata is the metadata that holds the generation of the published
	// indicators.
	generationMetadata = "generation"
)

// Index is the index bucket for programs that publish. It implements [index.Pointer] and the
// ports Indexes and Indicators of package importer.
type Index struct{ bucket Bucket }

// NewIndex returns the index bucket with this name.
func NewIndex(client *s3.Client, name string) *Index {
	return &Index{Bucket{Client: client, Name: name}}
}

// Current returns the pointer and its ETag.
func (i *Index) Current(ctx context.Context) (index.Current, string, error) {
	return i.bucket.current(ctx, "")
}

// SwapCurrent replaces the pointer that has this ETag.
func (i *Index) SwapCurrent(ctx context.Context, next index.Current, etag string) error {
	text, err := next.Encode()
	if err != nil {
		return fmt.Errorf("encoding the pointer: %w", err)
	}
	in := s3.PutObjectInput{Key: aws.String(index.CurrentKey), ContentType: aws.String("application/json")}
	return i.bucket.swap(ctx, in, etag, text)
}

// Object returns an index object.
func (i *Index) Object(ctx context.Context, key string) ([]byte, error) {
	data, _, err := i.bucket.readObject(ctx, s3.GetObjectInput{Key: &key}, maxIndexBytes)
	return data, err
}

// Create writes an index or a manifest.
func (i *Index) Create(ctx context.Context, key string, body []byte) error {
	contentType := "application/octet-stream"
	if strings.HasSuffix(key, ".json") {
		contentType = "application/json"
	}
	return i.bucket.Create(ctx, key, contentType, body)
}

// Manifest returns the pointer as it was when a generation was published.
func (i *Index) Manifest(ctx context.Context, generation uint64) (index.Current, error) {
	key := index.ManifestKey(generation)
	manifest, _, err := i.bucket.pointer(ctx, s3.GetObjectInput{Key: &key})
	return manifest, err
}

// Indexes returns all index objects.
func (i *Index) Indexes(ctx context.Context) ([]storage.Object, error) {
	objects, err := i.bucket.list(ctx, index.Prefix)
	return slices.DeleteFunc(objects, func(object storage.Object) bool {
		_, _, ok := index.ParseObjectKey(object.Key)
		return !ok
	}), err
}

// Delete removes an index object.
func (i *Index) Delete(ctx context.Context, key string) error { return i.bucket.delete(ctx, key) }

// Indicators returns the generation and the ETag of the published indicators. An object
// without a generation, such as one that a user uploaded, has generation 0.
func (i *Index) Indicators(ctx context.Context) (generation uint64, etag string, err error) {
	out, err := i.bucket.head(ctx, catalog.IndicatorKey)
	if err != nil {
		return 0, "", err
	}
	generation, err = strconv.ParseUint(out.Metadata[generationMetadata], 10, 64)
	if err != nil {
		generation = 0
	}
	return generation, aws.ToString(out.ETag), nil
}

// SwapIndicators replaces the published indicators that have this ETag.
func (i *Index) SwapIndicators(ctx context.Context, generation uint64, etag string, body []byte) error {
	// Without Content-Encoding, because a client would then decompress the object, and
	// Athena's reader, which goes by the suffix of the key, would no longer find gzip.
	in := s3.PutObjectInput{
		Key:         aws.String(catalog.IndicatorKey),
		ContentType: aws.String("application/gzip"),
		Metadata:    map[string]string{generationMetadata: strconv.FormatUint(generation, 10)},
	}
	return i.bucket.swap(ctx, in, etag, body)
}

// IndexReader is the index bucket for programs that only load indexes. It implements
// [loader.Store].
type IndexReader struct {
	bucket   Bucket
	maxBytes int64
}

// NewIndexReader returns the index bucket with this name. It does not read an index of more
// than maxBytes, because the function would run out of memory.
func NewIndexReader(client *s3.Client, name string, maxBytes int) *IndexReader {
	return &IndexReader{Bucket{Client: client, Name: name}, int64(maxBytes)}
}

// Current returns the pointer and its ETag. It returns [loader.ErrNotModified] if the
// pointer still has etag, and [loader.ErrNoIndex] if there is no pointer.
func (r *IndexReader) Current(ctx context.Context, etag string) (index.Current, string, error) {
	current, newETag, err := r.bucket.current(ctx, etag)
	switch {
	case errors.Is(err, errNotModified):
		err = loader.ErrNotModified
	case errors.Is(err, storage.ErrNotFound):
		err = loader.ErrNoIndex
	}
	return current, newETag, err
}

// Object returns an index object.
func (r *IndexReader) Object(ctx context.Context, key string) ([]byte, error) {
	data, _, err := r.bucket.readObject(ctx, s3.GetObjectInput{Key: &key}, r.maxBytes)
	if errors.Is(err, storage.ErrNotFound) {
		return nil, fmt.Errorf("reading s3://%s/%s: %w", r.bucket.Name, key, err)
	}
	return data, err
}

// current reads the pointer and its ETag. It returns [storage.ErrNotFound] if there is no
// pointer, and errNotModified if the pointer still has etag.
func (b *Bucket) current(ctx context.Context, etag string) (index.Current, string, error) {
	in := s3.GetObjectInput{Key: aws.String(index.CurrentKey)}
	if etag != "" {
		in.IfNoneMatch = &etag
	}

	current, newETag, err := b.pointer(ctx, in)
	if errors.Is(err, index.ErrCurrent) {
		err = fmt.Errorf("%w; 'resolverwatch publish' corrects numbers and times that are out of range; "+
			"otherwise restore an earlier version of the object, or delete it: "+
			"the next publish then writes a new pointer from the newest lists", err)
	}
	return current, newETag, err
}

// pointer reads an object that holds a pointer: CURRENT or a manifest.
func (b *Bucket) pointer(ctx context.Context, in s3.GetObjectInput) (current index.Current, etag string, err error) {
	data, etag, err := b.readObject(ctx, in, maxCurrentBytes)
	if err != nil {
		return current, "", err
	}
	if current, err = index.DecodeCurrent(data); err != nil {
		return current, etag, fmt.Errorf("reading s3://%s/%s: %w", b.Name, *in.Key, err)
	}
	return current, etag, nil
}
