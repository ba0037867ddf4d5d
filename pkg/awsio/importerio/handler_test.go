package importerio_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	localdynamodb "github.com/resolverwatch/resolverwatch/internal/localaws/dynamodb"
	locals3 "github.com/resolverwatch/resolverwatch/internal/localaws/s3"
	"github.com/resolverwatch/resolverwatch/pkg/awsio/importerio"
	"github.com/resolverwatch/resolverwatch/pkg/importer"
	"github.com/resolverwatch/resolverwatch/pkg/list"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

func TestDecodeTriggers(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name    string
		in      string
		want    []importer.Trigger
		wantErr string
	}{
		{
			name: "EventBridge, the key as it is",
			in: `{"version":"0","source":"aws.s3","detail-type":"Object Created","detail":{"bucket":{"name":"lists"},
				"object":{"key":"feeds/f/a+b%20c.txt","version-id":"x","sequencer":"0"},"reason":"PutObject"}}`,
			want: []importer.Trigger{{Key: "feeds/f/a+b%20c.txt"}},
		},
		{
			name: "EventBridge, a deletion",
			in: `{"source":"aws.s3","detail-type":"Object Deleted","detail":{"bucket":{"name":"lists"},
				"object":{"key":"feeds/f/x"},"deletion-type":"Delete Marker Created"}}`,
			want: []importer.Trigger{{Key: "feeds/f/x"}},
		},
		{
			name: "EventBridge, an old version expired",
			in: `{"source":"aws.s3","detail-type":"Object Deleted","detail":{"bucket":{"name":"lists"},
				"object":{"key":"feeds/f/x","version-id":"old"},"reason":"Lifecycle Expiration","deletion-type":"Permanently Deleted"}}`,
			want: []importer.Trigger{{Key: "feeds/f/x"}},
		},
		{
			name: "notification of a lifecycle rule, one key twice",
			in: `{"Records":[
				{"eventSource":"aws:s3","eventName":"LifecycleExpiration:DeleteMarkerCreated","s3":{"bucket":{"name":"lists"},"object":{"key":"feeds/f/x"}}},
				{"eventSource":"aws:s3","eventName":"LifecycleExpiration:Delete","s3":{"bucket":{"name":"lists"},"object":{"key":"feeds/f/x"}}}]}`,
			want: []importer.Trigger{{Key: "feeds/f/x"}, {Key: "feeds/f/x"}},
		},
		{
			name: "EventBridge, a folder",
			in:   `{"source":"aws.s3","detail-type":"Object Created","detail":{"bucket":{"name":"lists"},"object":{"key":"feeds/f/"}}}`,
			want: []importer.Trigger{{Key: "feeds/f/"}},
		},
		{
			name: "notification, keys form-encoded",
			in: `{"Records":[
				{"eventSource":"aws:s3","eventName":"ObjectCreated:Put","s3":{"bucket":{"name":"lists"},"object":{"key":"feeds/f/a+b%2Bc.txt"}}},
				{"eventSource":"aws:s3","eventName":"ObjectRemoved:Delete","s3":{"bucket":{"name":"lists"},"object":{"key":"allow/g/%C3%BC"}}}]}`,
			want: []importer.Trigger{{Key: "feeds/f/a b+c.txt"}, {Key: "allow/g/ü"}},
		},
		{
			name: "the test of a new notification",
			in:   `{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"lists","Time":"2030-01-01T00:00:00.000Z"}`,
		},
		{
			name: "rule on a schedule",
			in:   `{"version":"0","source":"aws.events","detail-type":"Scheduled Event","detail":{}}`,
			want: []importer.Trigger{{}},
		},
		{name: "own: publish", in: `{"publish":true}`, want: []importer.Trigger{{}}},
		{
			name: "own: feed", in: `{"feed":"f","force":"on the phone"}`,
			want: []importer.Trigger{{Feed: "f", Force: "on the phone"}},
		},
		{name: "other bucket", in: `{"source":"aws.s3","detail":{"bucket":{"name":"logs"},"object":{"key":"k"}}}`, wantErr: `must be of bucket "lists"`},
		{name: "no key", in: `{"source":"aws.s3","detail":{"bucket":{"name":"lists"}}}`, wantErr: "must be of bucket"},
		{name: "other records", in: `{"Records":[{"eventSource":"aws:sqs","body":"{}"}]}`, wantErr: `record of "aws:sqs": unknown event`},
		{name: "bad encoding", in: `{"Records":[{"eventSource":"aws:s3","s3":{"bucket":{"name":"lists"},"object":{"key":"%zz"}}}]}`, wantErr: "decoding the key"},
		{name: "bad feed id", in: `{"feed":"No Feed"}`, wantErr: `feed id "No Feed"`},
		{name: "nothing known", in: `{"publish":false}`, wantErr: "unknown event"},
		{name: "empty object", in: `{}`, wantErr: "unknown event"},
		{name: "no JSON", in: `feeds/f`, wantErr: "decoding the event"},
		{name: "wrong type", in: `{"Records":"x"}`, wantErr: "decoding the event"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got, err := importerio.DecodeTriggers([]byte(tc.in), "lists")
			if tc.wantErr != "" {
				if err == nil || !strings.Contains(err.Error(), tc.wantErr) {
					t.Errorf("error %v, want one with %q", err, tc.wantErr)
				}
				return
			}
			if diff := cmp.Diff(tc.want, got); diff != "" || err != nil {
				t.Errorf("%v %s", err, diff)
			}
		})
	}
}

func FuzzDecodeTriggers(f *testing.F) {
	f.Add([]byte(`{"publish":true}`))
	f.Add([]byte(`{"Records":[{"eventSource":"aws:s3","s3":{"bucket":{"name":"lists"},"object":{"key":"feeds/f/a+b"}}}]}`))
	f.Add([]byte(`{"source":"aws.s3","detail":{"bucket":{"name":"lists"},"object":{"key":"feeds/f/x"}}}`))
	f.Fuzz(func(t *testing.T, event []byte) {
		triggers, err := importerio.DecodeTriggers(event, "lists")
		for _, trigger := range triggers {
			if err == nil && trigger.Key != "" && trigger.Feed != "" {
				t.Errorf("trigger %+v is two at once", trigger)
			}
		}
	})
}

// The real adapters under the real core: the events that the uploads cause bring the
// index and the table to what was uploaded.
func TestHandler_Invoke(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	var events []locals3.Event
	objects := localS3(t, locals3.Config{OnEvent: func(e locals3.Event) { events = append(events, e) }})
	lists, table := importerio.NewLists(objects, versioned), importerio.NewTable(localTable(t, localdynamodb.Config{}), tableName)
	store := importerio.NewIndexStore(objects, indexBucket)
	core, err := importer.New(importer.Config{
		Lists: lists, Archive: lists, Rows: table, Entries: table, Pointer: store, Indexes: store,
		Settings: importerio.NewParameters(localSSM(t, map[string]string{"/stack/feeds/hosts": `{"severity":"critical"}`}), "stack"),
		Guards:   list.Guards{Guards: settings.DefaultGuards()}, MaxIndexBytes: 1 << 20,
	})
	if err != nil {
		t.Fatal(err)
	}
	handler := importerio.Handler{Importer: core, ListBucket: versioned, Log: slog.New(slog.DiscardHandler)}
	send := func() {
		t.Helper()
		pending := events
		events = nil
		for _, event := range pending {
			if !strings.HasPrefix(event.Detail.Object.Key, settings.BlockPrefix) {
				continue
			}
			text, err := json.Marshal(event)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := handler.Invoke(ctx, text); err != nil {
				t.Fatal(err)
			}
		}
	}
	upload(t, objects, versioned, "feeds/hosts/list", "0.0.0.0 evil.example\n0.0.0.0 worse.example\n")
	upload(t, objects, versioned, "feeds/plain/list", "evil.example\n")
	send()
	upload(t, objects, versioned, "feeds/hosts/list", "0.0.0.0 evil.example\n")
	send()
	if _, err := handler.Invoke(ctx, []byte(`{"publish":true}`)); err != nil {
		t.Error(err)
	}
	if _, err := handler.Invoke(ctx, []byte(`{}`)); err == nil {
		t.Error("an unknown event is no error")
	}

	current, _, err := store.Current(ctx)
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]int{}
	for _, feed := range current.Feeds {
		counts[string(feed.ID)] = feed.Count
	}
	if diff := cmp.Diff(map[string]int{"hosts": 1, "plain": 1}, counts); diff != "" || current.Generation != 3 {
		t.Errorf("CURRENT is generation %d: %s", current.Generation, diff)
	}
	got, _ := collect(t, table, "hosts")
	if len(got) != 1 || got[0].Value() != "evil.example" || got[0].Severity.String() != "critical" || got[0].AddedAt.IsZero() {
		t.Errorf("table rows are %v", texts(got))
	}
	stored, err := store.Indexes(ctx)
	if err != nil || len(stored) != 3 {
		t.Errorf("stored %v, %v", stored, err)
	}
}
