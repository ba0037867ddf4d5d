package recorder_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/resolverwatch/resolverwatch/test/system/e2e/recorder"
)

// The calls of the command are named, and no others of the same services.
func TestRecorder_operator(t *testing.T) {
	t.Parallel()
	const where = ":us-east-1:111122223333:"
	for _, test := range []struct{ service, path, target, body, want string }{
		{"cloudformation", "/", "", "Action=DescribeStacks&StackName=S", "cloudformation:DescribeStacks arn:aws:cloudformation" + where + "stack/S/id"},
		{"cloudformation", "/", "", "Action=DeleteStack&StackName=S", ""},
		{"lambda", "/2015-03-31/functions/f/invocations", "", "{}", "lambda:InvokeFunction arn:aws:lambda" + where + "function:f"},
		{"lambda", "/2015-03-31/functions/f/code", "", "{}", ""},
		{"firehose", "/", "Firehose_20150804.PutRecordBatch", `{"DeliveryStreamName":"s"}`,
			"firehose:PutRecordBatch arn:aws:firehose" + where + "deliverystream/s"},
		{"firehose", "/", "Firehose_20150804.DeleteDeliveryStream", `{"DeliveryStreamName":"s"}`, ""},
		{"states", "/", "AWSStepFunctions.StartExecution", `{"stateMachineArn":"m"}`, "states:StartExecution m"},
		{"states", "/", "AWSStepFunctions.DescribeExecution", `{"executionArn":"e"}`, "states:DescribeExecution e"},
		{"states", "/", "AWSStepFunctions.ListMapRuns", `{"executionArn":"e"}`, "states:ListMapRuns e"},
		{"states", "/", "AWSStepFunctions.DescribeMapRun", `{"mapRunArn":"r"}`, "states:DescribeMapRun r"},
		{"states", "/", "AWSStepFunctions.StartExecution", "{}", ""},
		{"states", "/", "AWSStepFunctions.DeleteStateMachine", `{"stateMachineArn":"m"}`, ""},
	} {
		r := recorder.New(&url.URL{Scheme: "http", Host: "nothing.test"}, "111122223333", "us-east-1")
		r.Answer(test.service, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		request := httptest.NewRequest(http.MethodPost, test.path, strings.NewReader(test.body))
		request.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=CALLER/20260101/us-east-1/"+test.service+"/aws4_request, x=y")
		if test.target != "" {
			request.Header.Set("X-Amz-Target", test.target)
		}
		r.ServeHTTP(httptest.NewRecorder(), request)
		entries, problem := r.Entries()
		var got []string
		for _, call := range entries[0].Calls {
			got = append(got, call.Action+" "+call.Resource)
		}
		if strings.Join(got, "\n") != test.want || (problem == nil) != (test.want != "") {
			t.Errorf("%s %s%s: named %q, problem %v", test.service, test.target, test.body, got, problem)
		}
	}
}
