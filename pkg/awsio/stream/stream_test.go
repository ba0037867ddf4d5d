package stream_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/resolverwatch/resolverwatch/pkg/awsio/stream"
	"github.com/resolverwatch/resolverwatch/test/localclient"
)

// put sends records to a server that answers each request with a text, and returns the requests
// that it got.
func put(t *testing.T, status int, answer string, records ...[]byte) (sent []string, problems []error, err error) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in struct{ Records []struct{ Data []byte } }
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			t.Error(err)
		}
		for _, record := range in.Records {
			sent = append(sent, string(record.Data))
		}
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(answer))
	}))
	defer server.Close()
	problems, err = stream.New(localclient.Config(server.URL), "logs").Put(context.Background(), records)
	return sent, problems, err
}

// Every record gets its own answer. A record can be empty, as a producer sent it.
func TestStream_Put(t *testing.T) {
	t.Parallel()
	const answer = `{"FailedPutCount":1,"RequestResponses":[{"RecordId":"1"},{"ErrorCode":"ServiceUnavailableException","ErrorMessage":"slow down"},{"RecordId":"3"}]}`
	sent, problems, err := put(t, http.StatusOK, answer, []byte("a\n"), nil, []byte{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a\n", "", ""}, sent); diff != "" {
		t.Errorf("sent (-want +got):\n%s", diff)
	}
	if len(problems) != 3 || problems[0] != nil || problems[1] == nil || problems[2] != nil || !strings.Contains(problems[1].Error(), "slow down") {
		t.Errorf("got %v", problems)
	}
}

// One error is for all records: the stream is not there, or answers for another number of records.
func TestStream_Put_fails(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		status       int
		answer, want string
	}{
		{http.StatusBadRequest, `{"__type":"ResourceNotFoundException","message":"no such stream"}`, "no such stream"},
		{http.StatusOK, `{"FailedPutCount":0,"RequestResponses":[]}`, "0 of 1 records"},
	} {
		_, problems, err := put(t, test.status, test.answer, []byte("a"))
		if err == nil || problems != nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), "logs") {
			t.Errorf("%s: %v, %v", test.answer, problems, err)
		}
	}
}
