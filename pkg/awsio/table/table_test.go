package table_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	gocmp "github.com/google/go-cmp/cmp"

	localdynamodb "github.com/resolverwatch/resolverwatch/internal/localaws/dynamodb"
	awstable "github.com/resolverwatch/resolverwatch/pkg/awsio/table"
	"github.com/resolverwatch/resolverwatch/pkg/domainname"
	"github.com/resolverwatch/resolverwatch/pkg/fetch"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/list"
	"github.com/resolverwatch/resolverwatch/pkg/reach"
	"github.com/resolverwatch/resolverwatch/pkg/snapshot"
	"github.com/resolverwatch/resolverwatch/pkg/storage"
	"github.com/resolverwatch/resolverwatch/pkg/table"
	"github.com/resolverwatch/resolverwatch/test/localclient"
)

var (
	_ table.FeedRows = (*awstable.Table)(nil)
	_ table.Entries  = (*awstable.Table)(nil)
)

func day(n int) time.Time { return time.Date(2030, 1, n, 1, 2, 3, 0, time.UTC) }

func TestTable_feedRows(t *testing.T) {
	t.Parallel()
	ctx, stored := context.Background(), awstable.NewTable(localclient.DynamoDB(t, localdynamodb.Config{PageItems: 2}), localclient.Table)
	full := table.FeedRow{
		ID: "full",
		Accepted: table.Acceptance{
			Action: indicator.ActionAllow, Key: "allow/full/list.txt", Version: "v1", Settings: "0a1b", Snapshot: "accepted/full/v1",
			Entries: 7, Bytes: 99, Cost: list.Cost{IndexBytes: 400, BuildBytes: 900}, Reach: reach.Reach{IPv4: 1 << 24, IPv6: 1 << 63},
			At: day(1), Confirmed: day(5), MaxAge: 36 * time.Hour,
		},
		High:    table.HighWater{Day: 20_000, Serving: table.Served{Entries: 7, Snapshot: "s"}, Daily: [8]table.Served{{Entries: 9}, {Entries: 8, Snapshot: "t"}, 7: {Entries: 1}}},
		Last:    table.Decision{Version: "v2", Outcome: list.OutcomeRefused, Reason: "shrink growth", At: day(2), Settings: "2c3d"},
		Table:   table.SyncState{Snapshot: "accepted/full/v0", Target: "none", Cursor: "a\tb\tc", Owner: "me", Until: day(3)},
		Missing: day(4),
		Attempt: table.Attempt{Version: "v3", Settings: "5a6b", Runs: 2, At: day(7), Until: day(8)},
		Fetch: table.FetchState{
			Source: "4e5f", Version: "v1", ETag: `"1"`, LastModified: "Tue, 01 Jan 2030 00:00:00 GMT", Outcome: fetch.RetryLater,
			Reason: "the server answers 429 Too Many Requests", At: day(6), RetryAt: day(7), Failures: 3,
		},
	}
	rows := []table.FeedRow{{ID: "bare"}, {ID: "c"}, {ID: "d"}, full, {ID: "z"}}
	for i := range rows {
		if err := stored.PutRow(ctx, rows[i]); err != nil {
			t.Fatal(err)
		}
		rows[i].Revision = 1
	}
	got, err := stored.Rows(ctx)
	if diff := gocmp.Diff(rows, got); diff != "" || err != nil {
		t.Errorf("rows: %v %s", err, diff)
	}
	for _, want := range rows {
		got, err := stored.Row(ctx, want.ID)
		if got != want || err != nil {
			t.Errorf("row is %+v, %v; want %+v", got, err, want)
		}
	}
	if got, err := stored.Row(ctx, "none"); got != (table.FeedRow{ID: "none"}) || err != nil {
		t.Errorf("a missing row is %+v, %v", got, err)
	}
}

func TestTable_rowConflicts(t *testing.T) {
	t.Parallel()
	ctx, stored := context.Background(), awstable.NewTable(localclient.DynamoDB(t, localdynamodb.Config{}), localclient.Table)
	first, second := table.FeedRow{ID: "f"}, table.FeedRow{ID: "f", Revision: 1}
	for _, step := range []struct {
		name string
		do   func() error
		want error
	}{
		{"delete a missing row", func() error { return stored.DeleteRow(ctx, second) }, storage.ErrConflict},
		{"change a missing row", func() error { return stored.PutRow(ctx, second) }, storage.ErrConflict},
		{"first", func() error { return stored.PutRow(ctx, first) }, nil},
		{"first again", func() error { return stored.PutRow(ctx, first) }, storage.ErrConflict},
		{"second", func() error { return stored.PutRow(ctx, second) }, nil},
		{"second again", func() error { return stored.PutRow(ctx, second) }, storage.ErrConflict},
		{"delete an old revision", func() error { return stored.DeleteRow(ctx, second) }, storage.ErrConflict},
		{"delete", func() error { return stored.DeleteRow(ctx, table.FeedRow{ID: "f", Revision: 2}) }, nil},
	} {
		if err := step.do(); !errors.Is(err, step.want) {
			t.Errorf("%s: %v, want %v", step.name, err, step.want)
		}
	}
}

func entry(t *testing.T, name string) snapshot.Entry {
	t.Helper()
	parsed, err := domainname.Parse(name)
	if err != nil {
		t.Fatal(err)
	}
	return snapshot.Entry{AddedAt: day(4), Indicator: indicator.Indicator{
		Name: parsed, Scope: indicator.ScopeSubtree, Action: indicator.ActionBlock,
		Severity: indicator.SeverityHigh, Confidence: 0, Category: "phishing",
	}}
}

func collect(t *testing.T, stored *awstable.Table, feed indicator.FeedID) (entries []snapshot.Entry, problems []string) {
	t.Helper()
	for entry, err := range stored.Entries(context.Background(), feed) {
		var bad *table.EntryError
		switch {
		case errors.As(err, &bad):
			problems = append(problems, err.Error())
		case err != nil:
			t.Fatal(err)
		default:
			entries = append(entries, entry)
		}
	}
	slices.SortFunc(entries, func(a, b snapshot.Entry) int { return a.Compare(&b.Indicator) })
	slices.Sort(problems)
	return entries, problems
}

func TestTable_Write_roundTrip(t *testing.T) {
	t.Parallel()
	ctx, stored := context.Background(), awstable.NewTable(localclient.DynamoDB(t, localdynamodb.Config{PageItems: 10}), localclient.Table)
	block := snapshot.Entry{Indicator: indicator.Indicator{
		Block: netip.MustParsePrefix("198.51.100.0/24"), Scope: indicator.ScopeCIDR, Action: indicator.ActionBlock,
		Severity: indicator.SeverityLow, Confidence: 100, Reference: "https://lists.example/1",
		FirstSeen: day(1), ExpiresAt: day(9),
	}}
	address := block
	address.Block = netip.MustParsePrefix("2001:db8::1/128")
	want := []snapshot.Entry{block, address}
	for i := range 60 {
		want = append(want, entry(t, fmt.Sprintf("n%02d.example", i)))
	}
	var changes []snapshot.Change
	for _, e := range want {
		changes = append(changes, snapshot.Change{Entry: e})
	}
	if err := stored.Write(ctx, "f", changes); err != nil {
		t.Fatal(err)
	}
	if err := stored.Write(ctx, "ff", changes[:5]); err != nil { // its id begins with the id of the other feed
		t.Fatal(err)
	}
	got, problems := collect(t, stored, "f")
	if diff := gocmp.Diff(texts(want), texts(got)); diff != "" || problems != nil {
		t.Errorf("%v %s", problems, diff)
	}
	for i := range changes {
		changes[i].Delete = i%2 == 0
	}
	if err := stored.Write(ctx, "f", changes); err != nil {
		t.Fatal(err)
	}
	if got, _ := collect(t, stored, "f"); len(got) != 31 {
		t.Errorf("%d of 62 entries remain, want every second", len(got))
	}
}

// texts returns entries as text, because go-cmp cannot compare domain names.
func texts(entries []snapshot.Entry) (lines []string) {
	for _, e := range entries {
		lines = append(lines, fmt.Sprintf("%s %v %v %v %v %q %q %v %v %v", e.Value(), e.Scope, e.Action,
			e.Severity, e.Confidence, e.Category, e.Reference, e.FirstSeen, e.ExpiresAt, e.AddedAt))
	}
	return lines
}

// DynamoDB refuses a batch that has a key twice, so Write makes only the last change.
func TestTable_Write_repeats(t *testing.T) {
	t.Parallel()
	ctx, stored := context.Background(), awstable.NewTable(localclient.DynamoDB(t, localdynamodb.Config{}), localclient.Table)
	one, other := entry(t, "one.example"), entry(t, "other.example")
	changed := one
	changed.Category = "malware"
	err := stored.Write(ctx, "f", []snapshot.Change{
		{Entry: one}, {Entry: other}, {Entry: changed}, {Entry: other, Delete: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	got, _ := collect(t, stored, "f")
	if diff := gocmp.Diff(texts([]snapshot.Entry{changed}), texts(got)); diff != "" {
		t.Error(diff)
	}
}

func TestTable_Write_patience(t *testing.T) {
	t.Parallel()
	var calls atomic.Int64
	stored := awstable.NewTable(localclient.DynamoDB(t, localdynamodb.Config{
		Unprocessed: func(_ string, position int) bool { return position%3 != 0 }, // two of three rows
		Fault: func(operation string) error {
			if operation == "BatchWriteItem" && calls.Add(1)%5 == 0 {
				return localdynamodb.ErrThrottled
			}
			return nil
		},
	}), localclient.Table)
	var changes []snapshot.Change
	for i := range 60 {
		changes = append(changes, snapshot.Change{Entry: entry(t, fmt.Sprintf("n%d.example", i))})
	}
	if err := stored.Write(context.Background(), "f", changes); err != nil {
		t.Fatal(err)
	}
	if got, _ := collect(t, stored, "f"); len(got) != len(changes) {
		t.Errorf("%d of %d rows were written", len(got), len(changes))
	}
}

// throttledTable returns an error for the first batches and then accepts all.
type throttledTable struct {
	awstable.API
	err   error
	times int // how often it returns err
	rows  int // accepted
}

func (t *throttledTable) BatchWriteItem(
	_ context.Context, in *dynamodb.BatchWriteItemInput, _ ...func(*dynamodb.Options),
) (*dynamodb.BatchWriteItemOutput, error) {
	if t.times--; t.times >= 0 {
		return nil, t.err
	}
	t.rows += len(in.RequestItems[localclient.Table])
	return &dynamodb.BatchWriteItemOutput{}, nil
}

func TestTable_Write_throttled(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		err  error
		want bool // whether Write retries
	}{
		{&types.ProvisionedThroughputExceededException{}, true},
		{&types.ThrottlingException{}, true}, // of an on-demand table
		{&types.RequestLimitExceeded{}, true},
		{&types.ResourceNotFoundException{}, false},
	} {
		api := &throttledTable{err: tc.err, times: 3}
		err := awstable.NewTable(api, localclient.Table).Write(context.Background(), "f", []snapshot.Change{{Entry: entry(t, "one.example")}})
		if (err == nil) != tc.want || (api.rows == 1) != tc.want {
			t.Errorf("%T: %d rows, %v", tc.err, api.rows, err)
		}
	}
}

func TestTable_Write_deadline(t *testing.T) {
	t.Parallel()
	stored := awstable.NewTable(localclient.DynamoDB(t, localdynamodb.Config{
		Unprocessed: func(string, int) bool { return true },
	}), localclient.Table)
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	err := stored.Write(ctx, "f", []snapshot.Change{{Entry: entry(t, "one.example")}})
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), localclient.Table) {
		t.Errorf("error %v, want the deadline and the name of the table", err)
	}
}

// Users edit the table by hand. A manual edit needs only the two keys.
func TestTable_Entries_ownEdits(t *testing.T) {
	t.Parallel()
	client := localclient.DynamoDB(t, localdynamodb.Config{})
	put := func(name, sort string, more map[string]types.AttributeValue) {
		item := map[string]types.AttributeValue{
			"name": &types.AttributeValueMemberS{Value: name}, "entry": &types.AttributeValueMemberS{Value: sort},
		}
		for key, value := range more {
			item[key] = value
		}
		_, err := client.PutItem(context.Background(), &dynamodb.PutItemInput{TableName: aws.String(localclient.Table), Item: item})
		if err != nil {
			t.Fatal(err)
		}
	}
	put("Evil.Example.", "manual#block#subtree", nil)
	put("198.51.100.9", "manual#block#cidr", nil)
	put("fine.example", "manual#allow#name", map[string]types.AttributeValue{
		"severity": &types.AttributeValueMemberS{Value: "High"}, "confidence": &types.AttributeValueMemberN{Value: "70"},
		"expires_at": &types.AttributeValueMemberN{Value: "1900000000"}, "reason": &types.AttributeValueMemberS{Value: "ours"},
	})
	put("not a name", "manual#block#name", nil)
	put("odd.example", "manual#block", nil)
	put("odd.example", "manual#drop#name", nil)
	put("odd.example", "manual#block#everything", nil)
	put("odd.example", "manual#block#name", map[string]types.AttributeValue{"confidence": &types.AttributeValueMemberN{Value: "101"}})
	put("odd.example", "manual#allow#name", map[string]types.AttributeValue{"first_seen": &types.AttributeValueMemberS{Value: "yesterday"}})

	got, problems := collect(t, awstable.NewTable(client, localclient.Table), indicator.ManualFeed)
	none := time.Time{}
	want := []string{
		fmt.Sprintf(`198.51.100.9 cidr block medium 50 "" "" %v %v %v`, none, none, none),
		fmt.Sprintf(`evil.example subtree block medium 50 "" "" %v %v %v`, none, none, none),
		fmt.Sprintf(`fine.example name allow high 70 "" "" %v %v %v`, none, time.Unix(1_900_000_000, 0).UTC(), none),
	}
	if diff := gocmp.Diff(want, texts(got)); diff != "" {
		t.Error(diff)
	}
	if len(problems) != 6 || !strings.HasPrefix(problems[0], "table row not a name manual#block#name: ") {
		t.Errorf("problems: %q", problems)
	}
}
