package bucket_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/resolverwatch/resolverwatch/internal/localaws/s3"
	"github.com/resolverwatch/resolverwatch/pkg/awsio/bucket"
	"github.com/resolverwatch/resolverwatch/pkg/storage"
	"github.com/resolverwatch/resolverwatch/test/localclient"
)

// replace writes an object that must still have an ETag.
func replace(t *testing.T, o *bucket.Output, key, etag, text string) (newETag string, err error) {
	t.Helper()
	return o.Replace(t.Context(), key, etag, strings.NewReader(text))
}

// An object is created only if there is none, and replaced only if it is the one that was read.
func TestOutput_Replace(t *testing.T) {
	t.Parallel()
	o := bucket.NewOutput(localclient.S3(t, s3.Config{}), localclient.Unversioned)
	first, err := replace(t, o, "dns/a.gz", "", "1")
	if err != nil {
		t.Fatal(err)
	}
	second, err := replace(t, o, "dns/a.gz", first, "2")
	if err != nil || second == first {
		t.Fatalf("ETag %s after %s, error %v", second, first, err)
	}
	for name, etag := range map[string]string{"there is one": "", "it was replaced": first} {
		if _, err := replace(t, o, "dns/a.gz", etag, "3"); !errors.Is(err, storage.ErrConflict) {
			t.Errorf("%s: error %v", name, err)
		}
	}
	if _, err := replace(t, o, "dns/gone.gz", first, "3"); !errors.Is(err, storage.ErrConflict) {
		t.Errorf("it is gone: error %v", err)
	}
	var found []storage.Object
	err = o.List(t.Context(), "dns/", func(object storage.Object) error { found = append(found, object); return nil })
	if err != nil || len(found) != 1 || found[0].Key != "dns/a.gz" || found[0].ETag != second || found[0].Size != 1 || found[0].LastModified.IsZero() {
		t.Errorf("listed %+v, error %v", found, err)
	}
}

// Only the object that was listed is opened.
func TestOutput_Open(t *testing.T) {
	t.Parallel()
	o := bucket.NewOutput(localclient.S3(t, s3.Config{}), localclient.Unversioned)
	etag, err := replace(t, o, "dns/a.json", "", "text")
	if err != nil {
		t.Fatal(err)
	}
	body, err := o.Open(t.Context(), "dns/a.json", etag)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(body)
	if diff := cmp.Diff([]byte("text"), bytes.TrimSpace(text)); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if err := body.Close(); err != nil {
		t.Error(err)
	}
	for key, etag := range map[string]string{"dns/a.json": `"0123"`, "dns/gone.json": etag} {
		if _, err := o.Open(t.Context(), key, etag); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("%s: error %v", key, err)
		}
	}
}
