package main

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"

	localdynamodb "github.com/resolverwatch/resolverwatch/internal/localaws/dynamodb"
	"github.com/resolverwatch/resolverwatch/internal/localaws/s3"
	"github.com/resolverwatch/resolverwatch/pkg/alert"
	"github.com/resolverwatch/resolverwatch/pkg/awsio/bucket"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
	"github.com/resolverwatch/resolverwatch/test/localathena"
	"github.com/resolverwatch/resolverwatch/test/localclient"
)

func TestNewHandler(t *testing.T) {
	section := settings.Default[settings.HunterFunction]()
	section.WorkGroup, section.Database, section.Table = "soc", "dns", "sent"
	for name, tc := range map[string]struct {
		text string
		want string // part of the error
	}{
		"without alerts":  {section.Encode(), ""},
		"with alerts":     {`{"workGroup":"soc","database":"dns","table":"sent","alertQueue":"https://sqs.example/alerts"}`, ""},
		"with compaction": {`{"workGroup":"soc","database":"dns","table":"sent","compactBucket":"logs"}`, ""},
		"no workgroup":    {`{"database":"dns","table":"sent"}`, "workGroup"},
	} {
		lookup := func(variable string) (string, bool) { return tc.text, variable == settings.EnvSettings }
		handler, err := newHandler(context.Background(), lookup)
		switch {
		case tc.want == "" && (handler == nil || err != nil):
			t.Errorf("%s: error %v", name, err)
		case tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)):
			t.Errorf("%s: error %v, want one that contains %q", name, err, tc.want)
		}
	}
}

// A repeat of an event by Lambda is recognised by the id of the request.
func TestRequestID(t *testing.T) {
	ctx := lambdacontext.NewContext(context.Background(), &lambdacontext.LambdaContext{AwsRequestID: "one"})
	if got := requestID(ctx); got != "one" {
		t.Errorf("id %q", got)
	}
	if got := requestID(context.Background()); got != "" {
		t.Errorf("id %q outside Lambda", got)
	}
}

// queueServer is SQS, as far as a sender sees it.
type queueServer struct{ bodies []string }

func (s *queueServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var in struct{ MessageBody string }
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	s.bodies = append(s.bodies, in.MessageBody)
	sum := md5.Sum([]byte(in.MessageBody))
	fmt.Fprintf(w, `{"MessageId":"1","MD5OfMessageBody":%q}`, hex.EncodeToString(sum[:]))
}

// newTable creates the table of sent alerts in a local DynamoDB and returns its endpoint.
func newTable(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(localdynamodb.New(localdynamodb.Config{}))
	t.Cleanup(server.Close)
	_, err := dynamodb.NewFromConfig(localclient.Config(server.URL)).CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName:            aws.String("sent"),
		BillingMode:          types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("key"), AttributeType: types.ScalarAttributeTypeS}},
		KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("key"), KeyType: types.KeyTypeHash}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return server.URL
}

// The function, as Lambda starts it, runs the deployed text of the retro-hunt after a publish, sends
// its row to the queue, and runs no second query for a second event.
func TestHandler(t *testing.T) {
	text, err := os.ReadFile("../../infra/resolverwatch/queries/retro-hunt.sql")
	if err != nil {
		t.Fatal(err)
	}
	var ran []string
	service := httptest.NewServer(localathena.New(localathena.Config{
		WorkGroup: "soc", Database: "dns", Queries: map[string]string{"retro-hunt": string(text)},
		Execute: func(_ context.Context, sql string) (*localathena.Result, error) {
			ran = append(ran, sql)
			result := &localathena.Result{Bytes: 42}
			var row []*string
			for name, cell := range map[string]string{
				"account_id": "111122223333", "vpc_id": "vpc-1", "srcaddr": "10.0.0.1", "indicator": "evil.example", "scope": "subtree",
				"severity": "high", "unmarked": "3",
			} {
				result.Columns = append(result.Columns, localathena.Column{Name: name, Type: "varchar"})
				row = append(row, &cell)
			}
			result.Rows = [][]*string{row}
			return result, nil
		},
	}))
	t.Cleanup(service.Close)
	alerts := &queueServer{}
	queue := httptest.NewServer(alerts)
	t.Cleanup(queue.Close)
	for name, value := range map[string]string{
		"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret",
		"AWS_ENDPOINT_URL_ATHENA": service.URL, "AWS_ENDPOINT_URL_SQS": queue.URL, "AWS_ENDPOINT_URL_DYNAMODB": newTable(t),
	} {
		t.Setenv(name, value)
	}

	section := settings.Default[settings.HunterFunction]()
	section.WorkGroup, section.Database, section.Table, section.AlertQueue = "soc", "dns", "sent", queue.URL+"/alerts"
	for _, id := range []string{"1", "2"} {
		handler, err := newHandler(t.Context(), func(name string) (string, bool) { return section.Encode(), name == settings.EnvSettings })
		if err != nil {
			t.Fatal(err)
		}
		ctx := lambdacontext.NewContext(t.Context(), &lambdacontext.LambdaContext{AwsRequestID: id})
		event := `{"source":"resolverwatch","detail-type":"Index published","detail":{"stack":"Resolverwatch","generation":7,"added":1}}`
		if _, err := handler.Invoke(ctx, []byte(event)); err != nil {
			t.Fatal(err)
		}
	}
	if len(ran) != 1 || len(alerts.bodies) != 1 || strings.Contains(ran[0], "/*from:*/") {
		t.Fatalf("ran %d queries, sent %d messages", len(ran), len(alerts.bodies))
	}
	message, err := alert.Decode([]byte(alerts.bodies[0]))
	if err != nil {
		t.Fatal(err)
	}
	if row := message.Rows[0]; message.Query != "retro-hunt" || row.Indicator != "evil.example" || row.Scope != "subtree" || row.Severity != "high" {
		t.Errorf("sent %+v", message)
	}
}

// With compaction, the event of the schedule copies a day and replaces the view, and a query is still
// a query.
func TestHandler_compacts(t *testing.T) {
	var ran []string
	service := httptest.NewServer(localathena.New(localathena.Config{
		WorkGroup: "soc", Database: "dns", Queries: map[string]string{"retro-hunt": "SELECT 1"},
		Execute: func(_ context.Context, sql string) (*localathena.Result, error) {
			ran = append(ran, sql)
			return &localathena.Result{}, nil
		},
	}))
	t.Cleanup(service.Close)
	objects := httptest.NewServer(s3.New(s3.Config{}))
	t.Cleanup(objects.Close)
	for name, value := range map[string]string{
		"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret",
		"AWS_ENDPOINT_URL_ATHENA": service.URL, "AWS_ENDPOINT_URL_S3": objects.URL, "AWS_ENDPOINT_URL_DYNAMODB": newTable(t),
	} {
		t.Setenv(name, value)
	}
	client := bucket.NewClient(localclient.Config(objects.URL))
	if _, err := client.CreateBucket(t.Context(), &awss3.CreateBucketInput{Bucket: aws.String("logs")}); err != nil {
		t.Fatal(err)
	}
	section := settings.Default[settings.HunterFunction]()
	section.WorkGroup, section.Database, section.Table = "soc", "dns", "sent"
	section.CompactBucket, section.LogFolder, section.LogDay, section.LogFolderAfter = "logs", "dns-query-logs/", "%Y/%m/%d", "/"
	handler, err := newHandler(t.Context(), func(name string) (string, bool) { return section.Encode(), name == settings.EnvSettings })
	if err != nil {
		t.Fatal(err)
	}
	answer, err := handler.Invoke(t.Context(), []byte(settings.CompactEvent))
	if err != nil || len(ran) != 3 || !strings.HasPrefix(ran[1], "UNLOAD") || !strings.HasPrefix(ran[2], "CREATE OR REPLACE VIEW") {
		t.Errorf("answer %s, error %v, ran %q", answer, err, ran)
	}
	if _, err := handler.Invoke(t.Context(), []byte(`{"query":"other"}`)); err != nil || len(ran) != 3 {
		t.Errorf("error %v, ran %q", err, ran)
	}
}
