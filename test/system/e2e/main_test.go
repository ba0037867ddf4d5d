//go:build e2e

package e2e_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// needed returns a variable that `make e2e` sets.
func needed(t *testing.T, name string) string {
	t.Helper()
	value := os.Getenv(name)
	if value == "" {
		t.Fatalf("%s is not set: run `make e2e`", name)
	}
	return value
}

// output returns the folder for logs and the deployed files, which are kept after the test.
func output(t *testing.T) string {
	t.Helper()
	folder := needed(t, "E2E_OUT")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	return folder
}

// root returns the folder of cdk.json.
func root(t *testing.T) string {
	t.Helper()
	folder, err := filepath.Abs(filepath.Join("..", "..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	return folder
}

func s3Client(e *emulator) *s3.Client {
	return s3.NewFromConfig(e.config(), func(o *s3.Options) { o.UsePathStyle = true })
}

func buckets(t *testing.T, e *emulator) []string {
	t.Helper()
	out, err := s3Client(e).ListBuckets(context.Background(), &s3.ListBucketsInput{})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, bucket := range out.Buckets {
		names = append(names, aws.ToString(bucket.Name))
	}
	return names
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// encode returns a value as JSON.
func encode(value any) string {
	out, err := json.Marshal(value)
	if err != nil {
		panic(err) // structs of text and numbers can always be encoded
	}
	return string(out)
}
