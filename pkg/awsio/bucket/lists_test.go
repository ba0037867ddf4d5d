package bucket_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	locals3 "github.com/resolverwatch/resolverwatch/internal/localaws/s3"
	"github.com/resolverwatch/resolverwatch/pkg/awsio/bucket"
	"github.com/resolverwatch/resolverwatch/pkg/importer"
	"github.com/resolverwatch/resolverwatch/pkg/list"
	"github.com/resolverwatch/resolverwatch/pkg/storage"
	"github.com/resolverwatch/resolverwatch/test/localclient"
)

var (
	_ importer.Lists   = (*bucket.Lists)(nil)
	_ importer.Archive = (*bucket.Lists)(nil)
	_ importer.Inbox   = (*bucket.Lists)(nil)
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
	client := localclient.S3(t, locals3.Config{})
	for _, tc := range []struct {
		bucket  string
		wantOld bool // the previous version can still be read
	}{
		{localclient.Versioned, true},
		{localclient.Unversioned, false},
	} {
		t.Run(tc.bucket, func(t *testing.T) {
			t.Parallel()
			ctx, lists := context.Background(), bucket.NewLists(client, tc.bucket)
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
	ctx, client := context.Background(), localclient.S3(t, locals3.Config{})
	lists := bucket.NewLists(client, localclient.Versioned)
	for _, key := range []string{"feeds/f/1.txt", "feeds/f/2.txt", "feeds/ff/3.txt", "feeds/f/gone.txt"} {
		upload(t, client, localclient.Versioned, key, "x")
	}
	if _, err := client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: aws.String(localclient.Versioned), Key: aws.String("feeds/f/gone.txt")}); err != nil {
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
		t.Errorf("Open of a missing version: %v", err)
	}
	if _, err := lists.Read(ctx, "accepted/f/none"); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("Read of a missing object: %v", err)
	}
}

func TestLists_createOnceReplaceOften(t *testing.T) {
	t.Parallel()
	ctx, lists := context.Background(), bucket.NewLists(localclient.S3(t, locals3.Config{}), localclient.Versioned)
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
