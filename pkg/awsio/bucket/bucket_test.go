package bucket_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/resolverwatch/resolverwatch/pkg/awsio"
	"github.com/resolverwatch/resolverwatch/pkg/awsio/bucket"
)

// A local endpoint gets path-style requests, even if it has a host name. AWS does not.
func TestConfig_endpoints(t *testing.T) {
	var path string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path = r.URL.Path
		w.WriteHeader(http.StatusNotFound)
	}))
	defer server.Close()
	t.Setenv("AWS_REGION", "eu-west-1")
	t.Setenv("AWS_ACCESS_KEY_ID", "key")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")

	for _, name := range []string{"AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(name, strings.Replace(server.URL, "127.0.0.1", "localhost", 1))
			config, err := awsio.Config(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			_, err = bucket.NewClient(config).HeadObject(context.Background(), &s3.HeadObjectInput{
				Bucket: aws.String("bucket"), Key: aws.String("a/key"),
			})
			if awsio.StatusOf(err) != http.StatusNotFound || path != "/bucket/a/key" {
				t.Errorf("requested %q: %v", path, err)
			}
		})
	}

	config, err := awsio.Config(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if bucket.NewClient(config).Options().UsePathStyle {
		t.Error("AWS itself gets path-style requests")
	}
}

// regionalS3 answers like S3 for a bucket in one Region: requests to another Region get 301
// with the name of the right Region and without a Location.
type regionalS3 struct {
	region string
	hosts  []string // of the requests
}

func (r *regionalS3) Do(request *http.Request) (*http.Response, error) {
	r.hosts = append(r.hosts, request.URL.Host)
	response := &http.Response{
		StatusCode:    http.StatusOK,
		Header:        http.Header{"Content-Length": {"5"}},
		ContentLength: 5,
		Body:          io.NopCloser(strings.NewReader("index")),
		Request:       request,
	}
	if !strings.Contains(request.URL.Host, "."+r.region+".") ||
		!strings.Contains(request.Header.Get("Authorization"), "/"+r.region+"/s3/") {
		response.StatusCode = http.StatusMovedPermanently
		response.Header.Set("X-Amz-Bucket-Region", r.region)
		response.Body = io.NopCloser(strings.NewReader(`<Error><Code>PermanentRedirect</Code></Error>`))
	}
	return response, nil
}

func (r *regionalS3) reader() *bucket.IndexReader {
	return bucket.NewIndexReader(bucket.NewClient(aws.Config{
		Region:      "us-east-1",
		HTTPClient:  r,
		Credentials: credentials.NewStaticCredentialsProvider("key", "secret", ""),
	}), "index-bucket", 100)
}

// A transformer can load an index from another Region, and remembers that Region.
func TestBucket_Get_otherRegion(t *testing.T) {
	t.Parallel()
	transport := &regionalS3{region: "eu-west-1"}
	reader := transport.reader()
	for range 2 {
		if data, err := reader.Object(context.Background(), "index/object"); string(data) != "index" || err != nil {
			t.Errorf("read %q, %v", data, err)
		}
	}
	want := []string{
		"index-bucket.s3.us-east-1.amazonaws.com",
		"index-bucket.s3.eu-west-1.amazonaws.com",
		"index-bucket.s3.eu-west-1.amazonaws.com",
	}
	if !slices.Equal(transport.hosts, want) {
		t.Errorf("requested %q, want %q", transport.hosts, want)
	}
}

// If S3 does not name another Region, the request is not repeated.
func TestBucket_Get_noRegion(t *testing.T) {
	t.Parallel()
	transport := &regionalS3{region: ""}
	_, err := transport.reader().Object(context.Background(), "index/object")
	if awsio.StatusOf(err) != http.StatusMovedPermanently {
		t.Errorf("error %v", err)
	}
	if len(transport.hosts) != 1 {
		t.Errorf("requested %q", transport.hosts)
	}
}
