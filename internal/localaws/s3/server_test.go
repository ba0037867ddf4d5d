package s3

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/google/go-cmp/cmp"
)

const bucketName = "lists"

// env is a server with one versioned bucket and SDK clients.
type env struct {
	t      *testing.T
	server *Server
	url    string
	*sdk.Client
}

func newEnv(t *testing.T, config Config) *env {
	t.Helper()
	if config.Policies != nil {
		config.Policies["owner"] = FullAccess()
	}
	server := New(config)
	listener := httptest.NewServer(server)
	t.Cleanup(listener.Close)
	e := &env{t: t, server: server, url: listener.URL}
	e.Client = e.as("owner")
	if _, err := e.CreateBucket(t.Context(), &sdk.CreateBucketInput{Bucket: aws.String(bucketName)}); err != nil {
		t.Fatal(err)
	}
	_, err := e.PutBucketVersioning(t.Context(), &sdk.PutBucketVersioningInput{Bucket: aws.String(bucketName),
		VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled}})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// as returns a client that uses this access key.
func (e *env) as(accessKey string) *sdk.Client {
	return sdk.New(sdk.Options{Region: "us-east-1", BaseEndpoint: aws.String(e.url), RetryMaxAttempts: 1,
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenSupported, // the default of config.LoadDefaultConfig
		Credentials:                credentials.NewStaticCredentialsProvider(accessKey, "secret", "")})
}

func (e *env) put(key, body string, conditions ...func(*sdk.PutObjectInput)) (*sdk.PutObjectOutput, error) {
	in := &sdk.PutObjectInput{Bucket: aws.String(bucketName), Key: aws.String(key), Body: strings.NewReader(body)}
	for _, condition := range conditions {
		condition(in)
	}
	return e.PutObject(e.t.Context(), in)
}

func ifMatch(etag *string) func(*sdk.PutObjectInput) {
	return func(in *sdk.PutObjectInput) { in.IfMatch = etag }
}

func ifNoneMatch(in *sdk.PutObjectInput) { in.IfNoneMatch = aws.String("*") }

func (e *env) mustPut(key, body string) *sdk.PutObjectOutput {
	e.t.Helper()
	out, err := e.put(key, body)
	if err != nil {
		e.t.Fatal(err)
	}
	return out
}

func (e *env) get(in sdk.GetObjectInput) (string, error) {
	in.Bucket = aws.String(bucketName)
	out, err := e.GetObject(e.t.Context(), &in)
	if err != nil {
		return "", err
	}
	body, err := io.ReadAll(out.Body)
	return string(body), errors.Join(err, out.Body.Close())
}

// status returns the HTTP status of an SDK error, or 200 for nil.
func status(err error) int {
	var response *smithyhttp.ResponseError
	switch {
	case err == nil:
		return http.StatusOK
	case errors.As(err, &response):
		return response.HTTPStatusCode()
	}
	return 0
}

func TestServer_conditionalPut(t *testing.T) {
	t.Parallel()
	e := newEnv(t, Config{})
	first := e.mustPut("present", "one")
	second := e.mustPut("present", "two")
	e.mustPut("deleted", "x")
	if _, err := e.DeleteObject(t.Context(), &sdk.DeleteObjectInput{Bucket: aws.String(bucketName), Key: aws.String("deleted")}); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name      string
		key       string
		condition func(*sdk.PutObjectInput)
		want      int
	}{
		{"create an existing object", "present", ifNoneMatch, 412},
		{"create a new object", "new", ifNoneMatch, 200},
		{"create a deleted object", "deleted", ifNoneMatch, 200},
		{"replace an older version", "present", ifMatch(first.ETag), 412},
		{"replace the current version", "present", ifMatch(second.ETag), 200},
		{"replace a missing object", "missing", ifMatch(first.ETag), 404},
		{"unsupported condition", "present",
			func(in *sdk.PutObjectInput) { in.IfNoneMatch = first.ETag }, 501},
	}
	for _, test := range tests { // in order, because some change the object
		t.Run(test.name, func(t *testing.T) {
			if _, err := e.put(test.key, "three", test.condition); status(err) != test.want {
				t.Errorf("got %v, want %d", err, test.want)
			}
		})
	}
}

// Only one of many concurrent writers succeeds. Publishing an index relies on this
// compare-and-swap.
func TestServer_conditionalPut_race(t *testing.T) {
	t.Parallel()
	const rounds, writers = 20, 8
	e := newEnv(t, Config{})
	current := e.mustPut("CURRENT", "start").ETag
	for round := range rounds {
		var winners atomic.Int32
		var next atomic.Pointer[string]
		var group sync.WaitGroup
		for writer := range writers {
			group.Go(func() {
				out, err := e.put("CURRENT", fmt.Sprintf("%d by %d", round, writer), ifMatch(current))
				if err == nil {
					winners.Add(1)
					next.Store(out.ETag)
				} else if status(err) != http.StatusPreconditionFailed {
					t.Errorf("a loser got %v, want 412", err)
				}
			})
		}
		group.Wait()
		if winners.Load() != 1 {
			t.Fatalf("round %d has %d winners", round, winners.Load())
		}
		current = next.Load()
	}
}

func TestServer_conditionalGet(t *testing.T) {
	t.Parallel()
	e := newEnv(t, Config{})
	old := e.mustPut("key", "one")
	current := e.mustPut("key", "two")
	tests := []struct {
		name string
		in   sdk.GetObjectInput
		want int
	}{
		{"unchanged", sdk.GetObjectInput{IfNoneMatch: current.ETag}, 304},
		{"changed", sdk.GetObjectInput{IfNoneMatch: old.ETag}, 200},
		{"same ETag", sdk.GetObjectInput{IfMatch: current.ETag}, 200},
		{"other ETag", sdk.GetObjectInput{IfMatch: old.ETag}, 412},
		{"old version with its own ETag", sdk.GetObjectInput{IfMatch: old.ETag, VersionId: old.VersionId}, 200},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.in.Key = aws.String("key")
			if _, err := e.get(test.in); status(err) != test.want {
				t.Errorf("GET: got %v, want %d", err, test.want)
			}
			_, err := e.HeadObject(t.Context(), &sdk.HeadObjectInput{Bucket: aws.String(bucketName), Key: test.in.Key,
				IfMatch: test.in.IfMatch, IfNoneMatch: test.in.IfNoneMatch, VersionId: test.in.VersionId})
			if status(err) != test.want {
				t.Errorf("HEAD: got %v, want %d", err, test.want)
			}
		})
	}
}

func TestServer_versions(t *testing.T) {
	t.Parallel()
	e := newEnv(t, Config{})
	first := e.mustPut("key", "first")
	second := e.mustPut("key", "the second")
	if body, err := e.get(sdk.GetObjectInput{Key: aws.String("key"), VersionId: first.VersionId}); err != nil || body != "first" {
		t.Errorf("old version = %q, %v", body, err)
	}
	head, err := e.HeadObject(t.Context(), &sdk.HeadObjectInput{Bucket: aws.String(bucketName), Key: aws.String("key"), VersionId: first.VersionId})
	if err != nil || *head.ContentLength != 5 || *head.VersionId != *first.VersionId {
		t.Errorf("HEAD of the old version = %+v, %v", head, err)
	}
	remove := func(id *string) {
		_, err := e.DeleteObject(t.Context(), &sdk.DeleteObjectInput{Bucket: aws.String(bucketName), Key: aws.String("key"), VersionId: id})
		if err != nil {
			t.Fatal(err)
		}
	}
	remove(nil)
	if _, err := e.get(sdk.GetObjectInput{Key: aws.String("key")}); status(err) != http.StatusNotFound {
		t.Errorf("after deletion: got %v, want 404", err)
	}
	if body, err := e.get(sdk.GetObjectInput{Key: aws.String("key"), VersionId: second.VersionId}); err != nil || body != "the second" {
		t.Errorf("deleted object's version = %q, %v", body, err)
	}
	list, err := e.ListObjectVersions(t.Context(), &sdk.ListObjectVersionsInput{Bucket: aws.String(bucketName)})
	if err != nil || len(list.Versions) != 2 || len(list.DeleteMarkers) != 1 || *list.Versions[0].VersionId != *second.VersionId {
		t.Fatalf("versions = %+v, %v", list, err)
	}
	remove(list.DeleteMarkers[0].VersionId)
	remove(second.VersionId)
	if body, err := e.get(sdk.GetObjectInput{Key: aws.String("key")}); err != nil || body != "first" {
		t.Errorf("after deleting the newer versions = %q, %v", body, err)
	}
}

func TestServer_objectDetails(t *testing.T) {
	t.Parallel()
	e := newEnv(t, Config{now: func() time.Time { return time.Date(2026, 3, 4, 5, 6, 7, 890e6, time.UTC) }})
	e.put("key", "old", func(in *sdk.PutObjectInput) { in.Metadata = map[string]string{"gone": "yes"} })
	_, err := e.put("key", "0123456789", func(in *sdk.PutObjectInput) {
		in.ContentType, in.ContentEncoding = aws.String("application/octet-stream"), aws.String("gzip")
		in.Metadata = map[string]string{"reason": "because"}
		in.Tagging = aws.String("force=yes&why=a+b")
	})
	if err != nil {
		t.Fatal(err)
	}
	out, err := e.GetObject(t.Context(), &sdk.GetObjectInput{Bucket: aws.String(bucketName), Key: aws.String("key"), Range: aws.String("bytes=2-4")})
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(out.Body)
	if string(body) != "234" || *out.ContentEncoding != "gzip" || *out.ContentRange != "bytes 2-4/10" {
		t.Errorf("got %q, encoding %s, range %s", body, *out.ContentEncoding, *out.ContentRange)
	}
	if diff := cmp.Diff(map[string]string{"reason": "because"}, out.Metadata); diff != "" {
		t.Errorf("metadata: %s", diff)
	}
	if want := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC); !out.LastModified.Equal(want) {
		t.Errorf("modified %v, want whole seconds: %v", out.LastModified, want)
	}
	tags, err := e.GetObjectTagging(t.Context(), &sdk.GetObjectTaggingInput{Bucket: aws.String(bucketName), Key: aws.String("key")})
	if err != nil || len(tags.TagSet) != 2 || *tags.TagSet[1].Value != "a b" {
		t.Errorf("tags = %+v, %v", tags, err)
	}
	_, err = e.PutObjectTagging(t.Context(), &sdk.PutObjectTaggingInput{Bucket: aws.String(bucketName), Key: aws.String("key"),
		Tagging: &types.Tagging{TagSet: []types.Tag{{Key: aws.String("new"), Value: aws.String("one")}}}})
	if err != nil {
		t.Fatal(err)
	}
	if body, _ := e.get(sdk.GetObjectInput{Key: aws.String("key")}); body != "0123456789" {
		t.Errorf("tagging changed the object to %q", body)
	}
}

// A 304 has the ETag and nothing that describes a body.
func TestServer_notModified(t *testing.T) {
	t.Parallel()
	e := newEnv(t, Config{})
	put := e.mustPut("key", "body")
	_, err := e.GetObject(t.Context(), &sdk.GetObjectInput{Bucket: aws.String(bucketName), Key: aws.String("key"), IfNoneMatch: put.ETag})
	var response *smithyhttp.ResponseError
	if !errors.As(err, &response) {
		t.Fatalf("got %v, want 304", err)
	}
	header := response.Response.Header
	if header.Get("ETag") != *put.ETag || header.Get("X-Amz-Checksum-Crc32") != "" || header.Get("Content-Type") != "" {
		t.Errorf("header = %v", header)
	}
}

// A PUT with a wrong checksum is refused, and readers receive the checksum of the object.
func TestServer_checksums(t *testing.T) {
	t.Parallel()
	e := newEnv(t, Config{})
	_, err := e.put("broken", "body", func(in *sdk.PutObjectInput) { in.ChecksumCRC32 = aws.String("AAAAAA==") })
	if status(err) != http.StatusBadRequest {
		t.Errorf("wrong checksum: got %v, want 400", err)
	}
	e.mustPut("whole", "body")
	out, err := e.GetObject(t.Context(), &sdk.GetObjectInput{Bucket: aws.String(bucketName), Key: aws.String("whole"), ChecksumMode: types.ChecksumModeEnabled})
	if err != nil || aws.ToString(out.ChecksumCRC32) == "" {
		t.Errorf("checksum is missing: %+v, %v", out, err)
	}
	if _, err := e.get(sdk.GetObjectInput{Key: aws.String("whole"), Range: aws.String("bytes=1-2"), ChecksumMode: types.ChecksumModeEnabled}); err != nil {
		t.Errorf("part of an object: %v", err)
	}
}

func TestServer_ListObjectsV2(t *testing.T) {
	t.Parallel()
	e := newEnv(t, Config{})
	for _, key := range []string{"a", "f/1", "f/2", "f/3", "g/1", "h", "odd key+%ü"} {
		e.mustPut(key, "x")
	}
	e.DeleteObject(t.Context(), &sdk.DeleteObjectInput{Bucket: aws.String(bucketName), Key: aws.String("h")})
	tests := []struct {
		name string
		in   sdk.ListObjectsV2Input
		want []string
	}{
		{"all", sdk.ListObjectsV2Input{}, []string{"a", "f/1", "f/2", "f/3", "g/1", "odd key+%ü"}},
		{"prefix", sdk.ListObjectsV2Input{Prefix: aws.String("f/")}, []string{"f/1", "f/2", "f/3"}},
		{"folders", sdk.ListObjectsV2Input{Delimiter: aws.String("/")}, []string{"f/", "g/", "a", "odd key+%ü"}},
		{"start", sdk.ListObjectsV2Input{StartAfter: aws.String("f/2")}, []string{"f/3", "g/1", "odd key+%ü"}},
		{"none", sdk.ListObjectsV2Input{Prefix: aws.String("z")}, nil},
	}
	for _, test := range tests {
		for _, size := range []int32{1, 2, 1000} {
			t.Run(fmt.Sprintf("%s in pages of %d", test.name, size), func(t *testing.T) {
				t.Parallel()
				in := test.in
				in.Bucket, in.MaxKeys = aws.String(bucketName), aws.Int32(size)
				var keys, folders []string
				for pages := sdk.NewListObjectsV2Paginator(e.Client, &in); pages.HasMorePages(); {
					page, err := pages.NextPage(t.Context())
					if err != nil {
						t.Fatal(err)
					}
					for _, object := range page.Contents {
						keys = append(keys, *object.Key)
					}
					for _, folder := range page.CommonPrefixes {
						folders = append(folders, *folder.Prefix)
					}
				}
				if diff := cmp.Diff(test.want, append(folders, keys...)); diff != "" {
					t.Error(diff)
				}
			})
		}
	}
}

func TestServer_ListObjectVersions_pages(t *testing.T) {
	t.Parallel()
	e := newEnv(t, Config{})
	want := []string{}
	for _, key := range []string{"a", "b", "c"} {
		var ids []string
		for i := range 3 {
			ids = append([]string{*e.mustPut(key, fmt.Sprint(i)).VersionId}, ids...)
		}
		want = append(want, ids...)
	}
	for size := range int32(4) {
		var got []string
		pages := sdk.NewListObjectVersionsPaginator(e.Client, &sdk.ListObjectVersionsInput{Bucket: aws.String(bucketName), MaxKeys: aws.Int32(size + 1)})
		for pages.HasMorePages() {
			page, err := pages.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, version := range page.Versions {
				got = append(got, *version.VersionId)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("pages of %d: %s", size+1, diff)
		}
	}
}

func TestServer_policies(t *testing.T) {
	t.Parallel()
	e := newEnv(t, Config{Policies: map[string]Policy{
		"lister": {
			{Actions: []string{"s3:GetObject"}, Resources: []string{bucketName + "/index/*"}},
			{Actions: []string{"s3:ListBucket"}, Resources: []string{bucketName}, Prefixes: []string{"index/*"}},
		},
		"reader": {{Actions: []string{"s3:GetObject"}, Resources: []string{bucketName + "/index/*"}}},
	}})
	e.mustPut("index/CURRENT", "{}")
	e.mustPut("secret", "x")
	get := func(who, key string) error {
		_, err := e.as(who).GetObject(t.Context(), &sdk.GetObjectInput{Bucket: aws.String(bucketName), Key: aws.String(key)})
		return err
	}
	list := func(who, prefix string) error {
		_, err := e.as(who).ListObjectsV2(t.Context(), &sdk.ListObjectsV2Input{Bucket: aws.String(bucketName), Prefix: aws.String(prefix)})
		return err
	}
	remove := func(who, key string) error {
		_, err := e.as(who).DeleteObjects(t.Context(), &sdk.DeleteObjectsInput{Bucket: aws.String(bucketName),
			Delete: &types.Delete{Objects: []types.ObjectIdentifier{{Key: aws.String(key)}}}})
		return err
	}
	tests := []struct {
		name string
		err  error
		want int
	}{
		{"present, may read", get("reader", "index/CURRENT"), 200},
		{"missing, may list", get("lister", "index/none"), 404},
		{"missing, may not list", get("reader", "index/none"), 403},
		{"present, may not read", get("lister", "secret"), 403},
		{"listing inside the prefix", list("lister", "index/"), 200},
		{"listing outside the prefix", list("lister", ""), 403},
		{"listing without permission", list("reader", "index/"), 403},
		{"deleting without permission", remove("lister", "index/CURRENT"), 403},
		{"owner deletes", remove("owner", "secret"), 200},
		{"unknown access key", get("stranger", "index/CURRENT"), 403},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if status(test.err) != test.want {
				t.Errorf("got %v, want %d", test.err, test.want)
			}
		})
	}
	if _, err := e.as("reader").PutObject(t.Context(), &sdk.PutObjectInput{Bucket: aws.String(bucketName),
		Key: aws.String("index/CURRENT"), Body: strings.NewReader("mine")}); status(err) != http.StatusForbidden {
		t.Errorf("writing without permission: got %v, want 403", err)
	}
}

// Tags on an upload need a permission of their own, however they are sent.
func TestServer_policies_tags(t *testing.T) {
	t.Parallel()
	e := newEnv(t, Config{Policies: map[string]Policy{
		"uploader": {{Actions: []string{"s3:PutObject", "s3:GetObject"}, Resources: []string{bucketName + "/feeds/*"}}},
		"tagger":   {{Actions: []string{"s3:PutObject", "s3:GetObject", "s3:PutObjectTagging"}, Resources: []string{bucketName + "/feeds/*"}}},
	}})
	bucket, key, tags := aws.String(bucketName), aws.String("feeds/f/list.txt"), aws.String("force=yes")
	e.mustPut(*key, "evil.example")
	for name, send := range map[string]func(s3 *sdk.Client, tags *string) error{
		"upload": func(s3 *sdk.Client, tags *string) error {
			_, err := s3.PutObject(t.Context(), &sdk.PutObjectInput{Bucket: bucket, Key: key, Body: strings.NewReader("x"), Tagging: tags})
			return err
		},
		"copy": func(s3 *sdk.Client, tags *string) error {
			_, err := s3.CopyObject(t.Context(), &sdk.CopyObjectInput{Bucket: bucket, Key: key, Tagging: tags,
				CopySource: aws.String(bucketName + "/" + *key), TaggingDirective: types.TaggingDirectiveReplace})
			return err
		},
		"upload in parts": func(s3 *sdk.Client, tags *string) error {
			_, err := s3.CreateMultipartUpload(t.Context(), &sdk.CreateMultipartUploadInput{Bucket: bucket, Key: key, Tagging: tags})
			return err
		},
	} {
		if err := send(e.as("uploader"), nil); status(err) == http.StatusForbidden {
			t.Errorf("%s without tags: %v", name, err)
		}
		if err := send(e.as("uploader"), tags); status(err) != http.StatusForbidden {
			t.Errorf("%s with tags, without the permission: %v", name, err)
		}
		if err := send(e.as("tagger"), tags); status(err) == http.StatusForbidden {
			t.Errorf("%s with tags and the permission: %v", name, err)
		}
	}
	_, err := e.as("uploader").PutObjectTagging(t.Context(), &sdk.PutObjectTaggingInput{Bucket: bucket, Key: key,
		Tagging: &types.Tagging{TagSet: []types.Tag{{Key: aws.String("force"), Value: aws.String("yes")}}}})
	if status(err) != http.StatusForbidden {
		t.Errorf("tags on an object that exists: %v", err)
	}
}

func TestServer_faults(t *testing.T) {
	t.Parallel()
	var left atomic.Int32
	left.Store(1)
	e := newEnv(t, Config{Fault: func(r Request) *Fault {
		if r.action == "s3:PutObject" && r.Key == "index/CURRENT" && left.Add(-1) >= 0 {
			return Conflict()
		}
		return nil
	}})
	if _, err := e.put("index/CURRENT", "x", ifNoneMatch); status(err) != http.StatusConflict {
		t.Errorf("got %v, want 409", err)
	}
	if _, err := e.put("index/CURRENT", "x", ifNoneMatch); err != nil {
		t.Errorf("second try: %v", err)
	}
}

func TestServer_notImplemented(t *testing.T) {
	t.Parallel()
	e := newEnv(t, Config{})
	e.mustPut("key", "body")
	_, err := e.GetObjectAcl(t.Context(), &sdk.GetObjectAclInput{Bucket: aws.String(bucketName), Key: aws.String("key")})
	if status(err) != http.StatusNotImplemented {
		t.Errorf("GetObjectAcl: got %v, want 501", err)
	}
	_, err = e.PutObjectAcl(t.Context(), &sdk.PutObjectAclInput{Bucket: aws.String(bucketName), Key: aws.String("key"), ACL: types.ObjectCannedACLPrivate})
	if status(err) != http.StatusNotImplemented {
		t.Errorf("PutObjectAcl: got %v, want 501", err)
	}
	if body, _ := e.get(sdk.GetObjectInput{Key: aws.String("key")}); body != "body" {
		t.Errorf("the object changed to %q", body)
	}
}

func TestServer_events(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var events []Event
	e := newEnv(t, Config{OnEvent: func(event Event) {
		mu.Lock()
		defer mu.Unlock()
		events = append(events, event)
	}})
	put := e.mustPut("feeds/a/list one.txt", "12345")
	e.put("feeds/a/list one.txt", "x", ifNoneMatch) // refused: no event
	if _, err := e.DeleteObject(t.Context(), &sdk.DeleteObjectInput{Bucket: aws.String(bucketName), Key: aws.String("feeds/a/list one.txt")}); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(events) != 2 {
		t.Fatalf("%d events, want 2: %+v", len(events), events)
	}
	created, deleted := events[0], events[1]
	object := created.Detail.Object
	if created.DetailType != "Object Created" || created.Source != "aws.s3" || created.Detail.Bucket.Name != bucketName ||
		created.Detail.Reason != "PutObject" || object.Key != "feeds/a/list one.txt" || *object.Size != 5 ||
		`"`+object.ETag+`"` != *put.ETag || object.VersionID != *put.VersionId {
		t.Errorf("created = %+v", created)
	}
	if deleted.DetailType != "Object Deleted" || deleted.Detail.DeletionType != "Delete Marker Created" || deleted.Detail.Object.Size != nil {
		t.Errorf("deleted = %+v", deleted)
	}
	if object.Sequencer >= deleted.Detail.Object.Sequencer {
		t.Errorf("sequencer %s is not before %s", object.Sequencer, deleted.Detail.Object.Sequencer)
	}
}

func TestServer_multipart(t *testing.T) {
	t.Parallel()
	e := newEnv(t, Config{})
	key := &sdk.CreateMultipartUploadInput{Bucket: aws.String(bucketName), Key: aws.String("large")}
	upload, err := e.CreateMultipartUpload(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	part, err := e.UploadPart(t.Context(), &sdk.UploadPartInput{Bucket: key.Bucket, Key: key.Key, UploadId: upload.UploadId,
		PartNumber: aws.Int32(1), Body: strings.NewReader("whole")})
	if err != nil {
		t.Fatal(err)
	}
	_, err = e.CompleteMultipartUpload(t.Context(), &sdk.CompleteMultipartUploadInput{Bucket: key.Bucket, Key: key.Key, UploadId: upload.UploadId,
		MultipartUpload: &types.CompletedMultipartUpload{Parts: []types.CompletedPart{{ETag: part.ETag, PartNumber: aws.Int32(1)}}}})
	if err != nil {
		t.Fatal(err)
	}
	if body, err := e.get(sdk.GetObjectInput{Key: aws.String("large")}); err != nil || body != "whole" {
		t.Errorf("got %q, %v", body, err)
	}
}

func TestServer_Objects(t *testing.T) {
	t.Parallel()
	e := newEnv(t, Config{})
	for _, key := range []string{"out/b", "out/a", "other"} {
		e.mustPut(key, key)
	}
	var got []string
	for object := range e.server.Objects(bucketName, "out/") {
		got = append(got, object.Key+"="+string(object.Body))
	}
	if diff := cmp.Diff([]string{"out/a=out/a", "out/b=out/b"}, got); diff != "" {
		t.Error(diff)
	}
}
