// Package made generates a day of query logs: a fleet of ordinary machines, services whose
// names look odd, and machines with tunnels, generated names and beacons. Every name comes
// from a rule and a seed, none from a list, so that detections can be measured without data
// of others.
package made

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/resolverwatch/resolverwatch/test/detections/slow"
)

// Day is the day of the logs.
var Day = time.Date(2026, time.October, 15, 0, 0, 0, 0, time.UTC)

const account = "111122223333"

// Kind describes a host, and the finding that it must give.
type Kind struct {
	Name string // of the rule that made its queries
	Pace string // how fast it queries: see Paces
	What What
}

// What is to be found on a host.
type What string

// The things to be found.
const (
	Nothing   What = "nothing" // the host is ordinary
	Tunnel    What = "tunnel"
	Generated What = "generated names"
	Beacon    What = "beacon"
)

// Log is a day of a fleet.
type Log struct {
	Records []slow.Record
	Hosts   map[slow.Host]Kind
}

// maker makes one log.
type maker struct {
	*rand.Rand
	log *Log
}

// Fleet returns the logs of ordinary hosts and of all others.
func Fleet(seed uint64) *Log {
	m := &maker{rand.New(rand.NewPCG(seed, 1)), &Log{Hosts: map[slow.Host]Kind{}}}
	m.ordinary()
	m.odd()
	m.tunnels()
	m.families()
	m.beacons()
	slices.SortStableFunc(m.log.Records, func(a, b slow.Record) int { return a.At.Compare(b.At) })
	return m.log
}

// host adds a host. Every host is in one of three VPCs.
func (m *maker) host(kind Kind) *machine {
	n := len(m.log.Hosts)
	host := slow.Host{Account: account, VPC: fmt.Sprintf("vpc-%d", n%3), Address: fmt.Sprintf("10.%d.%d.%d", n%3, n/250, n%250+1)}
	m.log.Hosts[host] = kind
	return &machine{m, host}
}

// machine is a host that makes queries.
type machine struct {
	*maker
	host slow.Host
}

// ask adds a query at a time of the day.
func (m *machine) ask(at time.Duration, name, rcode string) {
	m.log.Records = append(m.log.Records, slow.Record{
		Account: m.host.Account, VPC: m.host.VPC, Address: m.host.Address,
		At: Day.Add(at.Truncate(time.Second)), Name: name + ".", RCODE: rcode, Verdict: "clean",
	})
}

// RCODEs of the made queries.
const (
	noError  = "NOERROR"
	nxDomain = "NXDOMAIN"
)

const day = 24 * time.Hour

// anytime returns a random time of the day.
func (m *maker) anytime() time.Duration { return time.Duration(m.Int64N(int64(day))) }

// chars returns n random characters of an alphabet.
func (m *maker) chars(n int, alphabet string) string {
	text := make([]byte, n)
	for i := range text {
		text[i] = alphabet[m.IntN(len(alphabet))]
	}
	return string(text)
}

// pick returns one of several.
func pick[T any](m *maker, all []T) T { return all[m.IntN(len(all))] }

const (
	letters = "abcdefghijklmnopqrstuvwxyz"
	digits  = "0123456789"
	hexes   = "0123456789abcdef"
)

// between returns a number from low to high.
func (m *maker) between(low, high int) int { return low + m.IntN(high-low+1) }
