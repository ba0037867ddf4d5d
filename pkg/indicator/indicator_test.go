package indicator_test

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/domainname"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

func named(t *testing.T, text string) indicator.Indicator {
	t.Helper()
	name, err := domainname.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return indicator.Indicator{Name: name, Scope: indicator.ScopeSubtree, Action: indicator.ActionBlock}
}

func TestIndicator_Value(t *testing.T) {
	t.Parallel()
	for want, entry := range map[string]indicator.Indicator{
		"evil.example":  named(t, "Evil.example."),
		"192.0.2.1":     {Block: netip.MustParsePrefix("192.0.2.1/32"), Scope: indicator.ScopeCIDR},
		"192.0.2.0/24":  {Block: netip.MustParsePrefix("192.0.2.0/24"), Scope: indicator.ScopeCIDR},
		"2001:db8::1":   {Block: netip.MustParsePrefix("2001:db8::1/128"), Scope: indicator.ScopeCIDR},
		"2001:db8::/32": {Block: netip.MustParsePrefix("2001:db8::/32"), Scope: indicator.ScopeCIDR},
	} {
		if got := entry.Value(); got != want {
			t.Errorf("Value() = %q, want %q", got, want)
		}
		back := indicator.Indicator{Scope: entry.Scope, Action: entry.Action}
		if err := back.SetValue(want); err != nil || back != entry {
			t.Errorf("SetValue(%q) = %+v, %v", want, back, err)
		}
	}
}

func TestIndicator_SetValue_refuses(t *testing.T) {
	t.Parallel()
	for text, scope := range map[string]indicator.Scope{
		"evil..example": indicator.ScopeName, "evil.example": indicator.ScopeCIDR, "192.0.2.0/33": indicator.ScopeCIDR, "": indicator.ScopeCIDR,
	} {
		entry := indicator.Indicator{Scope: scope}
		if err := entry.SetValue(text); err == nil {
			t.Errorf("SetValue(%q) as %v is %+v", text, scope, entry)
		}
	}
}

func TestParseBlock_masks(t *testing.T) {
	t.Parallel()
	if got, err := indicator.ParseBlock("192.0.2.77/24"); err != nil || got != netip.MustParsePrefix("192.0.2.0/24") {
		t.Errorf("%v, %v", got, err)
	}
}

func TestIndicator_Compare(t *testing.T) {
	t.Parallel()
	a := named(t, "a.example")
	allowed, wider, b := a, a, named(t, "b.example")
	allowed.Action = indicator.ActionAllow
	wider.Scope = indicator.ScopeUnder
	want := []indicator.Indicator{a, allowed, wider, b}
	got := []indicator.Indicator{b, wider, allowed, a}
	slices.SortFunc(got, func(x, y indicator.Indicator) int { return x.Compare(&y) })
	if !slices.Equal(got, want) {
		t.Errorf("sorted: %v", got)
	}
	same := a
	same.Severity = indicator.SeverityCritical
	if a.Compare(&same) != 0 || a.Key() != same.Key() {
		t.Error("a rating is part of the key")
	}
}

func TestIndicator_Merge(t *testing.T) {
	t.Parallel()
	day := func(n int) time.Time { return time.Date(2026, 1, n, 0, 0, 0, 0, time.UTC) }
	a := named(t, "evil.example")
	a.Severity, a.Confidence, a.Category, a.FirstSeen, a.ExpiresAt = indicator.SeverityHigh, 10, "zeta", day(2), day(5)
	b := a
	b.Severity, b.Confidence, b.Category, b.FirstSeen, b.ExpiresAt = indicator.SeverityLow, 90, "alpha", day(1), day(9)
	a.Merge(&b)
	if a.Severity != indicator.SeverityHigh || a.Confidence != 10 || a.Category != "zeta" {
		t.Errorf("severity, confidence and category do not come from the more severe entry: %+v", a)
	}
	if a.FirstSeen != day(1) || a.ExpiresAt != day(9) {
		t.Errorf("lasts from %v to %v", a.FirstSeen, a.ExpiresAt)
	}
	b.ExpiresAt = time.Time{}
	a.Merge(&b)
	if !a.ExpiresAt.IsZero() {
		t.Error("an entry merged with one that never expires expires")
	}
}

// Repeated entries merge into the same entry, whatever their order.
func TestIndicator_Merge_anyOrder(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	var repeats []indicator.Indicator
	for range 6 {
		entry := named(t, "evil.example")
		entry.Severity = indicator.Severity(1 + random.IntN(3))
		entry.Confidence = indicator.Confidence(random.IntN(3))
		entry.Category = indicator.Category([]string{"a", "b", ""}[random.IntN(3)])
		entry.Reference = []string{"", "r1", "r2"}[random.IntN(3)]
		entry.FirstSeen = time.Unix(int64(random.IntN(3))*1000, 0)
		repeats = append(repeats, entry)
	}
	merge := func() indicator.Indicator {
		first := repeats[0]
		for i := range repeats[1:] {
			first.Merge(&repeats[i+1])
		}
		return first
	}
	want := merge()
	for range 200 {
		random.Shuffle(len(repeats), func(i, j int) { repeats[i], repeats[j] = repeats[j], repeats[i] })
		if got := merge(); got != want {
			t.Fatalf("%+v, want %+v", got, want)
		}
	}
}

func TestScope_Covers(t *testing.T) {
	t.Parallel()
	for scope, want := range map[indicator.Scope][3]bool{
		indicator.ScopeName:    {true, false, false},
		indicator.ScopeSubtree: {true, true, true},
		indicator.ScopeUnder:   {false, true, true},
		indicator.ScopeCIDR:    {},
	} {
		for depth := range want {
			if got := scope.Covers(depth); got != want[depth] {
				t.Errorf("%v.Covers(%d) = %v", scope, depth, got)
			}
		}
	}
}

func TestWords(t *testing.T) {
	t.Parallel()
	for _, word := range []string{"name", "subtree", "under"} {
		if scope, err := indicator.ParseScope(word); err != nil || scope.String() != word {
			t.Errorf("scope %q: %v, %v", word, scope, err)
		}
	}
	for _, word := range []string{"low", "medium", "high", "critical"} {
		if severity, err := indicator.ParseSeverity(strings.ToUpper(word)); err != nil || severity.String() != word {
			t.Errorf("severity %q: %v, %v", word, severity, err)
		}
	}
	for _, word := range []string{"block", "allow"} {
		if action, err := indicator.ParseAction(word); err != nil || action.String() != word {
			t.Errorf("action %q: %v, %v", word, action, err)
		}
	}
	for _, parse := range []func(string) error{
		func(s string) error { _, err := indicator.ParseScope(s); return err },
		func(s string) error { _, err := indicator.ParseSeverity(s); return err },
		func(s string) error { _, err := indicator.ParseAction(s); return err },
		func(s string) error { _, err := indicator.ParseConfidence(s); return err },
	} {
		for _, word := range []string{"", "cidr", "worst", "101", "-1"} {
			if err := parse(word); err == nil || !strings.Contains(err.Error(), "must be") {
				t.Errorf("%q: %v", word, err)
			}
		}
	}
	if got := indicator.Scope(9).String(); got != "invalid(9)" {
		t.Errorf("invalid scope: %q", got)
	}
}

func TestNewCategory(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]indicator.Category{
		"":                       "",
		" Malware Download ":     "malware download",
		"win.redline_stealer":    "win.redline_stealer",
		"a\x00b\u2028c":          "a_b_c",
		strings.Repeat("x", 100): indicator.Category(strings.Repeat("x", 64)),
	} {
		if got := indicator.NewCategory(in); got != want {
			t.Errorf("NewCategory(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestNewFeedID(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"default", "a", "9-x", "urlhaus.online_2", strings.Repeat("a", 64)} {
		if got, err := indicator.NewFeedID(id); err != nil || string(got) != id {
			t.Errorf("%q: %v", id, err)
		}
	}
	for _, id := range []string{"", "A", "-a", ".", "a/b", "a#b", "ä", "a b", strings.Repeat("a", 65)} {
		if _, err := indicator.NewFeedID(id); err == nil {
			t.Errorf("%q is accepted", id)
		}
	}
}
