package importerio_test

import (
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
	"github.com/resolverwatch/resolverwatch/pkg/awsio/importerio"
	"github.com/resolverwatch/resolverwatch/pkg/importer"
	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/list"
	"github.com/resolverwatch/resolverwatch/pkg/storage"
	"github.com/resolverwatch/resolverwatch/pkg/table"
)

// The adapters satisfy the ports.
var (
	_ importer.Lists    = (*importerio.Lists)(nil)
	_ importer.Archive  = (*importerio.Lists)(nil)
	_ importer.Indexes  = (*importerio.IndexStore)(nil)
	_ index.Pointer     = (*importerio.IndexStore)(nil)
	_ table.FeedRows    = (*importerio.Table)(nil)
	_ table.Entries     = (*importerio.Table)(nil)
	_ importer.Settings = (*importerio.Parameters)(nil)
)

func upload(t *testing.T, client *s3.Client, bucket, key, body string) {
	t.Helper()
	_, err := client.PutObject(context.Background(), &s3.PutObjectInput{
		Bucket: &bucket, Key: &key, Body: strings.NewReader(body),
		Metadata: map[string]string{list.ForceKey: "because"}, Tagging: aws.String("team=dns"),
	})
	if err != nil {
		t.Fatal(err)
	}
}

func readBody(t *testing.T, body io.ReadCloser, err error) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	text, err := io.ReadAll(body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestLists_versions(t *testing.T) {
	t.Parallel()
	client := localS3(t, locals3.Config{})
	for _, tc := range []struct {
		bucket  string
		wantOld bool // the version before can still be read
	}{
		{versioned, true},
		{unversioned, false},
	} {
		t.Run(tc.bucket, func(t *testing.T) {
			t.Parallel()
			ctx, lists := context.Background(), importerio.NewLists(client, tc.bucket)
			const key = "feeds/f/a list+with odd%20signs.txt"
			upload(t, client, tc.bucket, key, "old.example")
			before, err := lists.Head(ctx, key)
			if err != nil {
				t.Fatal(err)
			}
			upload(t, client, tc.bucket, key, "new.example")
			now, err := lists.Head(ctx, key)
			if err != nil {
				t.Fatal(err)
			}
			if before.Version == now.Version || now.Version == "" || now.Size != 11 ||
				now.Metadata[list.ForceKey] != "because" || time.Since(now.LastModified) > time.Hour {
				t.Errorf("before %+v, now %+v", before, now)
			}
			body, err := lists.Open(ctx, key, now.Version)
			if got := readBody(t, body, err); got != "new.example" {
				t.Errorf("the new version is %q", got)
			}
			body, err = lists.Open(ctx, key, before.Version)
			if tc.wantOld {
				if got := readBody(t, body, err); got != "old.example" {
					t.Errorf("the old version is %q", got)
				}
			} else if !errors.Is(err, storage.ErrNotFound) {
				t.Errorf("the old version: %v, want not found", err)
			}
			tags, err := lists.Tags(ctx, key, now.Version)
			if diff := cmp.Diff(map[string]string{"team": "dns"}, tags); diff != "" || err != nil {
				t.Errorf("tags: %v %s", err, diff)
			}
		})
	}
}

func TestLists_listAndMissing(t *testing.T) {
	t.Parallel()
	ctx, client := context.Background(), localS3(t, locals3.Config{})
	lists := importerio.NewLists(client, versioned)
	for _, key := range []string{"feeds/f/1.txt", "feeds/f/2.txt", "feeds/ff/3.txt", "feeds/f/gone.txt"} {
		upload(t, client, versioned, key, "x")
	}
	if _, err := client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: aws.String(versioned), Key: aws.String("feeds/f/gone.txt")}); err != nil {
		t.Fatal(err)
	}
	objects, err := lists.List(ctx, "feeds/f/")
	if err != nil || len(objects) != 2 || objects[0].Key != "feeds/f/1.txt" || objects[0].LastModified.IsZero() {
		t.Errorf("listed %+v, %v", objects, err)
	}
	if _, err := lists.Head(ctx, "feeds/f/gone.txt"); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("Head of a deleted object: %v", err)
	}
	if _, err := lists.Open(ctx, "feeds/f/1.txt", "no-such-version"); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("Open of no version: %v", err)
	}
	if _, err := lists.Read(ctx, "accepted/f/none"); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("Read of a missing object: %v", err)
	}
}

func TestLists_createOnceReplaceOften(t *testing.T) {
	t.Parallel()
	ctx, lists := context.Background(), importerio.NewLists(localS3(t, locals3.Config{}), versioned)
	if err := lists.Create(ctx, "accepted/f/v1", []byte("one")); err != nil {
		t.Fatal(err)
	}
	if err := lists.Create(ctx, "accepted/f/v1", []byte("two")); !errors.Is(err, storage.ErrExists) {
		t.Errorf("second Create: %v, want exists", err)
	}
	body, err := lists.Read(ctx, "accepted/f/v1")
	if got := readBody(t, body, err); got != "one" {
		t.Errorf("read %q", got)
	}
	for range 2 {
		if err := lists.Replace(ctx, "reports/f/v1.txt", "text/plain", []byte("report")); err != nil {
			t.Error(err)
		}
	}
}

// pointer returns a valid pointer to some generation.
func pointer(generation uint64) index.Current {
	hash := strings.Repeat("a", 32)
	return index.Current{
		Generation: generation, Highest: generation, Object: index.ObjectKey(generation, hash), Hash: hash,
		ContentHash: strings.Repeat("b", 64), RenewedAt: time.Unix(1_800_000_000, 0).UTC(),
		Feeds: []index.CurrentFeed{{ID: "f", VersionID: "v1", Count: 1}},
	}
}

func TestIndexStore_swap(t *testing.T) {
	t.Parallel()
	ctx, store := context.Background(), importerio.NewIndexStore(localS3(t, locals3.Config{}), indexBucket)
	if _, _, err := store.Current(ctx); !errors.Is(err, storage.ErrNotFound) {
		t.Fatalf("no pointer yet: %v", err)
	}
	if err := store.SwapCurrent(ctx, pointer(1), `"0123"`); !errors.Is(err, storage.ErrConflict) {
		t.Errorf("swap of a missing pointer: %v, want a conflict", err)
	}
	if err := store.SwapCurrent(ctx, pointer(1), ""); err != nil {
		t.Fatal(err)
	}
	if err := store.SwapCurrent(ctx, pointer(2), ""); !errors.Is(err, storage.ErrConflict) {
		t.Errorf("a second first pointer: %v, want a conflict", err)
	}
	current, etag, err := store.Current(ctx)
	if diff := cmp.Diff(pointer(1), current); diff != "" || err != nil {
		t.Fatalf("%v %s", err, diff)
	}
	if err := store.SwapCurrent(ctx, pointer(2), etag); err != nil {
		t.Fatal(err)
	}
	if err := store.SwapCurrent(ctx, pointer(3), etag); !errors.Is(err, storage.ErrConflict) {
		t.Errorf("swap by an old etag: %v, want a conflict", err)
	}
	if err := store.SwapCurrent(ctx, index.Current{}, etag); !errors.Is(err, index.ErrCurrent) {
		t.Errorf("swap to no pointer: %v", err)
	}
}

// Nothing is published over a pointer that somebody damaged: who did it may have meant
// something by it. The error says what to do.
func TestIndexStore_damagedPointer(t *testing.T) {
	t.Parallel()
	ctx, client := context.Background(), localS3(t, locals3.Config{})
	upload(t, client, indexBucket, index.CurrentKey, `{"generation":7`)
	_, _, err := importerio.NewIndexStore(client, indexBucket).Current(ctx)
	if !errors.Is(err, index.ErrCurrent) || !strings.Contains(err.Error(), "delete it: the next publish writes it anew") {
		t.Errorf("error %v", err)
	}
}

func TestIndexStore_swap_race(t *testing.T) {
	t.Parallel()
	ctx, store := context.Background(), importerio.NewIndexStore(localS3(t, locals3.Config{}), indexBucket)
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

// S3 answers 409 to one of two conditional writes that meet, whoever wins.
func TestIndexStore_meetingWrites(t *testing.T) {
	t.Parallel()
	conflicts := 3
	client := localS3(t, locals3.Config{Fault: func(r locals3.Request) *locals3.Fault {
		if r.Key == index.CurrentKey && r.Method == "PUT" && conflicts > 0 {
			conflicts--
			return locals3.Conflict()
		}
		return nil
	}})
	store := importerio.NewIndexStore(client, indexBucket)
	if err := store.SwapCurrent(context.Background(), pointer(1), ""); err != nil || conflicts != 0 {
		t.Errorf("%v with %d conflicts left", err, conflicts)
	}
}

func TestIndexStore_objects(t *testing.T) {
	t.Parallel()
	ctx, store := context.Background(), importerio.NewIndexStore(localS3(t, locals3.Config{}), indexBucket)
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
	for range 2 { // what is gone already is gone
		if err := store.Delete(ctx, object); err != nil {
			t.Error(err)
		}
	}
	if stored, err := store.Indexes(ctx); err != nil || len(stored) != 0 {
		t.Errorf("stored %+v, %v after the deletion", stored, err)
	}
}

func TestIndexStore_denied(t *testing.T) {
	t.Parallel()
	allowed := true
	client := localS3(t, locals3.Config{Fault: func(locals3.Request) *locals3.Fault {
		if allowed {
			return nil
		}
		return &locals3.Fault{Status: 403, Code: "AccessDenied", Message: "no"}
	}})
	allowed = false
	_, _, err := importerio.NewIndexStore(client, indexBucket).Current(context.Background())
	if err == nil || errors.Is(err, storage.ErrNotFound) || !strings.Contains(err.Error(), "does the role allow it") {
		t.Errorf("error %v, want one that says what to look at", err)
	}
}
