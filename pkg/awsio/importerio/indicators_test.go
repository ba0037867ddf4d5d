package importerio_test

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	locals3 "github.com/resolverwatch/resolverwatch/internal/localaws/s3"
	"github.com/resolverwatch/resolverwatch/pkg/awsio"
	"github.com/resolverwatch/resolverwatch/pkg/awsio/importerio"
	"github.com/resolverwatch/resolverwatch/pkg/catalog"
	"github.com/resolverwatch/resolverwatch/pkg/importer"
	"github.com/resolverwatch/resolverwatch/pkg/storage"
)

var _ importer.Indicators = (*importerio.IndexStore)(nil)

// Only who knows what is there replaces it.
func TestIndexStore_indicators(t *testing.T) {
	t.Parallel()
	client, ctx := localS3(t, locals3.Config{}), context.Background()
	store := importerio.NewIndexStore(client, indexBucket)
	if _, _, err := store.Indicators(ctx); !errors.Is(err, storage.ErrNotFound) {
		t.Fatalf("nothing there: %v", err)
	}
	if err := store.SwapIndicators(ctx, 3, "", []byte("three")); err != nil {
		t.Fatal(err)
	}
	if err := store.SwapIndicators(ctx, 4, "", []byte("lost")); !errors.Is(err, storage.ErrConflict) {
		t.Errorf("written over: %v", err)
	}
	generation, etag, err := store.Indicators(ctx)
	if err != nil || generation != 3 {
		t.Fatalf("generation %d, %v", generation, err)
	}
	if err := store.SwapIndicators(ctx, 5, etag, []byte("five")); err != nil {
		t.Fatal(err)
	}
	if err := store.SwapIndicators(ctx, 4, etag, []byte("late")); !errors.Is(err, storage.ErrConflict) {
		t.Errorf("a late one: %v", err)
	}
	out, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String(indexBucket), Key: aws.String(catalog.IndicatorKey)})
	if err != nil {
		t.Fatal(err)
	}
	if body, err := awsio.ReadAll(out, 100); err != nil || string(body) != "five" || aws.ToString(out.ContentEncoding) != "" {
		t.Errorf("%q with encoding %q, %v", body, aws.ToString(out.ContentEncoding), err)
	}
}

// An object that somebody else put there is replaced.
func TestIndexStore_indicatorsOfOthers(t *testing.T) {
	t.Parallel()
	client, ctx := localS3(t, locals3.Config{}), context.Background()
	_, err := client.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String(indexBucket), Key: aws.String(catalog.IndicatorKey),
		Body: bytes.NewReader([]byte("?"))})
	if err != nil {
		t.Fatal(err)
	}
	store := importerio.NewIndexStore(client, indexBucket)
	generation, etag, err := store.Indicators(ctx)
	if err != nil || generation != 0 {
		t.Fatalf("generation %d, %v", generation, err)
	}
	if err := store.SwapIndicators(ctx, 1, etag, []byte("one")); err != nil {
		t.Error(err)
	}
}
