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
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/resolverwatch/resolverwatch/internal/localaws/dynamodb"
	"github.com/resolverwatch/resolverwatch/internal/localaws/role"
	"github.com/resolverwatch/resolverwatch/internal/localaws/s3"
)

// AWSConfig returns a configuration for SDK clients that act as the owner of the account.
func (s *Stack) AWSConfig() aws.Config { return s.configOf(role.Owner) }

func (s *Stack) configOf(accessKey string) aws.Config {
	return aws.Config{
		Region:       s3.Region,
		BaseEndpoint: aws.String(s.URL),
		Credentials:  credentials.NewStaticCredentialsProvider(accessKey, "local", ""),
		APIOptions:   []func(*middleware.Stack) error{hideWriterTo},
	}
}

// hideWriterTo hides the WriteTo method of request bodies. On loopback a response can arrive
// before net/http has read the body to its end. By then the SDK has closed the body, so
// WriteTo returns io.EOF as an error, net/http drops the connection together with the
// response, and the SDK repeats a call that succeeded.
func hideWriterTo(stack *middleware.Stack) error {
	return stack.Finalize.Add(middleware.FinalizeMiddlewareFunc("HideWriterTo",
		func(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (
			middleware.FinalizeOutput, middleware.Metadata, error) {
			request, ok := in.Request.(*smithyhttp.Request)
			if !ok {
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

// s3Client returns a client that acts as the role with this access key.
func (s *Stack) s3Client(accessKey string) *awss3.Client {
	return awss3.NewFromConfig(s.configOf(accessKey), func(o *awss3.Options) { o.UsePathStyle = true })
}

// create creates the buckets and the table of the deployed stack.
func (s *Stack) create(ctx context.Context) error {
	for bucket, versioned := range map[string]bool{ListBucket: true, IndexBucket: true, LogBucket: false} {
		if err := s.createBucket(ctx, bucket, versioned); err != nil {
			return fmt.Errorf("creating bucket %s: %w", bucket, err)
		}
	}
	return dynamodb.CreateTable(ctx, awsdynamodb.NewFromConfig(s.AWSConfig()), tableName)
}

func (s *Stack) createBucket(ctx context.Context, bucket string, versioned bool) error {
	client := s.s3Client(role.Owner)
	if _, err := client.CreateBucket(ctx, &awss3.CreateBucketInput{Bucket: &bucket}); err != nil || !versioned {
		return err
	}
	_, err := client.PutBucketVersioning(ctx, &awss3.PutBucketVersioningInput{Bucket: &bucket,
		VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled}})
	return err
}

// logBucket is the destination of the delivery stream, written with the stream's role.
type logBucket struct{ client *awss3.Client }

// Put stores an object with the headers that Firehose sets.
func (b *logBucket) Put(ctx context.Context, key string, body []byte, contentEncoding string) error {
	in := &awss3.PutObjectInput{
		Bucket:      aws.String(LogBucket),
		Key:         &key,
		Body:        bytes.NewReader(body),
		ContentType: aws.String("application/octet-stream"),
	}
	if contentEncoding != "" {
		in.ContentEncoding = &contentEncoding
	}
	_, err := b.client.PutObject(ctx, in)
	return err
}

// Save writes the current objects of a bucket whose keys begin with prefix to files under
// dir and returns the number of files. The path of a file is its key. Save returns an error
// for a key that leads out of dir.
func (s *Stack) Save(bucket, prefix, dir string) (files int, err error) {
	for object := range s.objects.Objects(bucket, prefix) {
		path := filepath.FromSlash(object.Key)
		if !filepath.IsLocal(path) {
			return files, fmt.Errorf("saving %s/%s: the key is not a path inside a folder", bucket, object.Key)
		}

		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // users read these files
			return files, err
		}
		if err := os.WriteFile(path, object.Body, 0o644); err != nil { //nolint:gosec // as above
			return files, err
		}

		files++
	}
	return files, nil
}

// Objects returns the current objects of a bucket whose keys begin with prefix, sorted by
// key.
func (s *Stack) Objects(bucket, prefix string) (objects []Object) {
	for object := range s.objects.Objects(bucket, prefix) {
		objects = append(objects, Object{Key: object.Key, Body: object.Body})
	}
	return objects
}

// Object is an object in a bucket. Callers must not modify Body.
type Object struct {
	Key  string
	Body []byte
}
