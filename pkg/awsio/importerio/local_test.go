package importerio_test

import (
	"context"
	"net/http/httptest"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"

	localdynamodb "github.com/resolverwatch/resolverwatch/internal/localaws/dynamodb"
	locals3 "github.com/resolverwatch/resolverwatch/internal/localaws/s3"
	localssm "github.com/resolverwatch/resolverwatch/internal/localaws/ssm"
	"github.com/resolverwatch/resolverwatch/pkg/awsio"
)

const (
	versioned   = "lists"
	unversioned = "old-lists"
	indexBucket = "index"
	tableName   = "indicators"
)

// configFor points the SDK to a local server.
func configFor(url string) aws.Config {
	return aws.Config{
		Region: "us-east-1", BaseEndpoint: &url,
		Credentials: credentials.NewStaticCredentialsProvider("key", "secret", ""),
	}
}

// localS3 serves the three buckets.
func localS3(t *testing.T, config locals3.Config) *s3.Client {
	t.Helper()
	server := httptest.NewServer(locals3.New(config))
	t.Cleanup(server.Close)
	client := awsio.NewS3(configFor(server.URL))
	for _, bucket := range []string{versioned, unversioned, indexBucket} {
		if _, err := client.CreateBucket(context.Background(), &s3.CreateBucketInput{Bucket: &bucket}); err != nil {
			t.Fatal(err)
		}
	}
	_, err := client.PutBucketVersioning(context.Background(), &s3.PutBucketVersioningInput{
		Bucket:                  aws.String(versioned),
		VersioningConfiguration: &s3types.VersioningConfiguration{Status: s3types.BucketVersioningStatusEnabled},
	})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// localTable serves the table.
func localTable(t *testing.T, config localdynamodb.Config) *dynamodb.Client {
	t.Helper()
	server := httptest.NewServer(localdynamodb.New(config))
	t.Cleanup(server.Close)
	client := dynamodb.NewFromConfig(configFor(server.URL))
	name, entry := aws.String("name"), aws.String("entry")
	_, err := client.CreateTable(context.Background(), &dynamodb.CreateTableInput{
		TableName: aws.String(tableName), BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: name, AttributeType: types.ScalarAttributeTypeS},
			{AttributeName: entry, AttributeType: types.ScalarAttributeTypeS},
		},
		KeySchema: []types.KeySchemaElement{
			{AttributeName: name, KeyType: types.KeyTypeHash}, {AttributeName: entry, KeyType: types.KeyTypeRange},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// localSSM serves parameters.
func localSSM(t *testing.T, parameters map[string]string) aws.Config {
	t.Helper()
	var store localssm.Store
	for name, value := range parameters {
		if err := store.Put(name, value); err != nil {
			t.Fatal(err)
		}
	}
	server := httptest.NewServer(&store)
	t.Cleanup(server.Close)
	return configFor(server.URL)
}
