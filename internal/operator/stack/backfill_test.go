package stack

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/resolverwatch/resolverwatch/internal/operator"
	"github.com/resolverwatch/resolverwatch/pkg/backfill"
	"github.com/resolverwatch/resolverwatch/pkg/marker"
	"github.com/resolverwatch/resolverwatch/test/localclient"
)

// The state of a backfill has the tasks of its map runs, the cause of a failure, and, if it
// succeeded, the objects that were not marked.
func TestBackfills_State(t *testing.T) {
	t.Parallel()
	const first = `"first":[{"key":"a.log.gz","error":"the object is not gzip"}]`
	for name, tt := range map[string]struct {
		execution string
		want      operator.BackfillState
	}{
		"running": {`"status":"RUNNING"`, operator.BackfillState{Status: "RUNNING"}},
		"succeeded": {`"status":"SUCCEEDED","output":` + quote(`{"run":"r","tally":{"objects":72,"failed":1,`+first+`,"too_many":false,"message":"1 of 72"}}`),
			operator.BackfillState{Status: "SUCCEEDED", Tally: &backfill.Tally{Objects: 72, Failed: 1, Message: "1 of 72",
				First: []marker.ObjectError{{Key: "a.log.gz", Error: "the object is not gzip"}}}}},
		"succeeded before objects were counted": {`"status":"SUCCEEDED","output":"{}"`, operator.BackfillState{Status: "SUCCEEDED"}},
		"failed": {`"status":"FAILED","error":"ObjectsFailed","cause":"11 of 72"`,
			operator.BackfillState{Status: "FAILED", Cause: "ObjectsFailed 11 of 72"}},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
			w.Header().Set("Content-Type", "application/x-amz-json-1.0")
			fmt.Fprint(w, map[string]string{
				"DescribeExecution": "{" + tt.execution + "}",
				"ListMapRuns":       `{"mapRuns":[{"mapRunArn":"arn:1"},{"mapRunArn":"arn:2"}]}`,
				"DescribeMapRun":    `{"itemCounts":{"total":5,"succeeded":2,"failed":1,"aborted":1,"timedOut":1}}`,
			}[operation])
		}))
		t.Cleanup(server.Close)
		b := NewBackfills(localclient.Config(server.URL), "marker", "arn:aws:states:us-east-1:111122223333:stateMachine:m")
		got, err := b.State(t.Context(), "r")
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		tt.want.Run, tt.want.Tasks, tt.want.Succeeded, tt.want.Failed = "r", 10, 4, 6
		if diff := cmp.Diff(&tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// quote returns a text as JSON.
func quote(text string) string {
	quoted, err := json.Marshal(text)
	if err != nil {
		panic(err) // a text always encodes
	}
	return string(quoted)
}
