package sent_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	localdynamodb "github.com/resolverwatch/resolverwatch/internal/localaws/dynamodb"
	"github.com/resolverwatch/resolverwatch/pkg/awsio/sent"
	"github.com/resolverwatch/resolverwatch/pkg/notifier"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
	"github.com/resolverwatch/resolverwatch/pkg/storage"
	"github.com/resolverwatch/resolverwatch/test/localclient"
)

var _ notifier.Table = (*sent.Table)(nil)

// newTable returns a table in a local DynamoDB, and a client that reads it.
func newTable(t *testing.T, config localdynamodb.Config) (*sent.Table, *dynamodb.Client) {
	t.Helper()
	server := httptest.NewServer(localdynamodb.New(config))
	t.Cleanup(server.Close)
	aws := localclient.Config(server.URL)
	client := dynamodb.NewFromConfig(aws)
	createTable(t, client)
	return sent.NewTable(aws, "sent"), client
}

func createTable(t *testing.T, client *dynamodb.Client) {
	t.Helper()
	_, err := client.CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName:   aws.String("sent"),
		BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: aws.String(settings.SentTableKey), AttributeType: types.ScalarAttributeTypeS},
		},
		KeySchema: []types.KeySchemaElement{{AttributeName: aws.String(settings.SentTableKey), KeyType: types.KeyTypeHash}},
	})
	if err != nil {
		t.Fatal(err)
	}
}

var noon = time.Date(2026, 11, 30, 12, 0, 0, 123e6, time.UTC)

func fullRow() notifier.Sent {
	return notifier.Sent{
		CreatedAt: noon, FirstSeen: noon.Add(-time.Hour), LastSeen: noon.Add(-time.Minute),
		WindowFrom: noon.Add(time.Millisecond), LeaseUntil: noon.Add(3 * time.Minute), SentAt: noon.Add(time.Second),
		SentBefore: noon.Add(-24 * time.Hour), Delivered: []string{"bus", "hub"},
		Records: 41, Suppressed: 7, ExpiresAt: noon.Add(30 * 24 * time.Hour).Truncate(time.Second),
	}
}

// Rows come back as they were stored, with the next revision.
func TestTable_PutSent(t *testing.T) {
	t.Parallel()
	table, _ := newTable(t, localdynamodb.Config{})
	rows := map[string]notifier.Sent{"match#full": fullRow(), "match#empty": {ExpiresAt: time.Unix(0, 0).UTC()}}
	for key, row := range rows {
		if err := table.PutSent(t.Context(), key, row); err != nil {
			t.Fatal(err)
		}
		row.Revision++
		rows[key] = row
	}
	got, err := table.Sent(t.Context(), []string{"match#full", "match#none", "match#empty"})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(rows, got); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

// A write succeeds only if the row is as it was read.
func TestTable_revisions(t *testing.T) {
	t.Parallel()
	table, _ := newTable(t, localdynamodb.Config{})
	put := func(revision int64) error {
		row := fullRow()
		row.Revision = revision
		return table.PutSent(t.Context(), "match#1", row)
	}
	state := func(revision int64) error {
		return table.PutState(t.Context(), "cap#1", notifier.State{Revision: revision, Text: []byte("{}"), ExpiresAt: noon})
	}
	for _, write := range []func(int64) error{put, state} {
		for i, step := range []struct {
			revision int64
			want     error
		}{
			{1, storage.ErrConflict}, {0, nil}, {0, storage.ErrConflict}, {1, nil}, {1, storage.ErrConflict}, {3, storage.ErrConflict}, {2, nil},
		} {
			if err := write(step.revision); !errors.Is(err, step.want) {
				t.Errorf("step %d, revision %d: %v, want %v", i, step.revision, err, step.want)
			}
		}
	}
}

func TestTable_States(t *testing.T) {
	t.Parallel()
	table, _ := newTable(t, localdynamodb.Config{})
	var keys []string
	for n := range 192 { // more than DynamoDB returns at once
		key := fmt.Sprintf("digest#%d", n)
		keys = append(keys, key)
		if n%2 == 0 {
			if err := table.PutState(t.Context(), key, notifier.State{Text: fmt.Appendf(nil, `{"n":%d}`, n), ExpiresAt: noon.Truncate(time.Second)}); err != nil {
				t.Fatal(err)
			}
		}
	}
	states, err := table.States(t.Context(), keys)
	want := notifier.State{Revision: 1, Text: []byte(`{"n":190}`), ExpiresAt: noon.Truncate(time.Second)}
	if diff := cmp.Diff(want, states["digest#190"]); len(states) != 96 || err != nil || diff != "" {
		t.Errorf("%d states, %v (-want +got):\n%s", len(states), err, diff)
	}
}

// The command reads this row.
func TestTable_PutTest(t *testing.T) {
	t.Parallel()
	table, client := newTable(t, localdynamodb.Config{})
	for _, bus := range []string{"denied", "ok"} { // a repeat replaces the row
		err := table.PutTest(t.Context(), settings.SentTestKey("1"), notifier.TestOutcome{
			At: noon, ExpiresAt: noon.Add(24 * time.Hour), Bus: bus, Topic: "off", Hub: "InvalidAccess",
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	out, err := client.GetItem(t.Context(), &dynamodb.GetItemInput{
		TableName: aws.String("sent"), Key: map[string]types.AttributeValue{settings.SentTableKey: &types.AttributeValueMemberS{Value: "test#1"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for name, value := range out.Item {
		switch value := value.(type) {
		case *types.AttributeValueMemberS:
			got[name] = value.Value
		case *types.AttributeValueMemberN:
			got[name] = value.Value
		}
	}
	want := map[string]string{
		"key": "test#1", "at": "2026-11-30T12:00:00.123Z", "bus": "ok", "topic": "off", "hub": "InvalidAccess", "expires_at": "1796126400",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("row (-want +got):\n%s", diff)
	}
}

// DynamoDB leaves keys unprocessed to slow a reader down. They are read again.
func TestTable_Sent_unprocessed(t *testing.T) {
	t.Parallel()
	var left atomic.Int32
	left.Store(2)
	table, _ := newTable(t, localdynamodb.Config{
		Unprocessed: func(string, int) bool { return left.Add(-1) >= 0 },
	})
	for _, key := range []string{"match#1", "match#2"} {
		if err := table.PutSent(t.Context(), key, fullRow()); err != nil {
			t.Fatal(err)
		}
	}
	rows, err := table.Sent(t.Context(), []string{"match#1", "match#2"})
	if err != nil || len(rows) != 2 || left.Load() >= 0 {
		t.Errorf("%d rows, %v; %d more could have been left", len(rows), err, left.Load())
	}
}

// If DynamoDB fails, the error says so and is not a conflict.
func TestTable_fails(t *testing.T) {
	t.Parallel()
	var isDown atomic.Bool
	table, _ := newTable(t, localdynamodb.Config{Fault: func(string) error {
		if isDown.Load() {
			return localdynamodb.ErrThrottled
		}
		return nil
	}})
	isDown.Store(true)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := table.Sent(ctx, []string{"match#1"}); err == nil {
		t.Error("reading succeeds")
	}
	if err := table.PutSent(ctx, "match#1", fullRow()); err == nil || errors.Is(err, storage.ErrConflict) {
		t.Errorf("writing: %v", err)
	}
}
