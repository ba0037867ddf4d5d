package index_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/resolverwatch/resolverwatch/pkg/index"
)

// describe formats an answer as one line. It is empty for a clean answer.
func describe(m *index.Match) string {
	var b strings.Builder
	switch m.Outcome {
	case index.None:
	default:
		fmt.Fprintf(&b, "%v %s %v %v %v %d", m.Outcome, m.Indicator, m.Scope, m.Feeds, m.Severity, m.Confidence)
		if m.Category != "" {
			fmt.Fprintf(&b, " %s", m.Category)
		}
	}
	if m.Outcome == index.Allowed {
		fmt.Fprintf(&b, " by %s of %s", m.AllowedBy.Indicator, m.AllowedBy.Feed)
	}
	if m.AllowCovered {
		b.WriteString(" covered")
	}
	return strings.TrimSpace(b.String())
}

func TestIndex_Match(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		entries []string
		want    map[string]string // keyed by query; "" = clean
	}{{
		name: "scopes",
		entries: []string{
			"a block name name.example", "a block subtree tree.example", "a block under under.example",
		},
		want: map[string]string{
			"name.example":         "malicious name.example name [a] medium 50",
			"x.name.example":       "",
			"tree.example":         "malicious tree.example subtree [a] medium 50",
			"x.tree.example":       "malicious tree.example subtree [a] medium 50",
			"z.y.x.tree.example":   "malicious tree.example subtree [a] medium 50",
			"under.example":        "",
			"x.under.example":      "malicious under.example under [a] medium 50",
			"y.x.under.example":    "malicious under.example under [a] medium 50",
			"example":              "",
			".":                    "",
			"X.Tree.EXAMPLE.":      "malicious tree.example subtree [a] medium 50",
			"nottree.example":      "",
			"tree.example.test":    "",
			`c2=\046.tree.example`: "malicious tree.example subtree [a] medium 50",
		},
	}, {
		name:    "octets that no list contains end the walk but keep the match above them",
		entries: []string{"a block subtree evil.example", "a block subtree a.b.evil.example"},
		want: map[string]string{
			"x\x00y.evil.example":                        "malicious evil.example subtree [a] medium 50",
			"evil\x00example":                            "",
			"b\x00a.evil.example":                        "malicious evil.example subtree [a] medium 50",
			"a\x00b.evil.example":                        "malicious evil.example subtree [a] medium 50",
			`a\.b.evil.example`:                          "malicious evil.example subtree [a] medium 50",
			"\xff.a.b.evil.example":                      "malicious a.b.evil.example subtree [a] medium 50",
			`\069vil.example`:                            "",
			"evil.example\x00":                           "",
			"\x00evil.example":                           "",
			"x.a.b.evil.example":                         "malicious a.b.evil.example subtree [a] medium 50",
			strings.Repeat("a.", 100) + "b.evil.example": "malicious a.b.evil.example subtree [a] medium 50",
		},
	}, {
		name: "the deepest entry gives the indicator, all entries give the feeds",
		entries: []string{
			"b block subtree evil.example", "c block subtree x.evil.example", "a block subtree y.x.evil.example",
			"d block name x.evil.example", "e block under y.x.evil.example",
		},
		want: map[string]string{
			"evil.example":         "malicious evil.example subtree [b] medium 50",
			"x.evil.example":       "malicious x.evil.example name [b c d] medium 50",
			"y.x.evil.example":     "malicious y.x.evil.example subtree [a b c] medium 50",
			"z.y.x.evil.example":   "malicious y.x.evil.example subtree [a b c e] medium 50",
			"other.evil.example":   "malicious evil.example subtree [b] medium 50",
			"y.x.evil.example.com": "",
		},
	}, {
		name: "at the same depth, name comes before subtree before under",
		entries: []string{
			"a block under evil.example", "a block subtree evil.example", "b block name evil.example",
			"c block under other.example", "d block subtree other.example",
		},
		want: map[string]string{
			"evil.example":    "malicious evil.example name [a b] medium 50",
			"x.evil.example":  "malicious evil.example subtree [a] medium 50",
			"x.other.example": "malicious other.example subtree [c d] medium 50",
		},
	}, {
		name: "severity, then confidence, then feed id, then depth decide the metadata",
		entries: []string{
			"a block subtree evil.example critical 10 worm", "b block subtree x.evil.example high 90 bot",
			"c block subtree sure.example high 80 c", "d block subtree sure.example high 90 d",
			"f block subtree even.example low 1 f", "e block subtree even.example low 1 e",
			"a block subtree same.example low 1 above", "a block subtree x.same.example low 1 below",
		},
		want: map[string]string{
			"x.evil.example": "malicious x.evil.example subtree [a b] critical 10 worm",
			"sure.example":   "malicious sure.example subtree [c d] high 90 d",
			"even.example":   "malicious even.example subtree [e f] low 1 e",
			"x.same.example": "malicious x.same.example subtree [a] low 1 below",
		},
	}, {
		name: "an allow feed vetoes every feed, down to its depth",
		entries: []string{
			"a block subtree evil.example", "b block subtree bad.x.evil.example",
			"allow allow subtree x.evil.example",
		},
		want: map[string]string{
			"evil.example":         "malicious evil.example subtree [a] medium 50",
			"x.evil.example":       "allowed evil.example subtree [a] medium 50 by x.evil.example of allow covered",
			"y.x.evil.example":     "allowed evil.example subtree [a] medium 50 by x.evil.example of allow covered",
			"bad.x.evil.example":   "malicious bad.x.evil.example subtree [b] medium 50 covered",
			"q.bad.x.evil.example": "malicious bad.x.evil.example subtree [b] medium 50 covered",
			"y.evil.example":       "malicious evil.example subtree [a] medium 50",
		},
	}, {
		name: "a veto needs both entries to match, whatever their scopes",
		entries: []string{
			"a block name evil.example", "allow allow subtree evil.example",
			"a block subtree wide.example", "allow allow name wide.example",
			"a block subtree deep.example", "allow allow under deep.example",
		},
		want: map[string]string{
			"evil.example":   "allowed evil.example name [a] medium 50 by evil.example of allow covered",
			"x.evil.example": "covered",
			"wide.example":   "allowed wide.example subtree [a] medium 50 by wide.example of allow covered",
			"x.wide.example": "malicious wide.example subtree [a] medium 50",
			"deep.example":   "malicious deep.example subtree [a] medium 50",
			"x.deep.example": "allowed deep.example subtree [a] medium 50 by deep.example of allow covered",
		},
	}, {
		name: "an allow entry of a block feed vetoes only that feed",
		entries: []string{
			"a block subtree evil.example critical 90 a", "b block subtree evil.example low 10 b",
			"a allow subtree evil.example",
			"a block subtree alone.example", "a allow name x.alone.example",
		},
		want: map[string]string{
			"x.evil.example":  "malicious evil.example subtree [b] low 10 b",
			"x.alone.example": "allowed alone.example subtree [a] medium 50 by x.alone.example of a",
			"y.alone.example": "malicious alone.example subtree [a] medium 50",
		},
	}, {
		name: "vetoed entries do not count if others match",
		entries: []string{
			"a block subtree evil.example high 90 a", "b block subtree x.evil.example critical 99 b",
			"b allow subtree x.evil.example",
		},
		want: map[string]string{
			"x.evil.example": "malicious evil.example subtree [a] high 90 a",
		},
	}, {
		name: "allowed describes all vetoed entries",
		entries: []string{
			"a block subtree evil.example critical 90 worm", "b block name x.evil.example low 5 ad",
			"c allow subtree x.evil.example", "b allow subtree x.evil.example", "allow allow subtree x.evil.example",
		},
		want: map[string]string{
			"x.evil.example": "allowed x.evil.example name [a b] critical 90 worm by x.evil.example of allow covered",
		},
	}, {
		name: "allowed_by prefers vetoes of every feed, then the deepest, then scope and feed",
		entries: []string{
			"a block subtree one.example", "a allow subtree y.x.one.example", "allow1 allow subtree one.example",
			"a block subtree two.example", "allow2 allow subtree two.example", "allow1 allow subtree x.two.example",
			"a block subtree three.example", "allow2 allow name three.example", "allow1 allow subtree three.example",
			"a block subtree four.example", "allow2 allow name four.example", "allow1 allow name four.example",
			"a block subtree five.example", "b block subtree five.example",
			"b allow subtree five.example", "a allow subtree five.example", "c allow name five.example",
			"a block subtree six.example", "b block subtree x.six.example",
			"a allow subtree y.x.six.example", "b allow subtree x.six.example",
		},
		want: map[string]string{
			"y.x.one.example": "allowed one.example subtree [a] medium 50 by one.example of allow1 covered",
			"x.two.example":   "allowed two.example subtree [a] medium 50 by x.two.example of allow1 covered",
			"three.example":   "allowed three.example subtree [a] medium 50 by three.example of allow2 covered",
			"four.example":    "allowed four.example subtree [a] medium 50 by four.example of allow1 covered",
			"five.example":    "allowed five.example subtree [a b] medium 50 by five.example of a",
			"y.x.six.example": "allowed x.six.example subtree [a b] medium 50 by x.six.example of b",
		},
	}, {
		name:    "allow entries cover names that have no block entry",
		entries: []string{"allow allow subtree good.example", "a allow subtree fine.example"},
		want: map[string]string{
			"x.good.example": "covered",
			"fine.example":   "", // the feed cannot veto other feeds
			"goods.example":  "",
		},
	}, {
		name:    "a feed that vetoes all can block too",
		entries: []string{"allow-own block subtree evil.example", "allow-own allow name x.evil.example"},
		want: map[string]string{
			"evil.example":   "malicious evil.example subtree [allow-own] medium 50",
			"x.evil.example": "allowed evil.example subtree [allow-own] medium 50 by x.evil.example of allow-own covered",
		},
	}, {
		name:    "listed single labels",
		entries: []string{"a block subtree example", "b block name test", "b block subtree x.test"},
		want: map[string]string{
			"example":     "malicious example subtree [a] medium 50",
			"x.y.example": "malicious example subtree [a] medium 50",
			"test":        "malicious test name [b] medium 50",
			"y.test":      "",
			"x.test":      "malicious x.test subtree [b] medium 50",
			".":           "",
			"invalid":     "",
		},
	}, {
		name:    "only single labels",
		entries: []string{"a block under example"},
		want:    map[string]string{"example": "", "x.example": "malicious example under [a] medium 50", "x.test": ""},
	}, {
		name: "nothing listed",
		want: map[string]string{"evil.example": "", "example": "", ".": ""},
	}}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			x := open(t, build(t, parseAll(t, test.entries...)))
			var m index.Match // reused, as in production
			for name, want := range test.want {
				matched := x.Match(query(t, name), &m)
				if got := describe(&m); got != want {
					t.Errorf("%q:\n got %s\nwant %s", name, got, want)
				}
				if matched != (m.Outcome != index.None) {
					t.Errorf("%q: reports %v with outcome %v", name, matched, m.Outcome)
				}
			}
		})
	}
}

func TestIndex_Match_badName(t *testing.T) {
	t.Parallel()
	x := open(t, build(t, parseAll(t, "a block subtree evil.example")))
	var m index.Match
	q := query(t, "evil.example")
	if err := q.Set([]byte("x..evil.example")); err == nil {
		t.Fatal("the name must be bad")
	}
	if x.Match(q, &m) {
		t.Errorf("a bad name matches: %s", describe(&m))
	}
}

func TestIndex_MatchAddr(t *testing.T) {
	t.Parallel()
	x := open(t, build(t, parseAll(t,
		"a block cidr 192.0.2.0/24 high 60 net", "b block cidr 192.0.2.7/32 low 10 host",
		"a block cidr 192.0.2.128/25", "allow allow cidr 192.0.2.130/32", "allow allow cidr 192.0.2.192/26",
		"b block cidr 192.0.2.200/32",
		"a block cidr 2001:db8::/32", "b block cidr 2001:db8:1::/48", "b block cidr 2001:db8:1::5/128",
		"b allow cidr 2001:db8:1::/64",
		"a block cidr ::ffff:198.51.100.0/120", "a block cidr 203.0.113.77/28",
	)))
	tests := map[string]string{
		"192.0.2.1":        "malicious 192.0.2.0/24 cidr [a] high 60 net",
		"192.0.2.7":        "malicious 192.0.2.7 cidr [a b] high 60 net",
		"::ffff:192.0.2.7": "malicious 192.0.2.7 cidr [a b] high 60 net",
		"192.0.2.129":      "malicious 192.0.2.128/25 cidr [a] high 60 net",
		"192.0.2.130":      "allowed 192.0.2.128/25 cidr [a] high 60 net by 192.0.2.130 of allow covered",
		"192.0.2.193":      "allowed 192.0.2.128/25 cidr [a] high 60 net by 192.0.2.192/26 of allow covered",
		"192.0.2.200":      "malicious 192.0.2.200 cidr [b] medium 50 covered",
		"192.0.3.1":        "",
		"0.0.0.0":          "",
		"255.255.255.255":  "",
		"2001:db8::1":      "malicious 2001:db8::/32 cidr [a] medium 50",
		"2001:db8:1::5":    "malicious 2001:db8:1::5 cidr [a b] medium 50",
		"2001:db8:1::6":    "malicious 2001:db8::/32 cidr [a] medium 50",
		"2001:db8:1:1::6":  "malicious 2001:db8:1::/48 cidr [a b] medium 50",
		"2001:db8::1%eth0": "malicious 2001:db8::/32 cidr [a] medium 50",
		"2001:db9::":       "",
		"198.51.100.9":     "malicious 198.51.100.0/24 cidr [a] medium 50",
		"::ffff:c633:6409": "malicious 198.51.100.0/24 cidr [a] medium 50",
		"203.0.113.64":     "malicious 203.0.113.64/28 cidr [a] medium 50",
		"203.0.113.80":     "",
		"::":               "",
	}
	var m index.Match
	for address, want := range tests {
		matched := x.MatchAddr(netip.MustParseAddr(address), &m)
		if got := describe(&m); got != want {
			t.Errorf("%s:\n got %s\nwant %s", address, got, want)
		}
		if matched != (m.Outcome != index.None) {
			t.Errorf("%s: reports %v with outcome %v", address, matched, m.Outcome)
		}
	}
	if x.MatchAddr(netip.Addr{}, &m) {
		t.Errorf("no address matches: %s", describe(&m))
	}
}

// Blocks of all addresses have depth 0. A veto at that depth must count too.
func TestIndex_MatchAddr_everything(t *testing.T) {
	t.Parallel()
	x := open(t, build(t, parseAll(t, "a block cidr 0.0.0.0/0", "a block cidr ::/0", "allow allow cidr ::/0")))
	var m index.Match
	x.MatchAddr(netip.MustParseAddr("192.0.2.1"), &m)
	if got, want := describe(&m), "malicious 0.0.0.0/0 cidr [a] medium 50"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	x.MatchAddr(netip.MustParseAddr("2001:db8::1"), &m)
	if got, want := describe(&m), "allowed ::/0 cidr [a] medium 50 by ::/0 of allow covered"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// This test is not parallel, because allocations are counted for the whole process.
func TestIndex_Match_allocations(t *testing.T) {
	x := open(t, build(t, parseAll(t,
		"a block subtree evil.example", "b block name x.evil.example", "a allow subtree y.x.evil.example",
		"allow allow subtree good.example", "a block subtree good.example", "a block cidr 192.0.2.0/24",
		"allow allow cidr 192.0.2.128/25",
	)))
	var m index.Match
	for _, name := range []string{
		"clean.test", "x.evil.example", "y.x.evil.example", "x.good.example", strings.Repeat("a.", 120) + "evil.example",
	} {
		q := query(t, name)
		if allocations := testing.AllocsPerRun(100, func() { x.Match(q, &m) }); allocations != 0 {
			t.Errorf("%.20s: %v allocations", name, allocations)
		}
	}
	for _, address := range []string{"192.0.2.1", "192.0.2.200", "198.51.100.1", "2001:db8::1"} {
		a := netip.MustParseAddr(address)
		if allocations := testing.AllocsPerRun(100, func() { x.MatchAddr(a, &m) }); allocations != 0 {
			t.Errorf("%s: %v allocations", address, allocations)
		}
	}
}
