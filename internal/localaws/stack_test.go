package localaws

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	runtime "github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	tabletypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	awsfirehose "github.com/aws/aws-sdk-go-v2/service/firehose"
	"github.com/aws/aws-sdk-go-v2/service/firehose/types"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	awsssm "github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/smithy-go"

	"github.com/resolverwatch/resolverwatch/internal/localaws/firehose"
	"github.com/resolverwatch/resolverwatch/internal/localaws/s3"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// TestMain lets the test binary act as both functions of the stack if Lambda's variables are set.
// They are small stand-ins that use the services like the real functions.
func TestMain(m *testing.M) {
	switch os.Getenv("AWS_LAMBDA_FUNCTION_NAME") {
	case Importer:
		runtime.Start(importList)
	case Transformer:
		runtime.Start(transform)
	default:
		os.Exit(m.Run())
	}
}

// importList copies a changed list into the index bucket, together with the settings of its feed.
func importList(ctx context.Context, event s3.Event) error {
	c, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return err
	}
	own, err := settings.DecodeImporter(os.LookupEnv)
	if err != nil {
		return err
	}
	object := event.Detail.Object
	if strings.Contains(object.Key, "poison") {
		return errors.New("poisoned list")
	}
	bucket := awss3.NewFromConfig(c)
	list, err := bucket.GetObject(ctx, &awss3.GetObjectInput{Bucket: &event.Detail.Bucket.Name, Key: &object.Key, VersionId: &object.VersionID})
	if err != nil {
		return err
	}
	body, err := io.ReadAll(list.Body)
	if err != nil {
		return err
	}
	name := settings.FeedParameter(own.Stack, strings.Split(object.Key, "/")[1])
	parameter, err := awsssm.NewFromConfig(c).GetParameter(ctx, &awsssm.GetParameterInput{Name: &name})
	if err != nil {
		return err
	}
	_, err = awsdynamodb.NewFromConfig(c).PutItem(ctx, &awsdynamodb.PutItemInput{TableName: &own.Table,
		Item: map[string]tabletypes.AttributeValue{
			"name": &tabletypes.AttributeValueMemberS{Value: "#feed"}, "entry": &tabletypes.AttributeValueMemberS{Value: object.Key}}})
	if err != nil {
		return err
	}
	_, err = bucket.PutObject(ctx, &awss3.PutObjectInput{Bucket: &own.IndexBucket, Key: aws.String("index/CURRENT"),
		Body: strings.NewReader(*parameter.Parameter.Value + string(body))})
	if err != nil {
		return err
	}
	_, err = bucket.PutObject(ctx, &awss3.PutObjectInput{Bucket: &event.Detail.Bucket.Name, Key: aws.String("feeds/own/list"), Body: strings.NewReader("x")})
	if denied := smithy.APIError(nil); !errors.As(err, &denied) || denied.ErrorCode() != "AccessDenied" {
		return fmt.Errorf("the importer may write lists: %w", err)
	}
	return nil
}

// transform replaces every record with the contents of the current index.
func transform(ctx context.Context, event json.RawMessage) (any, error) {
	c, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, err
	}
	own, err := settings.DecodeTransformer(os.LookupEnv)
	if err != nil {
		return nil, err
	}
	found := "nothing"
	current, err := awss3.NewFromConfig(c).GetObject(ctx, &awss3.GetObjectInput{
		Bucket: &own.IndexBucket, Key: aws.String("index/CURRENT")})
	missing := smithy.APIError(nil)
	switch {
	case err == nil:
		text, err := io.ReadAll(current.Body)
		if err != nil {
			return nil, err
		}
		found = string(text)
	case !errors.As(err, &missing) || missing.ErrorCode() != "NoSuchKey":
		return nil, err
	}
	var in struct {
		Records []map[string]any `json:"records"`
	}
	if err := json.Unmarshal(event, &in); err != nil {
		return nil, err
	}
	for _, record := range in.Records {
		record["result"], record["data"] = "Ok", []byte(found+"\n")
	}
	return in, nil
}

// newStack starts a stack with the stand-ins and short buffers.
func newStack(t *testing.T, change func(*Config)) *Stack {
	t.Helper()
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := Config{
		ImporterBinary: binary, TransformerBinary: binary,
		Feeds:       map[indicator.FeedID]settings.Feed{"one": {Format: "plain"}},
		RetryDelays: []time.Duration{time.Millisecond, time.Millisecond},
		Delivery: func(c *firehose.Config) {
			c.BufferingHints = &firehose.BufferingHints{SizeInMBs: 1}
			c.Processing.BufferIntervalInSeconds = 0
		},
	}
	if change != nil {
		change(&c)
	}
	stack, err := Start(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := stack.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return stack
}

func upload(t *testing.T, stack *Stack, key, body string) {
	t.Helper()
	client := awss3.NewFromConfig(stack.AWSConfig())
	_, err := client.PutObject(t.Context(), &awss3.PutObjectInput{Bucket: aws.String(ListBucket), Key: &key, Body: strings.NewReader(body)})
	if err != nil {
		t.Fatal(err)
	}
	if err := stack.Importer.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// send sends a record to Firehose and returns the contents of all objects afterwards.
func send(t *testing.T, stack *Stack) string {
	t.Helper()
	client := awsfirehose.NewFromConfig(stack.AWSConfig())
	_, err := client.PutRecord(t.Context(), &awsfirehose.PutRecordInput{
		DeliveryStreamName: aws.String(DeliveryStream), Record: &types.Record{Data: []byte("x")}})
	if err != nil {
		t.Fatal(err)
	}
	for stack.Stream.Metrics().Pending() > 0 {
		time.Sleep(5 * time.Millisecond)
	}
	var all []byte
	for _, object := range stack.Objects(LogBucket, "dns-query-logs/") {
		r, err := gzip.NewReader(bytes.NewReader(object.Body))
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, text...)
	}
	return string(all)
}

// An uploaded list affects the delivered records, and each function has only the permissions of
// its role.
func TestStack(t *testing.T) {
	t.Parallel()
	stack := newStack(t, nil)
	if got := send(t, stack); got != "nothing\n" {
		t.Errorf("without a list, delivered %q", got)
	}
	upload(t, stack, "feeds/one/list.txt", "evil.example")
	if got := send(t, stack); !strings.Contains(got, `{"format":"plain"}evil.example`) {
		t.Errorf("with a list, delivered %q", got)
	}
	rows, err := awsdynamodb.NewFromConfig(stack.AWSConfig()).Scan(t.Context(), &awsdynamodb.ScanInput{TableName: aws.String(tableName)})
	if err != nil || len(rows.Items) != 1 {
		t.Errorf("table holds %v, %v", rows, err)
	}
}

// The importer may write only the lists of feeds that it fetches.
func TestStack_fetchedFeeds(t *testing.T) {
	t.Parallel()
	stack := newStack(t, func(c *Config) {
		c.Feeds["url"] = settings.Feed{URL: "https://lists.example/"}
		c.Feeds["ours"] = settings.Feed{URL: "https://lists.example/", Allow: true}
	})
	config := stack.AWSConfig()
	config.Credentials = credentials.NewStaticCredentialsProvider("LOCALIMPORTER", "local", "")
	client := awss3.NewFromConfig(config)
	for key, want := range map[string]string{
		"feeds/url/fetched": "", "allow/ours/fetched": "",
		"allow/url/fetched": "AccessDenied", "feeds/ours/fetched": "AccessDenied", "feeds/one/fetched": "AccessDenied",
	} {
		_, err := client.PutObject(t.Context(), &awss3.PutObjectInput{Bucket: aws.String(ListBucket), Key: &key, Body: strings.NewReader("x")})
		code := ""
		if failure := smithy.APIError(nil); errors.As(err, &failure) {
			code = failure.ErrorCode()
		}
		if code != want {
			t.Errorf("writing %s: %v, want %q", key, err, want)
		}
	}
}

// An event that the importer cannot handle is reported after three tries.
func TestStack_eventLost(t *testing.T) {
	t.Parallel()
	lost := make(chan string, 1)
	stack := newStack(t, func(c *Config) {
		c.OnEventLost = func(event []byte, err error) { lost <- fmt.Sprintf("%s: %s", err, event) }
	})
	upload(t, stack, "feeds/one/poison.txt", "x")
	if got := <-lost; !strings.Contains(got, "poisoned list") || !strings.Contains(got, `"key":"feeds/one/poison.txt"`) {
		t.Errorf("lost %s", got)
	}
	upload(t, stack, "reports/one/x", "x") // not a list, so the importer is not invoked
	if objects := stack.Objects(IndexBucket, ""); len(objects) != 0 {
		t.Errorf("index bucket holds %v", objects)
	}
}

// Calls of unknown services return an error that SDKs understand.
func TestStack_otherService(t *testing.T) {
	t.Parallel()
	stack := newStack(t, nil)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, stack.URL, strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("X-Amz-Target", "AmazonSQS.ListQueues")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusBadRequest || !strings.Contains(string(body), "UnknownOperationException") {
		t.Errorf("got %d %s, %v", response.StatusCode, body, err)
	}
}

func TestStack_Save(t *testing.T) {
	t.Parallel()
	stack := newStack(t, nil)
	upload(t, stack, "reports/one/x.txt", "text")
	folder := t.TempDir()
	files, err := stack.Save(ListBucket, "reports/", folder)
	if err != nil || files != 1 {
		t.Fatalf("%d files, %v", files, err)
	}
	if text, err := os.ReadFile(filepath.Join(folder, "reports", "one", "x.txt")); err != nil || string(text) != "text" {
		t.Errorf("file holds %q, %v", text, err)
	}
	upload(t, stack, "reports/../../x", "text")
	if _, err := stack.Save(ListBucket, "", folder); err == nil {
		t.Error("a key that leads out of the folder was saved")
	}
}

func TestStart_refusals(t *testing.T) {
	t.Parallel()
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name   string
		change func(*Config)
		want   string
	}{
		{"no importer", func(c *Config) { c.ImporterBinary = "/nowhere/bootstrap" }, "binary"},
		{"no transformer", func(c *Config) { c.TransformerBinary = "" }, "binary"},
		{"bad prefix", func(c *Config) {
			c.Delivery = func(c *firehose.Config) { c.ErrorOutputPrefix = "" }
		}, "ErrorOutputPrefix"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := Config{ImporterBinary: binary, TransformerBinary: binary}
			test.change(&c)
			if _, err := Start(t.Context(), c); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want an error with %q", err, test.want)
			}
		})
	}
}
