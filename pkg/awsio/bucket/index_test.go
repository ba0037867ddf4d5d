package bucket_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	locals3 "github.com/resolverwatch/resolverwatch/internal/localaws/s3"
	"github.com/resolverwatch/resolverwatch/pkg/awsio/bucket"
	"github.com/resolverwatch/resolverwatch/pkg/catalog"
	"github.com/resolverwatch/resolverwatch/pkg/importer"
	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/loader"
	"github.com/resolverwatch/resolverwatch/pkg/storage"
	"github.com/resolverwatch/resolverwatch/test/localclient"
)

var (
	_ importer.Indexes    = (*bucket.Index)(nil)
	_ importer.Indicators = (*bucket.Index)(nil)
	_ index.Pointer       = (*bucket.Index)(nil)
	_ loader.Store        = (*bucket.IndexReader)(nil)
)

// pointer returns a valid pointer to a generation.
func pointer(generation uint64) index.Current {
	hash := strings.Repeat("a", 32)
	return index.Current{
		Generation: generation, Highest: generation, Object: index.ObjectKey(generation, hash), Hash: hash,
		ContentHash: strings.Repeat("b", 64), RenewedAt: time.Unix(1_800_000_000, 0).UTC(),
		Feeds: []index.CurrentFeed{{ID: "f", VersionID: "v1", Count: 1}},
	}
}

func TestIndex_swap(t *testing.T) {
	t.Parallel()
	ctx, store := context.Background(), bucket.NewIndex(localclient.S3(t, locals3.Config{}), localclient.IndexBucket)
	if _, _, err := store.Current(ctx); !errors.Is(err, storage.ErrNotFound) {
		t.Fatalf("Current without a pointer: %v", err)
	}
	if err := store.SwapCurrent(ctx, pointer(1), `"0123"`); !errors.Is(err, storage.ErrConflict) {
		t.Errorf("swap of a missing pointer: %v, want a conflict", err)
	}
	if err := store.SwapCurrent(ctx, pointer(1), ""); err != nil {
		t.Fatal(err)
	}
	if err := store.SwapCurrent(ctx, pointer(2), ""); !errors.Is(err, storage.ErrConflict) {
		t.Errorf("creating the pointer twice: %v, want a conflict", err)
	}
	current, etag, err := store.Current(ctx)
	if diff := cmp.Diff(pointer(1), current); diff != "" || err != nil {
		t.Fatalf("%v %s", err, diff)
	}
	if err := store.SwapCurrent(ctx, pointer(2), etag); err != nil {
		t.Fatal(err)
	}
	if err := store.SwapCurrent(ctx, pointer(3), etag); !errors.Is(err, storage.ErrConflict) {
		t.Errorf("swap with an old ETag: %v, want a conflict", err)
	}
	if err := store.SwapCurrent(ctx, index.Current{}, etag); !errors.Is(err, index.ErrCurrent) {
		t.Errorf("swap to an empty pointer: %v", err)
	}
}

// The importer must not overwrite a damaged pointer, because the damage may have been
// deliberate. The error says what to do.
func TestIndex_damagedPointer(t *testing.T) {
	t.Parallel()
	ctx, client := context.Background(), localclient.S3(t, locals3.Config{})
	upload(t, client, localclient.IndexBucket, index.CurrentKey, `{"generation":7`)
	_, _, err := bucket.NewIndex(client, localclient.IndexBucket).Current(ctx)
	if !errors.Is(err, index.ErrCurrent) || !strings.Contains(err.Error(), "delete it: the next publish") {
		t.Errorf("error %v", err)
	}
}

func TestIndex_swap_race(t *testing.T) {
	t.Parallel()
	ctx, store := context.Background(), bucket.NewIndex(localclient.S3(t, locals3.Config{}), localclient.IndexBucket)
	if err := store.SwapCurrent(ctx, pointer(1), ""); err != nil {
		t.Fatal(err)
	}
	for round := range 10 {
		_, etag, err := store.Current(ctx)
		if err != nil {
			t.Fatal(err)
		}
		var won, lost int
		var mu sync.Mutex
		var group sync.WaitGroup
		for racer := range 8 {
			group.Go(func() {
				err := store.SwapCurrent(ctx, pointer(uint64(10*round+racer+2)), etag)
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil:
					won++
				case errors.Is(err, storage.ErrConflict):
					lost++
				default:
					t.Error(err)
				}
			})
		}
		if group.Wait(); won != 1 || lost != 7 {
			t.Errorf("%d won and %d lost, want 1 and 7", won, lost)
		}
	}
}

// When two conditional writes meet, S3 can answer 409 to either of them.
func TestIndex_meetingWrites(t *testing.T) {
	t.Parallel()
	conflicts := 3
	client := localclient.S3(t, locals3.Config{Fault: func(r locals3.Request) *locals3.Fault {
		if r.Key == index.CurrentKey && r.Method == "PUT" && conflicts > 0 {
			conflicts--
			return locals3.Conflict()
		}
		return nil
	}})
	store := bucket.NewIndex(client, localclient.IndexBucket)
	if err := store.SwapCurrent(context.Background(), pointer(1), ""); err != nil || conflicts != 0 {
		t.Errorf("%v with %d conflicts left", err, conflicts)
	}
}

func TestIndex_objects(t *testing.T) {
	t.Parallel()
	ctx, store := context.Background(), bucket.NewIndex(localclient.S3(t, locals3.Config{}), localclient.IndexBucket)
	object := pointer(7).Object
	for _, key := range []string{object, index.ManifestKey(7)} {
		if err := store.Create(ctx, key, []byte("content")); err != nil {
			t.Fatal(err)
		}
		if err := store.Create(ctx, key, []byte("content")); !errors.Is(err, storage.ErrExists) {
			t.Errorf("second Create: %v, want exists", err)
		}
	}
	stored, err := store.Indexes(ctx)
	if err != nil || len(stored) != 1 || stored[0].Key != object || time.Since(stored[0].LastModified) > time.Hour {
		t.Errorf("stored %+v, %v", stored, err)
	}
	for range 2 { // deleting a missing object succeeds
		if err := store.Delete(ctx, object); err != nil {
			t.Error(err)
		}
	}
	if stored, err := store.Indexes(ctx); err != nil || len(stored) != 0 {
		t.Errorf("stored %+v, %v after Delete", stored, err)
	}
}

func TestIndex_denied(t *testing.T) {
	t.Parallel()
	allowed := true
	client := localclient.S3(t, locals3.Config{Fault: func(locals3.Request) *locals3.Fault {
		if allowed {
			return nil
		}
		return &locals3.Fault{Status: 403, Code: "AccessDenied", Message: "no"}
	}})
	allowed = false
	_, _, err := bucket.NewIndex(client, localclient.IndexBucket).Current(context.Background())
	if err == nil || errors.Is(err, storage.ErrNotFound) || !strings.Contains(err.Error(), "access denied") {
		t.Errorf("error %v, want one that explains the status", err)
	}
}

// A writer must know the stored ETag to replace the indicators.
func TestIndex_indicators(t *testing.T) {
	t.Parallel()
	client, ctx := localclient.S3(t, locals3.Config{}), context.Background()
	store := bucket.NewIndex(client, localclient.IndexBucket)
	if _, _, err := store.Indicators(ctx); !errors.Is(err, storage.ErrNotFound) {
		t.Fatalf("Indicators without an object: %v", err)
	}
	if err := store.SwapIndicators(ctx, 3, "", []byte("three")); err != nil {
		t.Fatal(err)
	}
	if err := store.SwapIndicators(ctx, 4, "", []byte("lost")); !errors.Is(err, storage.ErrConflict) {
		t.Errorf("creating them twice: %v", err)
	}
	generation, etag, err := store.Indicators(ctx)
	if err != nil || generation != 3 {
		t.Fatalf("generation %d, %v", generation, err)
	}
	if err := store.SwapIndicators(ctx, 5, etag, []byte("five")); err != nil {
		t.Fatal(err)
	}
	if err := store.SwapIndicators(ctx, 4, etag, []byte("late")); !errors.Is(err, storage.ErrConflict) {
		t.Errorf("swap with an old ETag: %v", err)
	}
	out, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String(localclient.IndexBucket), Key: aws.String(catalog.IndicatorKey)})
	if err != nil {
		t.Fatal(err)
	}
	if body, err := io.ReadAll(out.Body); err != nil || string(body) != "five" || aws.ToString(out.ContentEncoding) != "" {
		t.Errorf("%q with encoding %q, %v", body, aws.ToString(out.ContentEncoding), err)
	}
}

// An object that a user uploaded is replaced.
func TestIndex_indicatorsOfOthers(t *testing.T) {
	t.Parallel()
	client, ctx := localclient.S3(t, locals3.Config{}), context.Background()
	_, err := client.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String(localclient.IndexBucket), Key: aws.String(catalog.IndicatorKey),
		Body: bytes.NewReader([]byte("?"))})
	if err != nil {
		t.Fatal(err)
	}
	store := bucket.NewIndex(client, localclient.IndexBucket)
	generation, etag, err := store.Indicators(ctx)
	if err != nil || generation != 0 {
		t.Fatalf("generation %d, %v", generation, err)
	}
	if err := store.SwapIndicators(ctx, 1, etag, []byte("one")); err != nil {
		t.Error(err)
	}
}

func put(t *testing.T, client *s3.Client, key, body string) {
	t.Helper()
	_, err := client.PutObject(context.Background(), &s3.PutObjectInput{
		Bucket: aws.String(localclient.IndexBucket), Key: &key, Body: strings.NewReader(body),
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestIndexReader_Current(t *testing.T) {
	t.Parallel()
	ctx, client := context.Background(), localclient.S3(t, locals3.Config{})
	store := bucket.NewIndexReader(client, localclient.IndexBucket, 1<<20)
	if _, _, err := store.Current(ctx, ""); !errors.Is(err, loader.ErrNoIndex) {
		t.Errorf("Current without a pointer: %v", err)
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
	if _, _, err := store.Current(ctx, etag); !errors.Is(err, loader.ErrNotModified) {
		t.Errorf("Current with the same ETag: %v", err)
	}
	put(t, client, index.CurrentKey, strings.Replace(string(text), `"highest": 2`, `"highest": 3`, 1))
	if got, newETag, err := store.Current(ctx, etag); got.Highest != 3 || newETag == etag || err != nil {
		t.Errorf("Current after a change: %+v %q, %v", got, newETag, err)
	}
	put(t, client, index.CurrentKey, "{")
	if _, _, err := store.Current(ctx, etag); !errors.Is(err, index.ErrCurrent) {
		t.Errorf("Current with a broken pointer: %v", err)
	}
}

func TestIndexReader_Object(t *testing.T) {
	t.Parallel()
	ctx, client := context.Background(), localclient.S3(t, locals3.Config{})
	const limit = 100
	store := bucket.NewIndexReader(client, localclient.IndexBucket, limit)
	put(t, client, "index/fits", strings.Repeat("x", limit))
	put(t, client, "index/large", strings.Repeat("x", limit+1))
	if data, err := store.Object(ctx, "index/fits"); len(data) != limit || err != nil {
		t.Errorf("%d bytes, %v", len(data), err)
	}
	if _, err := store.Object(ctx, "index/large"); err == nil || !strings.Contains(err.Error(), "101 bytes, the limit is 100") {
		t.Errorf("Object over the limit: %v", err)
	}
	if _, err := store.Object(ctx, "index/missing"); err == nil || errors.Is(err, loader.ErrNoIndex) {
		t.Errorf("Object that is missing: %v", err)
	}
}
