package importerio

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/resolverwatch/resolverwatch/pkg/awsio"
	"github.com/resolverwatch/resolverwatch/pkg/catalog"
	"github.com/resolverwatch/resolverwatch/pkg/storage"
)

// generationMetadata is the metadata of the object of published indicators that says
// which generation it has.
const generationMetadata = "generation"

// Indicators returns the generation of the object of published indicators, and its etag.
// One that says none, as somebody's own would, has the generation 0.
func (s *IndexStore) Indicators(ctx context.Context) (generation uint64, etag string, err error) {
	out, err := s.bucket.Client.HeadObject(ctx, &s3.HeadObjectInput{
		Bucket: &s.bucket.Name, Key: aws.String(catalog.IndicatorKey)})
	if awsio.StatusOf(err) == http.StatusNotFound {
		return 0, "", storage.ErrNotFound
	}
	if err != nil {
		return 0, "", awsio.Explain(err, "looking at s3://%s/%s", s.bucket.Name, catalog.IndicatorKey)
	}
	generation, err = strconv.ParseUint(out.Metadata[generationMetadata], 10, 64)
	if err != nil {
		generation = 0
	}
	return generation, aws.ToString(out.ETag), nil
}

// SwapIndicators replaces the object that etag names.
func (s *IndexStore) SwapIndicators(ctx context.Context, generation uint64, etag string, body []byte) error {
	// Without a content encoding: a client that undoes it would hand Athena's reader,
	// which goes by the key's ending, what is no gzip any more.
	in := s3.PutObjectInput{
		Key: aws.String(catalog.IndicatorKey), ContentType: aws.String("application/gzip"),
		Metadata: map[string]string{generationMetadata: strconv.FormatUint(generation, 10)},
	}
	if etag == "" {
		in.IfNoneMatch = aws.String("*")
	} else {
		in.IfMatch = &etag
	}
	if err := s.bucket.Put(ctx, in, body); !errors.Is(err, awsio.ErrCondition) {
		return err
	}
	return storage.ErrConflict
}
