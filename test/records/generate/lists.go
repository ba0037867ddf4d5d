// Package generate makes lists and records for a transformer: records as Resolver writes them, in
// all shapes and envelopes, and records of an attacker or a broken tool. The same seed makes the
// same records.
//
// The package does not say what must happen to a record. Package check decides that from the
// bytes.
package generate

import (
	"fmt"
	"math/rand/v2"

	"github.com/resolverwatch/resolverwatch/test/records/check"
)

// AllowFeed is the allow feed. Its entries veto the entries of all feeds.
const AllowFeed = "partners"

// Feeds are the feeds of the lists.
var Feeds = []string{"botnets", "malware", "phishing", "own", AllowFeed}

const listedNames = 3000

// listedName returns the name of an entry. All are under reserved names (RFC 2606).
func listedName(i int) string {
	switch i % 4 {
	case 0:
		return fmt.Sprintf("c%d.evil.example", i)
	case 1:
		return fmt.Sprintf("bad%d.test", i)
	case 2:
		return fmt.Sprintf("a.b.c.n%d.deep.example", i)
	default:
		return fmt.Sprintf("_srv%d._tcp.x-%d.invalid", i, i)
	}
}

// Listed blocks, and addresses inside and outside of them.
var listedBlocks = []string{
	"192.0.2.0/25", "192.0.2.77/32", "198.51.100.0/24", "198.51.100.16/28", "2001:db8:bad::/48", "2001:db8:1::9/128",
}

var addresses = []string{
	"192.0.2.7", "192.0.2.77", "192.0.2.200", "198.51.100.20", "198.51.101.1", "203.0.113.9", "2001:db8:bad::7",
	"2001:db8:1::9", "2001:db8:1::8", "::ffff:192.0.2.7", "64:ff9b::c000:207", "64:ff9b::cb00:7109",
	"2001:DB8:BAD:0::7", "192.0.2.7%eth0", "fe80::1%1", "192.0.2.007", "not an address", "",
}

// Lists returns the entries of a generation. Each generation has entries that the others lack.
func Lists(seed, generation uint64) []check.Entry {
	r := rand.New(rand.NewPCG(seed, generation))
	var entries []check.Entry
	seen := map[[3]string]bool{}
	add := func(feed, scope, value string) {
		key := [3]string{feed, scope, value}
		if seen[key] {
			return
		}
		seen[key] = true
		entries = append(entries, check.Entry{
			Feed:       feed,
			Allow:      feed == AllowFeed || feed == "own" && r.IntN(2) == 0,
			Scope:      scope,
			Value:      value,
			Severity:   pick(r, []string{"low", "medium", "high", "critical"}),
			Confidence: r.IntN(101),
			Category:   pick(r, []string{"", "botnet_cc", "phishing", "malware", `say "what"`}),
		})
	}

	scopes := []string{"name", "subtree", "subtree", "under"}
	for i := range listedNames {
		for range 1 + r.IntN(3) {
			add(pick(r, Feeds[:4]), pick(r, scopes), listedName(i))
		}
		if r.IntN(20) == 0 {
			add(AllowFeed, pick(r, scopes), listedName(i))
		}
	}
	add("malware", "subtree", "evil.example")
	add(AllowFeed, "subtree", "fine.evil.example")
	add("own", "under", "deep.example")
	for _, block := range listedBlocks {
		add(pick(r, Feeds[:3]), "cidr", block)
		add(pick(r, Feeds), "cidr", block)
	}
	add("botnets", "name", fmt.Sprintf("only-%d.test", generation))
	return entries
}

func pick[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }
