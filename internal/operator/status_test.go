package operator

import (
	"context"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
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
