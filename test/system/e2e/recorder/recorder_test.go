package recorder_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/resolverwatch/resolverwatch/test/system/e2e/recorder"
)

// record sends a request through a recorder and returns its calls, one per line.
func record(t *testing.T, request *http.Request) (string, error) {
	t.Helper()
	target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusTeapot)
	}))
	defer target.Close()
	address, err := url.Parse(target.URL)
	if err != nil {
		t.Fatal(err)
	}
	r := recorder.New(address, "111122223333", "us-east-1")
	request.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=CALLER/20260101/us-east-1/s3/aws4_request, x=y")
	r.ServeHTTP(httptest.NewRecorder(), request)
	entries, problem := r.Entries()
	if len(entries) != 1 || entries[0].Key != "CALLER" || entries[0].Status != http.StatusTeapot {
		t.Fatalf("recorded %+v", entries)
	}
	var lines []string
	for _, call := range entries[0].Calls {
		delete(call.Context, "aws:securetransport")
		delete(call.Context, "s3:tlsversion")
		lines = append(lines, strings.TrimSpace(call.String()))
	}
	return strings.Join(lines, "\n"), problem
}

func TestRecorder_S3(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ request, want string }{
		{"GET /lists?list-type=2&prefix=feeds/a/", "s3:ListBucket arn:aws:s3:::lists [s3:prefix=feeds/a/]"},
		{"GET /lists?list-type=2", "s3:ListBucket arn:aws:s3:::lists"},
		{"GET /lists?versions", "s3:ListBucketVersions arn:aws:s3:::lists"},
		{"GET /lists/feeds/a/b%20c.txt", "s3:GetObject arn:aws:s3:::lists/feeds/a/b c.txt"},
		{"HEAD /lists/k?versionId=1", "s3:GetObjectVersion arn:aws:s3:::lists/k"},
		{"GET /lists/k?tagging&versionId=1", "s3:GetObjectVersionTagging arn:aws:s3:::lists/k"},
		{"GET /lists/k?tagging", "s3:GetObjectTagging arn:aws:s3:::lists/k"},
		{"PUT /lists/k?x-id=PutObject", "s3:PutObject arn:aws:s3:::lists/k"},
		{"POST /lists/k?uploads", "s3:PutObject arn:aws:s3:::lists/k"},
		{"DELETE /lists/k?uploadId=1", "s3:AbortMultipartUpload arn:aws:s3:::lists/k"},
		{"DELETE /lists/k?versionId=1", "s3:DeleteObjectVersion arn:aws:s3:::lists/k"},
		{"POST /lists?delete <Delete><Object><Key>a</Key></Object><Object><Key>b</Key><VersionId>1</VersionId></Object></Delete>",
			"s3:DeleteObject arn:aws:s3:::lists/a\ns3:DeleteObjectVersion arn:aws:s3:::lists/b"},
	} {
		method, rest, _ := strings.Cut(test.request, " ")
		path, body, _ := strings.Cut(rest, " ")
		got, err := record(t, httptest.NewRequest(method, path, strings.NewReader(body)))
		if err != nil || got != test.want {
			t.Errorf("%s:\ngot  %s (%v)\nwant %s", test.request, got, err, test.want)
		}
	}
}

func TestRecorder_JSON(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ target, body, want string }{
		{"DynamoDB_20120810.Query", `{"TableName":"t"}`, "dynamodb:Query arn:aws:dynamodb:us-east-1:111122223333:table/t"},
		{"DynamoDB_20120810.Query", `{"TableName":"t","IndexName":"i"}`,
			"dynamodb:Query arn:aws:dynamodb:us-east-1:111122223333:table/t/index/i"},
		{"DynamoDB_20120810.BatchWriteItem", `{"RequestItems":{"t":[]}}`,
			"dynamodb:BatchWriteItem arn:aws:dynamodb:us-east-1:111122223333:table/t"},
		{"AmazonSSM.GetParameter", `{"Name":"/s/feeds/a"}`, "ssm:GetParameter arn:aws:ssm:us-east-1:111122223333:parameter/s/feeds/a"},
		{"AmazonSQS.SendMessageBatch", `{"QueueUrl":"http://localhost/111122223333/q"}`,
			"sqs:SendMessage arn:aws:sqs:us-east-1:111122223333:q"},
		{"AWSEvents.PutEvents", `{"Entries":[{"Source":"resolverwatch","DetailType":"Index published"}]}`,
			"events:PutEvents arn:aws:events:us-east-1:111122223333:event-bus/default [events:detail-type=Index published] [events:source=resolverwatch]"},
		{"secretsmanager.GetSecretValue", `{"SecretId":"arn:aws:secretsmanager:us-east-1:111122223333:secret:s"}`,
			"secretsmanager:GetSecretValue arn:aws:secretsmanager:us-east-1:111122223333:secret:s"},
	} {
		request := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(test.body))
		request.Header.Set("X-Amz-Target", test.target)
		if got, err := record(t, request); err != nil || got != test.want {
			t.Errorf("%s %s:\ngot  %s (%v)\nwant %s", test.target, test.body, got, err, test.want)
		}
	}
}

// Requests that cannot be named must be reported, or they would never be checked.
func TestRecorder_unknown(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ method, path, target string }{
		{"PUT", "/lists", ""}, {"GET", "/lists?policy", ""}, {"PUT", "/lists/k?acl", ""}, {"GET", "/", ""},
		{"POST", "/", "DynamoDB_20120810.DeleteTable"}, {"POST", "/", "AmazonSSM.DescribeParameters"},
		{"POST", "/", "TrentService.Decrypt"},
	} {
		request := httptest.NewRequest(test.method, test.path, strings.NewReader("{}"))
		if test.target != "" {
			request.Header.Set("X-Amz-Target", test.target)
		}
		if got, err := record(t, request); err == nil {
			t.Errorf("%s %s %s: named %q", test.method, test.path, test.target, got)
		}
	}
}
