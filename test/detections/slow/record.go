// Package slow calculates the results of the behaviour queries (tunnels, nxdomain-domains,
// first-seen, beacons, own-resolvers) plainly: all records in, all rows out, with maps of
// everything. It is the oracle of the SQL and of the counters that scan uses.
package slow

import (
	"cmp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Record is one logged query.
type Record struct {
	Account, VPC, Address string

	At       time.Time
	Name     string // query_name, as logged
	RCODE    string
	Action   string // of DNS Firewall
	Verdict  string
	Category string   // of the threat that matched
	Feeds    []string // of the threat that matched
}

// Host identifies a machine.
type Host struct{ Account, VPC, Address string }

func (r *Record) host() Host { return Host{r.Account, r.VPC, r.Address} }

func (h Host) String() string { return h.Account + "/" + h.VPC + "/" + h.Address }

func compareHosts(a, b Host) int {
	return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.VPC, b.VPC), cmp.Compare(a.Address, b.Address))
}

// Exceptions are domains or names, and hosts as account/VPC/address, separated by spaces.
type Exceptions string

func (e Exceptions) have(domain string, host Host) bool {
	all := strings.Split(string(e), " ")
	return slices.Contains(all, domain) || slices.Contains(all, host.String())
}

// labels returns the labels of a name, with ASCII letters in lower case. Empty labels are
// left out.
func labels(name string) (found []string) {
	lower := []byte(name)
	for i, c := range lower {
		if 'A' <= c && c <= 'Z' {
			lower[i] = c + 'a' - 'A'
		}
	}
	for label := range strings.SplitSeq(string(lower), ".") {
		if label != "" {
			found = append(found, label)
		}
	}
	return found
}

// local reports whether a name is of no domain that anybody can register.
func local(labels []string) bool {
	return len(labels) == 0 ||
		slices.Contains([]string{"arpa", "internal", "local", "lan", "home", "corp"}, labels[len(labels)-1])
}

var secondLevels = []string{"co", "com", "net", "org", "gov", "ac", "edu", "or", "ne", "go", "gob", "mil"}

// Registrable returns the registrable domain of a name, the label that makes it one, and the
// labels below it. ok is false if there is none.
func Registrable(name string) (domain, label string, below []string, ok bool) {
	all := labels(name)
	keep := 2
	if n := len(all); n > 2 && utf8.RuneCountInString(all[n-1]) == 2 && slices.Contains(secondLevels, all[n-2]) {
		keep = 3
	}
	if local(all) || len(all) < keep {
		return "", "", nil, false
	}
	at := len(all) - keep
	return strings.Join(all[at:], "."), all[at], all[:at], true
}
