package bus_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/resolverwatch/resolverwatch/internal/localaws/awsjson"
	"github.com/resolverwatch/resolverwatch/pkg/awsio/bus"
	"github.com/resolverwatch/resolverwatch/test/localclient"
)

type entry struct {
	EventBusName, Source, DetailType, Detail string
	Time                                     float64
}

// local is an EventBridge that has the limits of a request.
type local struct {
	entries  []entry
	requests []int // their entries
	fails    func(entry) bool
	isDown   bool
}

func (l *local) put(_ context.Context, body []byte) (any, error) {
	var in struct{ Entries []entry }
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, err
	}
	l.requests = append(l.requests, len(in.Entries))
	size := 0
	for _, e := range in.Entries {
		size += 14 + len(e.Source) + len(e.DetailType) + len(e.Detail)
	}
	switch {
	case l.isDown:
		return nil, &awsjson.Error{Code: "AccessDeniedException", Message: "no"}
	case len(in.Entries) > 10 || size > 256<<10:
		return nil, &awsjson.Error{Code: "ValidationException", Message: "too large"}
	}
	type result struct {
		EventID      *string `json:"EventId"`
		ErrorCode    *string
		ErrorMessage *string
	}
	out := struct {
		FailedEntryCount int
		Entries          []result
	}{}
	code, id := "InternalFailure", "1"
	for _, e := range in.Entries {
		if l.fails != nil && l.fails(e) {
			out.FailedEntryCount++
			out.Entries = append(out.Entries, result{ErrorCode: &code, ErrorMessage: &e.Detail})
			continue
		}
		l.entries = append(l.entries, e)
		out.Entries = append(out.Entries, result{EventID: &id})
	}
	return out, nil
}

func (l *local) bus(t *testing.T) *bus.Bus {
	t.Helper()
	server := httptest.NewServer(&awsjson.API{Version: "1.1", Operations: map[string]awsjson.Operation{"PutEvents": l.put}})
	t.Cleanup(server.Close)
	return bus.New(localclient.Config(server.URL), bus.Default)
}

func events(sizes ...int) []bus.Entry {
	var list []bus.Entry
	for i, size := range sizes {
		detail := `{"n":"` + strconv.Itoa(i) + strings.Repeat("x", size) + `"}`
		list = append(list, bus.Entry{DetailType: "Malicious query", Detail: []byte(detail), Time: time.Unix(1796040000, 0)})
	}
	return list
}

func TestBus_Put(t *testing.T) {
	t.Parallel()
	l := &local{}
	if results := l.bus(t).Put(t.Context(), events(1)); len(results) != 1 || results[0] != nil {
		t.Fatalf("results %v", results)
	}
	want := []entry{{EventBusName: "default", Source: "resolverwatch", DetailType: "Malicious query", Detail: `{"n":"0x"}`, Time: 1796040000}}
	if diff := cmp.Diff(want, l.entries); diff != "" {
		t.Errorf("entries (-want +got):\n%s", diff)
	}
}

// A request has at most ten events and 256 KiB.
func TestBus_Put_splits(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		sizes []int
		want  []int
	}{
		{"none", nil, nil},
		{"ten", make([]int, 10), []int{10}},
		{"twenty-three", make([]int, 23), []int{10, 10, 3}},
		{"large ones", []int{100 << 10, 100 << 10, 100 << 10, 1}, []int{2, 2}},
		{"one at the limit", []int{255 << 10, 255 << 10}, []int{1, 1}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			l := &local{}
			results := l.bus(t).Put(t.Context(), events(tc.sizes...))
			if !slices.Equal(l.requests, tc.want) || len(l.entries) != len(tc.sizes) || errors.Join(results...) != nil {
				t.Errorf("requests of %v events, want %v; %v", l.requests, tc.want, results)
			}
			for i, e := range l.entries {
				if e.Detail != string(events(tc.sizes...)[i].Detail) {
					t.Errorf("event %d is out of order", i)
				}
			}
		})
	}
}

// The bus can refuse some events of a request. Its message is not in the error, because it may
// quote the event.
func TestBus_Put_failedEntries(t *testing.T) {
	t.Parallel()
	l := &local{fails: func(e entry) bool { return strings.Contains(e.Detail, `"n":"1`) }}
	results := l.bus(t).Put(t.Context(), events(make([]int, 12)...))
	for i, err := range results {
		if isBad := i == 1 || i >= 10; (err != nil) != isBad {
			t.Errorf("event %d: %v", i, err)
		} else if isBad && (!strings.Contains(err.Error(), "InternalFailure") || strings.Contains(err.Error(), `"n"`)) {
			t.Errorf("event %d: %v", i, err)
		}
	}
}

func TestBus_Put_down(t *testing.T) {
	t.Parallel()
	l := &local{isDown: true}
	for _, err := range l.bus(t).Put(t.Context(), events(1, 2)) {
		if err == nil || !strings.Contains(err.Error(), "bus default") {
			t.Errorf("error %v", err)
		}
	}
}
