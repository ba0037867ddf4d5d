package awsio_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/resolverwatch/resolverwatch/pkg/awsio"
)

// A local endpoint is asked by path, whatever its host is called, and AWS by host name.
func TestConfig_endpoints(t *testing.T) {
	var asked string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = r.URL.Path
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
			_, err = awsio.NewS3(config).HeadObject(context.Background(), &s3.HeadObjectInput{
				Bucket: aws.String("bucket"), Key: aws.String("a/key"),
			})
			if awsio.StatusOf(err) != http.StatusNotFound || asked != "/bucket/a/key" {
				t.Errorf("asked for %q: %v", asked, err)
			}
		})
	}
	config, err := awsio.Config(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if awsio.NewS3(config).Options().UsePathStyle {
		t.Error("AWS itself is asked by path")
	}
}

func TestStatusOf_noAnswer(t *testing.T) {
	t.Parallel()
	for _, err := range []error{nil, errors.New("no such host")} {
		if status := awsio.StatusOf(err); status != 0 {
			t.Errorf("status of %v is %d", err, status)
		}
	}
}

func TestWait(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	begin := time.Now()
	if err := awsio.Wait(ctx, 0); err != nil || time.Since(begin) > time.Second {
		t.Errorf("waited %v: %v", time.Since(begin), err)
	}
	cancel()
	if err := awsio.Wait(ctx, 1_000); !errors.Is(err, context.Canceled) {
		t.Errorf("wait after the end: %v", err)
	}
}
