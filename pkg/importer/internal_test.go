package importer

// These tests are in the package because an import meets their cases only by accident.

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/list"
	"github.com/resolverwatch/resolverwatch/pkg/reach"
	"github.com/resolverwatch/resolverwatch/pkg/table"
)

// The feed that grew most is given up first, so growth decides who loses a list. Pointers of
// earlier versions have the number of entries alone.
func TestPlannedFeed_growth(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		accepted int64
		served   *index.CurrentFeed
		want     int64
	}{
		{"a new feed", 1_000, nil, 1_000},
		{"a feed that grew", 1_000, &index.CurrentFeed{Bytes: 400, Count: 7}, 600},
		{"a feed that shrank", 400, &index.CurrentFeed{Bytes: 1_000, Count: 7}, -600},
		{"a feed of an earlier version", 1_000, &index.CurrentFeed{Count: 7}, 650},
		{"an empty feed of an earlier version", 1_000, &index.CurrentFeed{}, 1_000},
	} {
		feed := plannedFeed{accepted: source{CurrentFeed: index.CurrentFeed{Bytes: tt.accepted}}, served: tt.served}
		if got := feed.growth(); got != tt.want {
			t.Errorf("%s: got %d, want %d", tt.name, got, tt.want)
		}
	}
}

// An index that cannot be used costs the feed that grew most its new list. Without such a feed the
// error stays.
func TestIndexPlan_giveUpFor_unusable(t *testing.T) {
	t.Parallel()
	unusable := &unusableError{}
	served := index.CurrentFeed{ID: "old", VersionID: "1", Bytes: 10, Snapshot: "one"}
	changed := index.CurrentFeed{ID: "old", VersionID: "2", Bytes: 20, Snapshot: "two"}
	for _, tt := range []struct {
		name  string
		feed  plannedFeed
		want  error
		after use
	}{
		{"a changed list", plannedFeed{accepted: source{CurrentFeed: changed}, served: &served}, nil, useServed},
		{"the same list", plannedFeed{accepted: source{CurrentFeed: served}, served: &served}, unusable, useAccepted},
	} {
		plan := &indexPlan{feeds: []plannedFeed{tt.feed}}
		if err := plan.giveUpFor(unusable); !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, err, tt.want)
		}
		if got := plan.feeds[0].use; got != tt.after {
			t.Errorf("%s: uses the %v, want the %v", tt.name, got, tt.after)
		}
	}
}

// oneRow stores the row of one feed.
type oneRow struct {
	table.FeedRows
	row table.FeedRow
	err error // of writes
}

func (o *oneRow) Row(context.Context, indicator.FeedID) (table.FeedRow, error) { return o.row, nil }

func (o *oneRow) PutRow(_ context.Context, row table.FeedRow) error {
	if o.err == nil {
		row.Revision++
		o.row = row
	}
	return o.err
}

// A read that failed for another reason than the list does not count. The runs that the list
// ended before do.
func TestAttempts_cancel(t *testing.T) {
	t.Parallel()
	errStore := errors.New("store is down")
	for _, tt := range []struct {
		name    string
		runs    int
		version string // of the attempt in the row; the list is version 1
		err     error
		want    table.Attempt
		logged  bool
	}{
		{name: "the first run", runs: 1, version: "1", want: table.Attempt{}},
		{name: "the second run", runs: 2, version: "1", want: table.Attempt{Version: "1", Runs: 1}},
		{name: "another version", runs: 1, version: "2", want: table.Attempt{Version: "2", Runs: 1}},
		{name: "the row cannot be written", runs: 1, version: "1", err: errStore, want: table.Attempt{Version: "1", Runs: 1}, logged: true},
	} {
		var log bytes.Buffer
		rows := &oneRow{row: table.FeedRow{Attempt: table.Attempt{Version: tt.version, Runs: tt.runs}}, err: tt.err}
		a := attempts{rows: rows, log: slog.New(slog.NewTextHandler(&log, nil))}
		a.cancel(t.Context(), &candidate{begun: true, report: &list.Report{Feed: "feed", Version: "1"}})

		if rows.row.Attempt != tt.want {
			t.Errorf("%s: got %+v, want %+v", tt.name, rows.row.Attempt, tt.want)
		}
		if logged := strings.Contains(log.String(), "note of an import stays"); logged != tt.logged {
			t.Errorf("%s: logged %q", tt.name, log.String())
		}
	}
}

// openWith returns an index with entries that are written as "scope name".
func openWith(t *testing.T, entries ...indicator.Indicator) *index.Index {
	t.Helper()
	b := index.NewBuilder()
	b.Feed("feed", false)
	for i := range entries {
		if err := b.Add("feed", &entries[i]); err != nil {
			t.Fatal(err)
		}
	}
	file, err := b.Build(index.Options{Generation: 1})
	if err != nil {
		t.Fatal(err)
	}
	opened, err := index.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	return opened
}

func blocking(t *testing.T, scope indicator.Scope, name string) indicator.Indicator {
	t.Helper()
	entry := indicator.Indicator{Scope: scope, Action: indicator.ActionBlock, Severity: indicator.SeverityHigh}
	if err := entry.SetValue(name); err != nil {
		t.Fatal(err)
	}
	return entry
}

// The check notes an entry before it is built in, so an index without it is refused, whatever
// the scope is.
func TestSelfCheck_missingEntry(t *testing.T) {
	t.Parallel()
	for _, scope := range []indicator.Scope{indicator.ScopeName, indicator.ScopeSubtree, indicator.ScopeUnder} {
		present, missing := blocking(t, scope, "evil.example"), blocking(t, scope, "lost.example")
		opened := openWith(t, present)

		check := newSelfCheck()
		check.note(&present)
		if err := check.run(opened, reach.NoBounds()); err != nil {
			t.Errorf("%v: %v", scope, err)
		}
		check.note(&missing)
		if err := check.run(opened, reach.NoBounds()); err == nil {
			t.Errorf("%v: an index without an entry passes", scope)
		}
	}
}

// VerifyIndex compares an index with its own entries, and all of them keep the bounds.
func TestVerifyIndex(t *testing.T) {
	t.Parallel()
	opened := openWith(t, blocking(t, indicator.ScopeSubtree, "evil.example"), blocking(t, indicator.ScopeCIDR, "9.0.0.0/8"))
	if err := VerifyIndex(opened, reach.NoBounds()); err != nil {
		t.Error(err)
	}
	var far *index.ReachError
	if err := VerifyIndex(opened, reach.Bounds{}); !errors.As(err, &far) {
		t.Errorf("with a bound of nothing: got %v, want a ReachError", err)
	}
}
