package alertbus_test

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/resolverwatch/resolverwatch/internal/localaws/awsjson"
	"github.com/resolverwatch/resolverwatch/pkg/awsio/alertbus"
	"github.com/resolverwatch/resolverwatch/pkg/notifier"
	"github.com/resolverwatch/resolverwatch/test/localclient"
)

var _ notifier.Bus = (*alertbus.Bus)(nil)

type entry struct {
	EventBusName, Source, DetailType, Detail string
	Time                                     float64
}

// The bus of the settings gets the events, and each has its result.
func TestBus_Put(t *testing.T) {
	t.Parallel()
	var sent []entry
	put := func(_ context.Context, body []byte) (any, error) {
		var in struct{ Entries []entry }
		if err := json.Unmarshal(body, &in); err != nil {
			return nil, err
		}
		sent = append(sent, in.Entries...)
		return map[string]any{"Entries": []map[string]string{{"EventId": "1"}, {"ErrorCode": "InternalFailure"}}}, nil
	}
	server := httptest.NewServer(&awsjson.API{Version: "1.1", Operations: map[string]awsjson.Operation{"PutEvents": put}})
	t.Cleanup(server.Close)

	results := alertbus.New(localclient.Config(server.URL), "security").Put(t.Context(), []notifier.Event{
		{DetailType: "Malicious query", Detail: []byte(`{"n":1}`), Time: time.Unix(1796040000, 0)},
		{DetailType: "Storm", Detail: []byte(`{"n":2}`), Time: time.Unix(1796040001, 0)},
	})
	if len(results) != 2 || results[0] != nil || results[1] == nil {
		t.Errorf("results %v", results)
	}
	want := []entry{
		{EventBusName: "security", Source: "resolverwatch", DetailType: "Malicious query", Detail: `{"n":1}`, Time: 1796040000},
		{EventBusName: "security", Source: "resolverwatch", DetailType: "Storm", Detail: `{"n":2}`, Time: 1796040001},
	}
	if diff := cmp.Diff(want, sent); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}
