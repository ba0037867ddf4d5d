package list_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/list"
	"github.com/resolverwatch/resolverwatch/pkg/reach"
)

// blocks returns n neighbouring IPv4 blocks of a prefix length, from 11.0.0.0 on.
func blocks(n, bits int) string {
	var b strings.Builder
	for i := range n {
		address := 11<<24 + uint32(i)<<(32-bits)
		fmt.Fprintf(&b, "%d.%d.%d.%d/%d\n", address>>24, address>>16&255, address>>8&255, address&255, bits)
	}
	return b.String()
}

// A list is refused if its blocks cover too much together, whatever the size of each is.
func TestRead_reach(t *testing.T) {
	t.Parallel()
	var networks strings.Builder
	for i := range 257 {
		fmt.Fprintf(&networks, "2600:%x::/32\n", i)
	}
	for _, test := range []struct {
		name   string
		in     string
		action indicator.Action
		codes  string
		reach  reach.Reach
		wide   int
	}{
		{name: "names", in: "evil.example\n"},
		{name: "addresses", in: "192.0.2.1\n192.0.2.2\n2001:db8::1\n", reach: reach.Reach{IPv4: 2, IPv6: 1}},
		{name: "a block and an address in it", in: "192.0.2.0/24\n192.0.2.2\n", reach: reach.Reach{IPv4: 256}, wide: 1},
		{name: "a block of hundreds", in: "198.51.100.0/24\n203.0.113.0/25\nevil.example\n", reach: reach.Reach{IPv4: 384}, wide: 1},
		{name: "a quarter million addresses", in: blocks(1<<18, 32), reach: reach.Reach{IPv4: 1 << 18}},
		{name: "256 of the widest blocks", in: blocks(256, 16), reach: reach.Reach{IPv4: 1 << 24}, wide: 256},
		{name: "257 of the widest blocks", in: blocks(257, 16), codes: "address_reach", reach: reach.Reach{IPv4: 257 << 16}, wide: 257},
		{name: "more smaller ones", in: blocks(2050, 19), codes: "address_reach", reach: reach.Reach{IPv4: 2050 << 13}, wide: 2050},
		{name: "every small block", in: blocks(200_000, 24), codes: "address_reach wide_blocks", reach: reach.Reach{IPv4: 200_000 << 8}, wide: 200_000},
		{name: "very small blocks", in: blocks(140_000, 25), codes: "address_reach", reach: reach.Reach{IPv4: 140_000 << 7}},
		{name: "many wide blocks", in: blocks(4097, 24), codes: "wide_blocks", reach: reach.Reach{IPv4: 4097 << 8}, wide: 4097},
		{name: "many IPv6 blocks", in: networks.String(), codes: "address_reach", reach: reach.Reach{IPv6: 257 << 32}, wide: 257},
		{name: "an allow list", in: blocks(257, 16), action: indicator.ActionAllow},
	} {
		_, summary, err := list.Read(strings.NewReader(test.in), list.Options{Action: test.action}, defaultGuards(), list.Hooks{})
		var refusals list.Refusals
		if err != nil && !errors.As(err, &refusals) {
			t.Fatalf("%s: %v", test.name, err)
		}
		if refusals.Codes() != test.codes || summary.Reach != test.reach || summary.Wide != test.wide {
			t.Errorf("%s: refused for %q, reach %v, %d wide; want %q, %v, %d",
				test.name, refusals.Codes(), summary.Reach, summary.Wide, test.codes, test.reach, test.wide)
		}
		if overridable := !strings.Contains(test.codes, "address_reach"); refusals.Overridable() != overridable {
			t.Errorf("%s: overridable is %v, want %v", test.name, refusals.Overridable(), overridable)
		}
	}
}

func TestRefuseTotalReach(t *testing.T) {
	t.Parallel()
	guards := defaultGuards()
	own := reach.Reach{IPv4: 1 << 20}
	if refusals := guards.RefuseTotalReach("f", own, reach.DefaultBounds().Total); refusals != nil {
		t.Errorf("at the bound: %v", refusals)
	}
	refusals := guards.RefuseTotalReach("f", own, reach.DefaultBounds().Total.Plus(reach.Reach{IPv6: 1}))
	if refusals.Codes() != "address_reach" || refusals.Overridable() {
		t.Errorf("above the bound: %v", refusals)
	}
}

// The bounds are settings: a deployment may raise and lower them.
func TestRead_reachSettings(t *testing.T) {
	t.Parallel()
	networks := blocks(300, 16)
	for _, test := range []struct {
		name, in string
		change   func(*list.Guards)
		codes    string
	}{
		{"raised", networks, func(g *list.Guards) { g.MaxFeedIPv4 = 300 << 16 }, ""},
		{"not enough", networks, func(g *list.Guards) { g.MaxFeedIPv4 = 300<<16 - 1 }, "address_reach"},
		{"another family", networks, func(g *list.Guards) { g.MaxFeedIPv6 = 1 << 50 }, "address_reach"},
		{"lowered", "192.0.2.0/25\n", func(g *list.Guards) { g.MaxFeedIPv4 = 100 }, "address_reach"},
		{"lowered for IPv6", "2001:db8::/56\n", func(g *list.Guards) { g.MaxFeedIPv6 = 255 }, "address_reach"},
		{"IPv6 at the bound", "2001:db8::/56\n", func(g *list.Guards) { g.MaxFeedIPv6 = 256 }, ""},
		{"more wide blocks", blocks(5000, 24), func(g *list.Guards) { g.MaxWideBlocks = 5000 }, ""},
		{"fewer wide blocks", blocks(3, 24), func(g *list.Guards) { g.MaxWideBlocks = 2 }, "wide_blocks"},
	} {
		guards := defaultGuards()
		before := guards.Fingerprint()
		test.change(&guards)
		_, _, err := list.Read(strings.NewReader(test.in), list.Options{}, guards, list.Hooks{})
		var refusals list.Refusals
		if err != nil && !errors.As(err, &refusals) || refusals.Codes() != test.codes {
			t.Errorf("%s: got %v, want %q", test.name, err, test.codes)
		}
		if guards.Fingerprint() == before {
			t.Errorf("%s: the fingerprint of the guards is the same, so that a refused list is not read again", test.name)
		}
	}

	guards := defaultGuards()
	guards.MaxTotalIPv4 = 1000
	if refusals := guards.RefuseTotalReach("f", reach.Reach{IPv4: 1}, reach.Reach{IPv4: 1001}); refusals.Codes() != "address_reach" {
		t.Errorf("above a lower bound for all feeds: %v", refusals)
	}
	if refusals := guards.RefuseTotalReach("f", reach.Reach{IPv4: 1}, reach.Reach{IPv4: 1000}); refusals != nil {
		t.Errorf("at a lower bound for all feeds: %v", refusals)
	}
}
