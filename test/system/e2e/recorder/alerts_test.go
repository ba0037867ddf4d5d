package recorder_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/resolverwatch/resolverwatch/test/system/e2e/recorder"
)

// The targets of alerts do not all speak the JSON protocol: the signature says which service a
// request is for.
func TestRecorder_alerts(t *testing.T) {
	t.Parallel()
	const group = "arn:aws:athena:us-east-1:111122223333:workgroup/w"
	var answered []string
	r := recorder.New(&url.URL{Scheme: "http", Host: "nothing.test"}, "111122223333", "us-east-1")
	for _, test := range []struct{ service, path, target, body, want string }{
		{"sns", "/", "", "Action=Publish&TopicArn=arn%3Aaws%3Asns%3Aus-east-1%3A111122223333%3At", "sns:Publish arn:aws:sns:us-east-1:111122223333:t"},
		{"sns", "/", "", "Action=DeleteTopic&TopicArn=t", ""},
		{"securityhub", "/findings/import", "", `{"Findings":[{"ProductArn":"p"},{"ProductArn":"p"},{"ProductArn":"q"}]}`,
			"securityhub:BatchImportFindings p\nsecurityhub:BatchImportFindings q"},
		{"securityhub", "/accounts", "", "{}", ""},
		{"athena", "/", "AmazonAthena.GetQueryExecution", `{"QueryExecutionId":"e"}`, ""}, // of an unknown workgroup
		{"athena", "/", "AmazonAthena.StartQueryExecution", `{"WorkGroup":"w"}`, "athena:StartQueryExecution " + group},
		{"athena", "/", "AmazonAthena.GetQueryExecution", `{"QueryExecutionId":"e"}`, "athena:GetQueryExecution " + group},
		{"athena", "/", "AmazonAthena.DeleteWorkGroup", `{"WorkGroup":"w"}`, ""},
	} {
		r.Answer(test.service, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { answered = append(answered, test.service) }))
		before, _ := r.Entries()
		_, problems := r.Entries()
		request := httptest.NewRequest(http.MethodPost, test.path, strings.NewReader(test.body))
		request.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=CALLER/20260101/us-east-1/"+test.service+"/aws4_request, x=y")
		if test.target != "" {
			request.Header.Set("X-Amz-Target", test.target)
		}
		r.ServeHTTP(httptest.NewRecorder(), request)
		entries, after := r.Entries()
		var got []string
		for _, call := range entries[len(before)].Calls {
			got = append(got, call.Action+" "+call.Resource)
		}
		isProblem := after != nil && (problems == nil || after.Error() != problems.Error())
		if strings.Join(got, "\n") != test.want || isProblem != (test.want == "") {
			t.Errorf("%s %s %s: named %q, new problem: %v", test.service, test.target, test.body, got, isProblem)
		}
		if answered[len(answered)-1] != test.service {
			t.Errorf("%s: another handler answered", test.service)
		}
	}
}
