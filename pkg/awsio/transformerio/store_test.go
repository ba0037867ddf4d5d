package transformerio_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	locals3 "github.com/resolverwatch/resolverwatch/internal/localaws/s3"
	"github.com/resolverwatch/resolverwatch/pkg/awsio"
	"github.com/resolverwatch/resolverwatch/pkg/awsio/transformerio"
	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/transformer"
)

var _ transformer.Store = (*transformerio.Store)(nil)

const bucket = "index"

// local serves an empty index bucket.
func local(t *testing.T) *s3.Client {
	t.Helper()
	server := httptest.NewServer(locals3.New(locals3.Config{}))
	t.Cleanup(server.Close)
	client := awsio.NewS3(aws.Config{
		Region: "us-east-1", BaseEndpoint: &server.URL, Credentials: credentials.NewStaticCredentialsProvider("key", "secret", ""),
	})
	if _, err := client.CreateBucket(context.Background(), &s3.CreateBucketInput{Bucket: aws.String(bucket)}); err != nil {
		t.Fatal(err)
	}
	return client
}

func put(t *testing.T, client *s3.Client, key, body string) {
	t.Helper()
	_, err := client.PutObject(context.Background(), &s3.PutObjectInput{
		Bucket: aws.String(bucket), Key: &key, Body: strings.NewReader(body),
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestStore_Current(t *testing.T) {
	t.Parallel()
	ctx, client := context.Background(), local(t)
	store := transformerio.NewStore(client, bucket, 1<<20)
	if _, _, err := store.Current(ctx, ""); !errors.Is(err, transformer.ErrNoIndex) {
		t.Errorf("no pointer yet: %v", err)
	}
	hash := strings.Repeat("0", 32)
	want := index.Current{
		Generation: 1, Highest: 2, Object: index.ObjectKey(1, hash), Hash: hash, ContentHash: strings.Repeat("1", 64),
		RenewedAt: time.Unix(1_800_000_000, 0).UTC(), Pinned: true, Feeds: []index.CurrentFeed{},
	}
	text, err := want.Encode()
	if err != nil {
		t.Fatal(err)
	}
	put(t, client, index.CurrentKey, string(text))
	got, etag, err := store.Current(ctx, "")
	if diff := cmp.Diff(want, got); diff != "" || err != nil || etag == "" {
		t.Fatalf("etag %q: %v %s", etag, err, diff)
	}
	if _, _, err := store.Current(ctx, etag); !errors.Is(err, transformer.ErrNotModified) {
		t.Errorf("the same pointer: %v", err)
	}
	put(t, client, index.CurrentKey, strings.Replace(string(text), `"highest": 2`, `"highest": 3`, 1))
	if got, newETag, err := store.Current(ctx, etag); got.Highest != 3 || newETag == etag || err != nil {
		t.Errorf("another pointer: %+v %q, %v", got, newETag, err)
	}
	put(t, client, index.CurrentKey, "{")
	if _, _, err := store.Current(ctx, etag); !errors.Is(err, index.ErrCurrent) {
		t.Errorf("a broken pointer: %v", err)
	}
}

func TestStore_Object(t *testing.T) {
	t.Parallel()
	ctx, client := context.Background(), local(t)
	const limit = 100
	store := transformerio.NewStore(client, bucket, limit)
	put(t, client, "index/fits", strings.Repeat("x", limit))
	put(t, client, "index/large", strings.Repeat("x", limit+1))
	if data, err := store.Object(ctx, "index/fits"); len(data) != limit || err != nil {
		t.Errorf("%d bytes, %v", len(data), err)
	}
	if _, err := store.Object(ctx, "index/large"); err == nil || !strings.Contains(err.Error(), "101 bytes, at most 100 are read") {
		t.Errorf("too large: %v", err)
	}
	if _, err := store.Object(ctx, "index/missing"); err == nil || errors.Is(err, transformer.ErrNoIndex) {
		t.Errorf("missing: %v", err)
	}
}
