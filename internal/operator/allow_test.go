package operator

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

func TestNewAllowEntry(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		text  string
		scope indicator.Scope
		want  string // value and scope, or part of the error
	}{
		{"Fine.Example.", 0, "fine.example subtree"},
		{"bücher.example", indicator.ScopeName, "xn--bcher-kva.example name"},
		{"github.io", indicator.ScopeUnder, "github.io under"},
		{"192.0.2.1", 0, "192.0.2.1 cidr"},
		{"::ffff:192.0.2.1", 0, "192.0.2.1 cidr"},
		{"192.0.2.7/24", 0, "192.0.2.0/24 cidr"},
		{"2001:db8::/32", 0, "2001:db8::/32 cidr"},
		{"com", 0, "a single label"},
		{".", 0, "cannot be allowed"},
		{"", 0, "cannot be allowed"},
		{"co.uk", 0, "a public suffix"},
		{"10.0.0.0/8", 0, "too many addresses"},
		{"::/0", 0, "too many addresses"},
		{"192.0.2.1", indicator.ScopeName, "--scope is only for names"},
		{"*.fine.example", 0, "cannot be allowed"},
		{"https://fine.example/", 0, "cannot be allowed"},
	} {
		entry, err := NewAllowEntry(tc.text, tc.scope)
		got := fmt.Sprint(err)
		if err == nil {
			got = fmt.Sprintf("%s %v", entry.Value(), entry.Scope)
			if entry.Action != indicator.ActionAllow {
				t.Errorf("%q: %v", tc.text, entry.Action)
			}
		}
		if !strings.Contains(got, tc.want) {
			t.Errorf("%q %v: %s, want %s", tc.text, tc.scope, got, tc.want)
		}
	}
}

// For every pair of a block entry and an allow entry, the plan must agree with the verdicts of
// the index on all names.
func TestOperator_PlanAllow_againstTheIndex(t *testing.T) {
	t.Parallel()
	names := []string{"b.example", "a.b.example", "b.b.example", "a.a.b.example", "c.example", "a.c.example"}
	asked := append([]string{"a.a.a.b.example", "a.b.b.example", "a.a.c.example", "b.c.example"}, names...)
	scopes := []indicator.Scope{indicator.ScopeName, indicator.ScopeSubtree, indicator.ScopeUnder}
	pairs := 0
	for _, blocked := range names {
		for _, allowed := range names {
			for _, blockScope := range scopes {
				for _, allowScope := range scopes {
					pairs++
					block := named(t, blocked, blockScope, indicator.ActionBlock)
					allow := named(t, allowed, allowScope, indicator.ActionAllow)
					vetoed, stillMatching := outcomes(t, &block, &allow, asked)
					plan := planOf(t, &block, &allow)
					if got := len(plan.Vetoed) == 1; got != vetoed {
						t.Errorf("block %s %v, allow %s %v: vetoed: got %v, want %v", blocked, blockScope, allowed, allowScope, got, vetoed)
					}
					if got := plan.StillMatching == 1; got != stillMatching {
						t.Errorf("block %s %v, allow %s %v: still matching: got %v, want %v", blocked, blockScope, allowed, allowScope, got, stillMatching)
					}
				}
			}
		}
	}
	t.Logf("%d pairs", pairs)
}

// outcomes reports whether some name is allowed by the pair, and whether some name that the
// allow entry covers is still malicious.
func outcomes(t *testing.T, block, allow *indicator.Indicator, asked []string) (vetoed, stillMatching bool) {
	t.Helper()
	x := indexOf(t, block, allow)
	for _, name := range asked {
		switch match(t, x, name) {
		case index.Allowed:
			vetoed = true
		case index.Malicious:
			stillMatching = stillMatching || match(t, indexOf(t, allowAsBlock(allow)), name) == index.Malicious
		case index.None:
		}
	}
	return vetoed, stillMatching
}

func allowAsBlock(allow *indicator.Indicator) *indicator.Indicator {
	block := *allow
	block.Action = indicator.ActionBlock
	return &block
}

func planOf(t *testing.T, block, allow *indicator.Indicator) *AllowPlan {
	t.Helper()
	var b bucket
	b.publishIndex(t, func(builder *index.Builder) {
		if err := builder.Add("f", block); err != nil {
			t.Fatal(err)
		}
	})
	plan, err := operate(&b).PlanAllow(context.Background(), *allow)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

func TestOperator_PlanAllow_addresses(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		block, allow          string
		vetoed, stillMatching int
	}{
		{"192.0.2.0/24", "192.0.2.1", 1, 0},
		{"192.0.2.1", "192.0.2.1", 1, 0},
		{"192.0.2.1", "192.0.2.0/24", 0, 1},
		{"192.0.2.0/24", "198.51.100.1", 0, 0},
		{"2001:db8::/48", "2001:db8::1", 1, 0},
		{"2001:db8::/48", "192.0.2.1", 0, 0},
	} {
		block, err := NewAllowEntry(tc.block, 0)
		if err != nil {
			t.Fatal(err)
		}
		allow, err := NewAllowEntry(tc.allow, 0)
		if err != nil {
			t.Fatal(err)
		}
		plan := planOf(t, allowAsBlock(&block), &allow)
		if len(plan.Vetoed) != tc.vetoed || plan.StillMatching != tc.stillMatching {
			t.Errorf("%s, allow %s: %d vetoed, %d still matching", tc.block, tc.allow, len(plan.Vetoed), plan.StillMatching)
		}
	}
}

func TestOperator_PlanAllow_nothingPublished(t *testing.T) {
	t.Parallel()
	allow, err := NewAllowEntry("fine.example", 0)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := operate(&bucket{}).PlanAllow(context.Background(), allow)
	if err != nil || plan.Index != nil || len(plan.Vetoed) != 0 {
		t.Errorf("%+v, %v", plan, err)
	}
}

func TestOperator_AwaitEdit(t *testing.T) {
	t.Parallel()
	allow, err := NewAllowEntry("fine.example", 0)
	if err != nil {
		t.Fatal(err)
	}
	var b bucket
	b.publish(t, "fine.example")
	if _, err := operate(&b).AwaitEdit(context.Background(), allow, true, 20*time.Millisecond); !errors.Is(err, ErrNotYet) {
		t.Errorf("not published: %v", err)
	}
	b.reads = 0
	b.onRead = func(n int) {
		switch n {
		case 3: // published without the entry, by a run that started earlier
			b.publish(t, "fine.example", "other.example")
		case 6:
			b.publishIndex(t, func(builder *index.Builder) {
				builder.Feed(indicator.ManualFeed, true)
				if err := builder.Add(indicator.ManualFeed, &allow); err != nil {
					t.Error(err)
				}
			})
		}
	}
	current, err := operate(&b).AwaitEdit(context.Background(), allow, true, time.Minute)
	if err != nil || current.Generation != 3 {
		t.Errorf("generation %d, %v", current.Generation, err)
	}
}
