package operator

import (
	"cmp"
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/list"
	"github.com/resolverwatch/resolverwatch/pkg/table"
)

type noFeeds struct{}

func (noFeeds) Rows(context.Context) ([]table.FeedRow, error) { return nil, nil }

// A pointer to a missing index must be reported.
func TestOperator_Status_indexGone(t *testing.T) {
	t.Parallel()
	var b bucket
	b.publish(t, "a.example")
	b.publish(t, "b.example")
	o := operate(&b)
	o.Feeds = noFeeds{}
	for _, gone := range []bool{false, true} {
		if gone {
			delete(b.objects, b.current.Object)
		}
		s, err := o.Status(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if s.Current.Gone != gone || s.Current.Generation != 2 {
			t.Errorf("the pointer is %+v, want gone %v", s.Current, gone)
		}
	}
}

// A pointer that no publish could continue, or that never becomes stale, must be reported.
func TestOperator_Status_pointerProblem(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		change func(c *index.Current)
		want   string
	}{
		{func(*index.Current) {}, ""},
		{func(c *index.Current) { c.RenewedAt = start.Add(24*time.Hour + time.Minute) }, ""},
		{func(c *index.Current) { c.RenewedAt = start.AddDate(100, 0, 0) }, "in the future"},
		{func(c *index.Current) { c.Highest = math.MaxUint64 }, "highest 18446744073709551615"},
		{func(c *index.Current) { c.Highest = 0 }, "highest is 0"},
	} {
		var b bucket
		b.publish(t, "a.example")
		tc.change(&b.current)
		o := operate(&b)
		o.Feeds = noFeeds{}
		s, err := o.Status(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(s.PointerProblem, tc.want) || (s.PointerProblem == "") != (tc.want == "") || s.Current.Generation != 1 {
			t.Errorf("the problem is %q, want %q; the pointer is %+v", s.PointerProblem, tc.want, s.Current)
		}
	}
}

type feedRows []table.FeedRow

func (r feedRows) Rows(context.Context) ([]table.FeedRow, error) { return r, nil }

// A list that was accepted before the pointer was renewed, but is not in the index, was left out.
func TestOperator_Status_leftOut(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		version  string
		accepted time.Duration // before the pointer was renewed
		pinned   bool
		want     string
	}{
		{"v1", time.Hour, false, ""}, // it serves
		{"v2", time.Hour, false, "reports/f/v2.left-out.txt"},
		{"v2", -time.Minute, false, ""}, // it is not published yet
		{"v2", time.Hour, true, ""},
	} {
		var b bucket
		b.publish(t, "a.example")
		b.current.Pinned = tc.pinned
		o := operate(&b)
		o.Feeds = feedRows{{ID: "f", Attempt: table.Attempt{Version: "v3", Runs: 2}, Accepted: table.Acceptance{
			Action: indicator.ActionBlock, Version: tc.version, Snapshot: "accepted/f/" + tc.version, At: start.Add(-tc.accepted),
		}}}
		s, err := o.Status(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if f := s.Feeds[0]; f.LeftOut != tc.want || f.EndedRuns != 2 {
			t.Errorf("%+v: the feed is %+v, want the report %q", tc, f, tc.want)
		}
	}
}

// brokenFeeds cannot be read.
type brokenFeeds struct{}

func (brokenFeeds) Rows(context.Context) ([]table.FeedRow, error) { return nil, errBroken }

// brokenIndex cannot be read.
type brokenIndex struct{ Index }

func (brokenIndex) Current(context.Context) (index.Current, string, error) {
	return index.Current{}, "", errBroken
}

var errBroken = errors.New("broken")

// If the index or the feeds cannot be read, the other part is there, with an error.
func TestOperator_Status_partial(t *testing.T) {
	t.Parallel()
	var b bucket
	b.publish(t, "a.example")

	o := operate(&b)
	o.Feeds = brokenFeeds{}
	o.Words = func(error) string { return "in words" }
	s, err := o.Status(t.Context())
	if !errors.Is(err, errBroken) || s.Current.Generation != 1 || s.FeedsError != "in words" || s.IndexError != "" {
		t.Errorf("without feeds: %v: %+v", err, s)
	}

	o = operate(&b)
	o.Index, o.Feeds = brokenIndex{&b}, feedRows{{ID: "f"}}
	s, err = o.Status(t.Context())
	if !errors.Is(err, errBroken) || len(s.Feeds) != 1 || s.Current != nil || s.IndexError != "reading the index pointer: broken" {
		t.Errorf("without the index: %v: %+v", err, s)
	}
	if got := s.Problems(); !slices.Equal(got, []string{"the index could not be read"}) {
		t.Errorf("problems %q", got)
	}
}

// What is wrong with the index and the feeds is said in one line each.
func TestStatus_Problems(t *testing.T) {
	t.Parallel()
	now := start.Add(24 * time.Hour)
	current := func(change func(*CurrentIndex)) *Status {
		c := &CurrentIndex{Generation: 7, RenewedAt: now.Add(-6 * time.Hour)}
		change(c)
		return &Status{At: now, Current: c}
	}
	feed := func(f FeedStatus) *Status {
		s := current(func(*CurrentIndex) {})
		f.ID, f.Last.Outcome = "f", cmp.Or(f.Last.Outcome, list.OutcomeAccepted)
		s.Feeds = []FeedStatus{f}
		return s
	}
	for _, test := range []struct {
		status *Status
		want   []string
	}{
		{feed(FeedStatus{}), nil},
		{&Status{}, []string{"no index was published yet"}},
		{&Status{PointerProblem: "x"}, []string{"the index pointer is not valid"}},
		{current(func(c *CurrentIndex) { c.Gone = true }), []string{"the index object of generation 7 is gone"}},
		{current(func(c *CurrentIndex) { c.RenewedAt = now.Add(-7 * time.Hour) }), []string{"the index was not renewed for 7 h"}},
		{feed(FeedStatus{Last: LastList{Outcome: list.OutcomeRefused}}), []string{"feed f: its newest list was refused"}},
		{feed(FeedStatus{Last: LastList{Outcome: list.OutcomeForced}}), nil},
		{feed(FeedStatus{Fetch: &LastFetch{Failures: 1}}), []string{"feed f: fetches fail"}},
		{feed(FeedStatus{Missing: &now}), []string{"feed f: its list was deleted"}},
		{feed(FeedStatus{Expired: true, LeftOut: "report"}), []string{
			"feed f: its list is older than its maxAge", "feed f: its accepted list is left out of the index"}},
	} {
		if got := test.status.Problems(); !slices.Equal(got, test.want) {
			t.Errorf("%+v: problems %q, want %q", test.status, got, test.want)
		}
	}
}
