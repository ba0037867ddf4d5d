// Package localclient connects clients of the AWS SDK to local servers, for tests.
package localclient

import (
	"net/http/httptest"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"

	localdynamodb "github.com/resolverwatch/resolverwatch/internal/localaws/dynamodb"
	locals3 "github.com/resolverwatch/resolverwatch/internal/localaws/s3"
	localssm "github.com/resolverwatch/resolverwatch/internal/localaws/ssm"
	"github.com/resolverwatch/resolverwatch/pkg/awsio/bucket"
)

// Config points the SDK to a local server.
func Config(url string) aws.Config {
	return aws.Config{
		Region:       "us-east-1",
		BaseEndpoint: &url,
		Credentials:  credentials.NewStaticCredentialsProvider("key", "secret", ""),
	}
}

// Names of the resources that the clients find.
const (
	Versioned   = "lists"     // a bucket with versioning
	Unversioned = "old-lists" // a bucket without it
	IndexBucket = "index"
	Table       = "indicators"
)

// S3 returns a client of a local S3 with three buckets.
func S3(t *testing.T, config locals3.Config) *s3.Client {
	t.Helper()
	server := httptest.NewServer(locals3.New(config))
	t.Cleanup(server.Close)
	client := bucket.NewClient(Config(server.URL))

	for _, name := range []string{Versioned, Unversioned, IndexBucket} {
		if _, err := client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &name}); err != nil {
			t.Fatal(err)
		}
	}
	_, err := client.PutBucketVersioning(t.Context(), &s3.PutBucketVersioningInput{
		Bucket:                  aws.String(Versioned),
		VersioningConfiguration: &s3types.VersioningConfiguration{Status: s3types.BucketVersioningStatusEnabled},
	})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// DynamoDB returns a client of a local DynamoDB with the table.
func DynamoDB(t *testing.T, config localdynamodb.Config) *dynamodb.Client {
	t.Helper()
	server := httptest.NewServer(localdynamodb.New(config))
	t.Cleanup(server.Close)
	client := dynamodb.NewFromConfig(Config(server.URL))
	if err := localdynamodb.CreateTable(t.Context(), client, Table); err != nil {
		t.Fatal(err)
	}
	return client
}

// Parameters returns the configuration for a local Parameter Store with these parameters.
func Parameters(t *testing.T, parameters map[string]string) aws.Config {
	t.Helper()
	var store localssm.Store
	for name, value := range parameters {
		if err := store.Put(name, value); err != nil {
			t.Fatal(err)
		}
	}
	server := httptest.NewServer(&store)
	t.Cleanup(server.Close)
	return Config(server.URL)
}
