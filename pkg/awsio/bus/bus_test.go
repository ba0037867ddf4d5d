package bus_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/google/go-cmp/cmp"

	"github.com/resolverwatch/resolverwatch/pkg/awsio/bus"
	"github.com/resolverwatch/resolverwatch/pkg/importer"
)

var _ importer.Events = (*bus.Bus)(nil)

// service answers PutEvents with one answer for each request, and keeps the requests.
type service struct {
	mu       sync.Mutex
	requests []request
	refuse   map[string]string // error codes by detail
	status   int
}

type request struct {
	Entries []struct{ Source, DetailType, Detail string }
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.status != 0 {
		w.WriteHeader(s.status)
		fmt.Fprint(w, `{"__type":"AccessDeniedException","message":"not authorized to perform: events:PutEvents"}`)
		return
	}
	body, _ := io.ReadAll(r.Body)
	var in request
	if err := json.Unmarshal(body, &in); err != nil || r.Header.Get("X-Amz-Target") != "AWSEvents.PutEvents" {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	s.requests = append(s.requests, in)
	var out struct{ Entries []map[string]string }
	for _, entry := range in.Entries {
		result := map[string]string{"EventId": "id"}
		if code := s.refuse[entry.Detail]; code != "" {
			result = map[string]string{"ErrorCode": code, "ErrorMessage": "try again"}
		}
		out.Entries = append(out.Entries, result)
	}
	_ = json.NewEncoder(w).Encode(out)
}

func newBus(t *testing.T, s *service) *bus.Bus {
	t.Helper()
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return bus.New(aws.Config{Region: "us-east-1", BaseEndpoint: &server.URL, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("key", "secret", "")})
}

// A request has at most ten events, in their order.
func TestBus_Put(t *testing.T) {
	t.Parallel()
	s := &service{}
	var entries []bus.Entry
	for i := range 23 {
		entries = append(entries, bus.Entry{DetailType: "Something", Detail: fmt.Appendf(nil, `{"n":%d}`, i), Time: time.Unix(1, 0)})
	}
	if err := newBus(t, s).Put(t.Context(), entries...); err != nil {
		t.Fatal(err)
	}
	var sizes []int
	n := 0
	for _, r := range s.requests {
		sizes = append(sizes, len(r.Entries))
		for _, entry := range r.Entries {
			if entry.Source != "resolverwatch" || entry.DetailType != "Something" || entry.Detail != fmt.Sprintf(`{"n":%d}`, n) {
				t.Errorf("event %d: %+v", n, entry)
			}
			n++
		}
	}
	if diff := cmp.Diff([]int{10, 10, 3}, sizes); diff != "" {
		t.Error(diff)
	}
}

// A request that succeeds for some of its events is an error, and so is a denied request.
func TestBus_Put_errors(t *testing.T) {
	t.Parallel()
	two := []bus.Entry{{Detail: []byte(`{}`)}, {Detail: []byte(`{"a":1}`)}}
	err := newBus(t, &service{refuse: map[string]string{`{"a":1}`: "ThrottlingException"}}).Put(t.Context(), two...)
	if err == nil || !strings.Contains(err.Error(), "1 of 2") || !strings.Contains(err.Error(), "ThrottlingException") {
		t.Errorf("error %v", err)
	}
	err = newBus(t, &service{status: http.StatusBadRequest}).Put(t.Context(), two...)
	if err == nil || !strings.Contains(err.Error(), "events:PutEvents") {
		t.Errorf("error %v", err)
	}
}

// The detail of the event is a contract with the rules of users.
func TestBus_IndexPublished(t *testing.T) {
	t.Parallel()
	for want, published := range map[string]importer.Published{
		`{"stack":"dns","generation":7,"entries":10,"added":0,"removed":2,"at":"2026-11-30T10:00:00Z"}`: {Stack: "dns", Generation: 7, Entries: 10,
			Added: new(0), Removed: new(2), At: time.Date(2026, 11, 30, 10, 0, 0, 0, time.UTC)},
		`{"stack":"dns","generation":8,"entries":0,"at":"2026-11-30T11:00:00Z"}`: {Stack: "dns", Generation: 8,
			At: time.Date(2026, 11, 30, 11, 0, 0, 0, time.UTC)},
	} {
		s := &service{}
		if err := newBus(t, s).IndexPublished(t.Context(), published); err != nil {
			t.Fatal(err)
		}
		if got := s.requests[0].Entries[0]; got.Detail != want || got.DetailType != "Index published" {
			t.Errorf("sent %+v, want %s", got, want)
		}
	}
}
