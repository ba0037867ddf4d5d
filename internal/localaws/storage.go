package localaws

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	tabletypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/resolverwatch/resolverwatch/internal/localaws/s3"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// AWSConfig returns the configuration with which SDK clients talk to the stack as
// its owner.
func (s *Stack) AWSConfig() aws.Config { return s.configOf(OwnerKey) }

func (s *Stack) configOf(accessKey string) aws.Config {
	return aws.Config{
		Region: s3.Region, BaseEndpoint: aws.String(s.URL),
		Credentials: credentials.NewStaticCredentialsProvider(accessKey, "local", ""),
		APIOptions:  []func(*middleware.Stack) error{plainBodies},
	}
}

// plainBodies hides the WriteTo method of request bodies. On loopback an answer may
// be there before net/http has looked for the end of the body; the SDK has closed the
// body by then, its WriteTo returns io.EOF as an error, and the connection is torn
// down under the answer. A call that was carried out would be made again.
func plainBodies(stack *middleware.Stack) error {
	return stack.Finalize.Add(middleware.FinalizeMiddlewareFunc("PlainBodies",
		func(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (
			middleware.FinalizeOutput, middleware.Metadata, error) {
			request, isHTTP := in.Request.(*smithyhttp.Request)
			if !isHTTP {
				return next.HandleFinalize(ctx, in)
			}
			if body, seekable := request.GetStream().(io.ReadSeeker); seekable {
				plain, err := request.SetStream(struct{ io.ReadSeeker }{body})
				if err != nil {
					return middleware.FinalizeOutput{}, middleware.Metadata{}, err
				}
				in.Request = plain
			}
			return next.HandleFinalize(ctx, in)
		}), middleware.Before)
}

// s3Client returns a client that acts as one of the stack's roles.
func (s *Stack) s3Client(accessKey string) *awss3.Client {
	return awss3.NewFromConfig(s.configOf(accessKey), func(o *awss3.Options) { o.UsePathStyle = true })
}

// create makes the buckets and the table, as the deployed stack has them.
func (s *Stack) create(ctx context.Context) error {
	for bucket, versioned := range map[string]bool{ListBucket: true, IndexBucket: true, LogBucket: false} {
		if err := s.createBucket(ctx, bucket, versioned); err != nil {
			return fmt.Errorf("creating bucket %s: %w", bucket, err)
		}
	}
	if err := s.createTable(ctx); err != nil {
		return fmt.Errorf("creating table %s: %w", Table, err)
	}
	return nil
}

func (s *Stack) createBucket(ctx context.Context, bucket string, versioned bool) error {
	client := s.s3Client(OwnerKey)
	if _, err := client.CreateBucket(ctx, &awss3.CreateBucketInput{Bucket: &bucket}); err != nil || !versioned {
		return err
	}
	_, err := client.PutBucketVersioning(ctx, &awss3.PutBucketVersioningInput{Bucket: &bucket,
		VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled}})
	return err
}

func (s *Stack) createTable(ctx context.Context) error {
	client := awsdynamodb.NewFromConfig(s.configOf(OwnerKey))
	partition, sort := aws.String(settings.TablePartitionKey), aws.String(settings.TableSortKey)
	_, err := client.CreateTable(ctx, &awsdynamodb.CreateTableInput{
		TableName: aws.String(Table), BillingMode: tabletypes.BillingModePayPerRequest,
		AttributeDefinitions: []tabletypes.AttributeDefinition{
			{AttributeName: partition, AttributeType: tabletypes.ScalarAttributeTypeS},
			{AttributeName: sort, AttributeType: tabletypes.ScalarAttributeTypeS},
		},
		KeySchema: []tabletypes.KeySchemaElement{
			{AttributeName: partition, KeyType: tabletypes.KeyTypeHash},
			{AttributeName: sort, KeyType: tabletypes.KeyTypeRange},
		},
	})
	if err != nil {
		return err
	}
	expiry := &tabletypes.TimeToLiveSpecification{AttributeName: aws.String(settings.TableTTL), Enabled: aws.Bool(true)}
	_, err = client.UpdateTimeToLive(ctx, &awsdynamodb.UpdateTimeToLiveInput{
		TableName: aws.String(Table), TimeToLiveSpecification: expiry})
	return err
}

// logBucket is where the stream delivers, by its own role.
type logBucket struct{ client *awss3.Client }

// Put stores an object as Firehose stores it.
func (b *logBucket) Put(ctx context.Context, key string, body []byte, contentEncoding string) error {
	in := &awss3.PutObjectInput{Bucket: aws.String(LogBucket), Key: &key, Body: bytes.NewReader(body),
		ContentType: aws.String("application/octet-stream")}
	if contentEncoding != "" {
		in.ContentEncoding = &contentEncoding
	}
	_, err := b.client.PutObject(ctx, in)
	return err
}

// Save writes the current objects of a bucket whose keys begin with prefix as files
// under dir, a file's path being its key, and returns how many there were. Keys that
// would lead out of dir are an error.
func (s *Stack) Save(bucket, prefix, dir string) (files int, err error) {
	for object := range s.objects.Objects(bucket, prefix) {
		path := filepath.FromSlash(object.Key)
		if !filepath.IsLocal(path) {
			return files, fmt.Errorf("saving %s/%s: the key is no path inside a folder", bucket, object.Key)
		}
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // for users to look at
			return files, err
		}
		if err := os.WriteFile(path, object.Body, 0o644); err != nil { //nolint:gosec // as above
			return files, err
		}
		files++
	}
	return files, nil
}

// Objects returns the current objects of a bucket whose keys begin with prefix, in
// the order of their keys.
func (s *Stack) Objects(bucket, prefix string) (objects []Object) {
	for object := range s.objects.Objects(bucket, prefix) {
		objects = append(objects, Object{Key: object.Key, Body: object.Body})
	}
	return objects
}

// Object is an object of a bucket. Its body must not be changed.
type Object struct {
	Key  string
	Body []byte
}
