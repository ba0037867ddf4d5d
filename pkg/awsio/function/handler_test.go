package function_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	localdynamodb "github.com/resolverwatch/resolverwatch/internal/localaws/dynamodb"
	locals3 "github.com/resolverwatch/resolverwatch/internal/localaws/s3"
	"github.com/resolverwatch/resolverwatch/pkg/awsio/bucket"
	"github.com/resolverwatch/resolverwatch/pkg/awsio/function"
	"github.com/resolverwatch/resolverwatch/pkg/awsio/parameter"
	awstable "github.com/resolverwatch/resolverwatch/pkg/awsio/table"
	"github.com/resolverwatch/resolverwatch/pkg/importer"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/list"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
	"github.com/resolverwatch/resolverwatch/pkg/snapshot"
	"github.com/resolverwatch/resolverwatch/test/localclient"
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
			name: "EventBridge, key not encoded",
			in: `{"version":"0","source":"aws.s3","detail-type":"Object Created","detail":{"bucket":{"name":"lists"},
				"object":{"key":"feeds/f/a+b%20c.txt","version-id":"x","sequencer":"0"},"reason":"PutObject"}}`,
			want: []importer.Trigger{{Key: "feeds/f/a+b%20c.txt"}},
		},
		{
			name: "EventBridge, deletion",
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
			name: "notification of a lifecycle rule, the same key twice",
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
			name: "test event of a new notification",
			in:   `{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"lists","Time":"2030-01-01T00:00:00.000Z"}`,
		},
		{
			name: "scheduled rule",
			in:   `{"version":"0","source":"aws.events","detail-type":"Scheduled Event","detail":{}}`,
			want: []importer.Trigger{{}},
		},
		{name: "our own: publish", in: `{"publish":true}`, want: []importer.Trigger{{}}},
		{
			name: "our own: feed", in: `{"feed":"f","force":"confirmed by phone"}`,
			want: []importer.Trigger{{Feed: "f", Force: "confirmed by phone"}},
		},
		{name: "other bucket", in: `{"source":"aws.s3","detail":{"bucket":{"name":"logs"},"object":{"key":"k"}}}`, wantErr: `not about a key in the list bucket "lists"`},
		{name: "no key", in: `{"source":"aws.s3","detail":{"bucket":{"name":"lists"}}}`, wantErr: "not about a key in the list bucket"},
		{name: "other records", in: `{"Records":[{"eventSource":"aws:sqs","body":"{}"}]}`, wantErr: `record from "aws:sqs": unknown event`},
		{name: "bad encoding", in: `{"Records":[{"eventSource":"aws:s3","s3":{"bucket":{"name":"lists"},"object":{"key":"%zz"}}}]}`, wantErr: "decoding the key"},
		{name: "bad feed id", in: `{"feed":"No Feed"}`, wantErr: `feed id "No Feed"`},
		{name: "no known member", in: `{"publish":false}`, wantErr: "unknown event"},
		{name: "empty object", in: `{}`, wantErr: "unknown event"},
		{name: "not JSON", in: `feeds/f`, wantErr: "decoding the event"},
		{name: "wrong type", in: `{"Records":"x"}`, wantErr: "decoding the event"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got, err := function.DecodeTriggers([]byte(tc.in), "lists")
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
		triggers, err := function.DecodeTriggers(event, "lists")
		for _, trigger := range triggers {
			if err == nil && trigger.Key != "" && trigger.Feed != "" {
				t.Errorf("trigger %+v has a key and a feed", trigger)
			}
		}
	})
}

// The handler runs the importer on the real adapters: after the events of some uploads, the
// index and the table contain what was uploaded.
func TestHandler_Invoke(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	var events []locals3.Event
	objects := localclient.S3(t, locals3.Config{OnEvent: func(e locals3.Event) { events = append(events, e) }})
	lists, table := bucket.NewLists(objects, localclient.Versioned), awstable.NewTable(localclient.DynamoDB(t, localdynamodb.Config{}), localclient.Table)
	store := bucket.NewIndex(objects, localclient.IndexBucket)
	handler, err := function.NewHandler(importer.Config{
		Lists: lists, Archive: lists, Rows: table, Entries: table, Pointer: store, Indexes: store,
		Settings: parameter.NewStore(localclient.Parameters(t, map[string]string{"/stack/feeds/hosts": `{"severity":"critical"}`}), "stack"),
		Guards:   list.Guards{Guards: settings.DefaultGuards()}, MaxIndexBytes: 1 << 20,
	}, localclient.Versioned)
	if err != nil {
		t.Fatal(err)
	}
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
	upload(t, objects, "feeds/hosts/list", "0.0.0.0 evil.example\n0.0.0.0 worse.example\n")
	upload(t, objects, "feeds/plain/list", "evil.example\n")
	send()
	upload(t, objects, "feeds/hosts/list", "0.0.0.0 evil.example\n")
	send()
	if _, err := handler.Invoke(ctx, []byte(`{"publish":true}`)); err != nil {
		t.Error(err)
	}
	if _, err := handler.Invoke(ctx, []byte(`{}`)); err == nil {
		t.Error("Invoke accepted an unknown event")
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
	got := collect(t, table, "hosts")
	if len(got) != 1 || got[0].Value() != "evil.example" || got[0].Severity.String() != "critical" || got[0].AddedAt.IsZero() {
		t.Errorf("table rows are %+v", got)
	}
	stored, err := store.Indexes(ctx)
	if err != nil || len(stored) != 3 {
		t.Errorf("stored %v, %v", stored, err)
	}
}

// collect returns the entries of a feed in the table.
func collect(t *testing.T, table *awstable.Table, feed indicator.FeedID) (entries []snapshot.Entry) {
	t.Helper()
	for entry, err := range table.Entries(t.Context(), feed) {
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, entry)
	}
	return entries
}

// upload writes a list to the list bucket.
func upload(t *testing.T, client *s3.Client, key, body string) {
	t.Helper()
	_, err := client.PutObject(t.Context(), &s3.PutObjectInput{
		Bucket: aws.String(localclient.Versioned), Key: &key, Body: strings.NewReader(body),
	})
	if err != nil {
		t.Fatal(err)
	}
}
