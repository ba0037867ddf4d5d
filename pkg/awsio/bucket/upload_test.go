package bucket_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	locals3 "github.com/resolverwatch/resolverwatch/internal/localaws/s3"
	"github.com/resolverwatch/resolverwatch/pkg/awsio"
	"github.com/resolverwatch/resolverwatch/pkg/awsio/bucket"
	"github.com/resolverwatch/resolverwatch/pkg/backfill"
	"github.com/resolverwatch/resolverwatch/pkg/marker"
	"github.com/resolverwatch/resolverwatch/pkg/storage"
	"github.com/resolverwatch/resolverwatch/test/localclient"
)

var (
	_ marker.Output      = (*bucket.Marked)(nil)
	_ marker.Logs        = (*bucket.Logs)(nil)
	_ backfill.Lister    = (*bucket.Listing)(nil)
	_ backfill.Manifests = (*bucket.Listing)(nil)
)

// text returns bytes that differ at each place.
func text(size int) []byte {
	var out bytes.Buffer
	for i := 0; out.Len() < size; i++ {
		fmt.Fprintln(&out, i)
	}
	return out.Bytes()[:size]
}

func read(t *testing.T, client *s3.Client, key string) []byte {
	t.Helper()
	out, err := client.GetObject(context.Background(), &s3.GetObjectInput{Bucket: aws.String(localclient.IndexBucket), Key: &key})
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(out.Body)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func checkNoUploads(t *testing.T, client *s3.Client) {
	t.Helper()
	open, err := client.ListMultipartUploads(context.Background(), &s3.ListMultipartUploadsInput{Bucket: aws.String(localclient.IndexBucket)})
	if awsio.StatusOf(err) == http.StatusNotFound { // what the local S3 answers if there are none
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if len(open.Uploads) > 0 {
		t.Errorf("%d uploads are open", len(open.Uploads))
	}
}

// An object is written once, whatever its size, and the second writer learns that it exists.
func TestMarked_Begin(t *testing.T) {
	t.Parallel()
	const part = 8 << 20
	for _, size := range []int{0, 1, part - 1, part, part + 1, 2*part + 7} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			t.Parallel()
			ctx, client := t.Context(), localclient.S3(t, locals3.Config{})
			output, key := bucket.NewMarked(client, localclient.IndexBucket), "marked/a.json.gz"
			if exists, err := output.Exists(ctx, key); exists || err != nil {
				t.Errorf("exists is %v before, error %v", exists, err)
			}
			want := text(size)
			for try, wantErr := range []error{nil, storage.ErrExists} {
				u := output.Begin(ctx, key)
				for piece := range slices.Chunk(want, 1<<20) {
					if _, err := u.Write(piece); err != nil {
						t.Fatal(err)
					}
				}
				if err := u.Complete(ctx); !errors.Is(err, wantErr) {
					t.Errorf("try %d: error %v, want %v", try, err, wantErr)
				}
				if err := u.Abort(ctx); err != nil {
					t.Error(err)
				}
				want = append(want[:0:0], want...)
			}
			if got := read(t, client, key); !bytes.Equal(got, want) {
				t.Errorf("got %d bytes, want %d", len(got), len(want))
			}
			if exists, err := output.Exists(ctx, key); !exists || err != nil {
				t.Errorf("exists is %v after, error %v", exists, err)
			}
			checkNoUploads(t, client)
		})
	}
}

// An upload that is aborted leaves neither an object nor parts.
func TestMarked_Begin_aborted(t *testing.T) {
	t.Parallel()
	ctx, client := t.Context(), localclient.S3(t, locals3.Config{})
	u := bucket.NewMarked(client, localclient.IndexBucket).Begin(ctx, "a.json")
	if _, err := u.Write(text(9 << 20)); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(u.Abort(ctx), u.Abort(ctx)); err != nil {
		t.Error(err)
	}
	checkNoUploads(t, client)
	listed, err := client.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: aws.String(localclient.IndexBucket)})
	if err != nil || len(listed.Contents) > 0 {
		t.Errorf("%d objects, error %v", len(listed.Contents), err)
	}
}

// cutting is a transport that cuts the bodies of downloads after some bytes.
type cutting struct {
	cuts   int // that are left
	ranges []string
}

func (c *cutting) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil || r.Method != http.MethodGet {
		return response, err
	}
	c.ranges = append(c.ranges, r.Header.Get("Range"))
	if c.cuts > 0 {
		c.cuts--
		response.Body = &cutBody{response.Body, 1000}
	}
	return response, nil
}

type cutBody struct {
	io.ReadCloser
	left int
}

func (b *cutBody) Read(p []byte) (int, error) {
	if b.left == 0 {
		return 0, io.ErrUnexpectedEOF
	}
	n, err := b.ReadCloser.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}

// A download that breaks goes on where it ended, a few times.
func TestLogs_Open(t *testing.T) {
	t.Parallel()
	ctx, client := t.Context(), localclient.S3(t, locals3.Config{})
	want := text(10_000)
	out, err := client.PutObject(ctx, &s3.PutObjectInput{
		Bucket: aws.String(localclient.IndexBucket), Key: aws.String("a.log.gz"), Body: bytes.NewReader(want)})
	if err != nil {
		t.Fatal(err)
	}
	object := marker.Object{Bucket: localclient.IndexBucket, Key: "a.log.gz", ETag: strings.Trim(*out.ETag, `"`)}
	for _, tt := range []struct {
		cuts int
		ok   bool
	}{{0, true}, {3, true}, {5, true}, {6, false}} {
		transport := &cutting{cuts: tt.cuts}
		logs := bucket.NewLogs(s3.New(client.Options(), func(o *s3.Options) { o.HTTPClient = &http.Client{Transport: transport} }))
		body, err := logs.Open(ctx, &object)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(body)
		if (err == nil) != tt.ok || tt.ok && !bytes.Equal(got, want) {
			t.Errorf("%d cuts: got %d bytes and error %v", tt.cuts, len(got), err)
		}
		if tt.cuts == 3 && !slices.Equal(transport.ranges, []string{"", "bytes=1000-", "bytes=2000-", "bytes=3000-"}) {
			t.Errorf("requested %q", transport.ranges)
		}
		if err := body.Close(); err != nil {
			t.Error(err)
		}
	}
	gone := object
	gone.ETag = "0123"
	for name, o := range map[string]marker.Object{
		"another version": gone, "no object": {Bucket: localclient.IndexBucket, Key: "b", ETag: "e"},
	} {
		if _, err := bucket.NewLogs(client).Open(ctx, &o); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func TestListing(t *testing.T) {
	t.Parallel()
	ctx, client := t.Context(), localclient.S3(t, locals3.Config{})
	listing := bucket.NewListing(client, localclient.IndexBucket)
	for i := range 1003 {
		if err := listing.Write(ctx, fmt.Sprintf("logs/%d/%04d", i%2, i), []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	folders, err := listing.Folders(ctx, "logs/")
	if err != nil || !slices.Equal(folders, []string{"logs/0/", "logs/1/"}) {
		t.Errorf("folders %q, error %v", folders, err)
	}
	var keys []string
	each := func(o marker.Object) error { keys = append(keys, o.Key+o.ETag[:1]+fmt.Sprint(o.Size)); return nil }
	if err := listing.Objects(ctx, "logs/1/", "logs/1/0993", each); err != nil {
		t.Fatal(err)
	}
	if want := []string{`logs/1/0995"1`, `logs/1/0997"1`, `logs/1/0999"1`, `logs/1/1001"1`}; !slices.Equal(keys, want) {
		t.Errorf("objects %q, want %q", keys, want)
	}
	if keys = nil; listing.Objects(ctx, "logs/", "", each) != nil || len(keys) != 1003 {
		t.Errorf("%d objects of all pages", len(keys))
	}
	enough := errors.New("enough")
	if err := listing.Objects(ctx, "logs/", "", func(marker.Object) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("error %v", err)
	}
}
