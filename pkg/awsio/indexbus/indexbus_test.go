package indexbus_test

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/resolverwatch/resolverwatch/internal/localaws/awsjson"
	"github.com/resolverwatch/resolverwatch/pkg/awsio/indexbus"
	"github.com/resolverwatch/resolverwatch/pkg/importer"
	"github.com/resolverwatch/resolverwatch/test/localclient"
)

var _ importer.Events = (*indexbus.Bus)(nil)

type entry struct {
	EventBusName, Source, DetailType, Detail string
	Time                                     *float64
}

// newBus returns a bus that answers PutEvents with result, and the events that it gets.
func newBus(t *testing.T, result map[string]string) (*indexbus.Bus, *[]entry) {
	t.Helper()
	var sent []entry
	put := func(_ context.Context, body []byte) (any, error) {
		var in struct{ Entries []entry }
		if err := json.Unmarshal(body, &in); err != nil {
			return nil, err
		}
		sent = append(sent, in.Entries...)
		return map[string]any{"Entries": []map[string]string{result}}, nil
	}
	server := httptest.NewServer(&awsjson.API{Version: "1.1", Operations: map[string]awsjson.Operation{"PutEvents": put}})
	t.Cleanup(server.Close)
	return indexbus.New(localclient.Config(server.URL)), &sent
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
		b, sent := newBus(t, map[string]string{"EventId": "id"})
		if err := b.IndexPublished(t.Context(), published); err != nil {
			t.Fatal(err)
		}
		expected := []entry{{EventBusName: "default", Source: "resolverwatch", DetailType: "Index published", Detail: want}}
		if diff := cmp.Diff(expected, *sent); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
	}
}

// A request that succeeds can have refused its event.
func TestBus_IndexPublished_refused(t *testing.T) {
	t.Parallel()
	b, _ := newBus(t, map[string]string{"ErrorCode": "ThrottlingException", "ErrorMessage": "try again"})
	err := b.IndexPublished(t.Context(), importer.Published{Stack: "dns"})
	if err == nil || !strings.Contains(err.Error(), "ThrottlingException") {
		t.Errorf("error %v", err)
	}
}
