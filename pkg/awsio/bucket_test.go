package awsio_test

import (
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/resolverwatch/resolverwatch/pkg/awsio"
)

// regionalS3 answers as S3 does for a bucket of one Region: elsewhere, it is 301 with the
// Region's name and without a Location.
type regionalS3 struct {
	region string
	asked  []string // hosts
}

func (r *regionalS3) Do(request *http.Request) (*http.Response, error) {
	r.asked = append(r.asked, request.URL.Host)
	answer := &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("index")), Request: request}
	if !strings.Contains(request.URL.Host, "."+r.region+".") ||
		!strings.Contains(request.Header.Get("Authorization"), "/"+r.region+"/s3/") {
		answer.StatusCode = http.StatusMovedPermanently
		answer.Header.Set("X-Amz-Bucket-Region", r.region)
		answer.Body = io.NopCloser(strings.NewReader(`<Error><Code>PermanentRedirect</Code></Error>`))
	}
	return answer, nil
}

// One index can serve many Regions.
func TestBucket_Get_otherRegion(t *testing.T) {
	t.Parallel()
	transport := &regionalS3{region: "eu-west-1"}
	bucket := awsio.Bucket{Name: "index-bucket", Client: awsio.NewS3(aws.Config{
		Region: "us-east-1", HTTPClient: transport, Credentials: credentials.NewStaticCredentialsProvider("key", "secret", ""),
	})}
	for range 2 {
		out, err := bucket.Get(context.Background(), s3.GetObjectInput{Key: aws.String("index/CURRENT")})
		if err != nil {
			t.Fatal(err)
		}
		if text, err := io.ReadAll(out.Body); string(text) != "index" || err != nil {
			t.Errorf("read %q, %v", text, err)
		}
	}
	want := []string{
		"index-bucket.s3.us-east-1.amazonaws.com", "index-bucket.s3.eu-west-1.amazonaws.com",
		"index-bucket.s3.eu-west-1.amazonaws.com", // it is remembered
	}
	if !slices.Equal(transport.asked, want) {
		t.Errorf("asked %q, want %q", transport.asked, want)
	}
}

// A Region that does not hold the bucket either must not be asked for ever.
func TestBucket_Get_noRegion(t *testing.T) {
	t.Parallel()
	transport := &regionalS3{region: ""}
	bucket := awsio.Bucket{Name: "index-bucket", Client: awsio.NewS3(aws.Config{
		Region: "us-east-1", HTTPClient: transport, Credentials: credentials.NewStaticCredentialsProvider("key", "secret", ""),
	})}
	if _, err := bucket.Get(context.Background(), s3.GetObjectInput{Key: aws.String("k")}); awsio.StatusOf(err) != http.StatusMovedPermanently {
		t.Errorf("error %v", err)
	}
	if len(transport.asked) != 1 {
		t.Errorf("asked %q", transport.asked)
	}
}
