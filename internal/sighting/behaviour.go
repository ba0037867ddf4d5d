package sighting

import (
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/resolverwatch/resolverwatch/internal/term"
	"github.com/resolverwatch/resolverwatch/pkg/resolverlog"
)

// Behaviour finds hosts that no list betrays: those that send data in names, and those that
// query many domains that do not exist. Its memory is bounded, whatever the records are; see
// threshold. Only distinct names count, so duplicate and reordered records change nothing,
// and any number of watchers gives the same result.
type Behaviour struct {
	mu        sync.Mutex
	seed      maphash.Seed // of the keys of groups
	tunnels   *tunnels
	generated *generated
}

// NewBehaviour returns a Behaviour without records.
func NewBehaviour() *Behaviour { return newBehaviour(maxTunnelCells, maxGeneratedCells) }

func newBehaviour(tunnelCells, generatedCells int) *Behaviour {
	return &Behaviour{
		seed:      maphash.MakeSeed(),
		tunnels:   newTunnels(tunnelCells),
		generated: newGenerated(generatedCells),
	}
}

// Tunnels returns the hosts that sent data in names.
func (b *Behaviour) Tunnels() []Tunnel { return b.tunnels.found() }

// Generated returns the hosts that queried many domains that do not exist.
func (b *Behaviour) Generated() []Generated { return b.generated.found() }

// Watch returns a watcher that counts records. Watchers can be used at the same time.
func (b *Behaviour) Watch() *Watcher {
	return &Watcher{behaviour: b}
}

// Watcher counts the records of one goroutine. It remembers the queries that it counted
// last, because most queries of a host are repeats, which change nothing.
type Watcher struct {
	behaviour *Behaviour
	seen      [1 << 16]uint64 // hashes of queries, by their lowest bits
	splitter  splitter
	hours     hourParser

	key, scratch, name, account, vpc, address []byte
}

// outcome says what an answer means for the domain of its name.
type outcome byte

const (
	nothing  outcome = '0' // another RCODE, or DNS Firewall answered
	exists   outcome = '1'
	notThere outcome = '2'
)

func (w *Watcher) outcome(o *resolverlog.Object) outcome {
	rcode := o.Rcode.Decode(&w.scratch)
	found := nothing
	switch {
	case isFold(rcode, "NOERROR"):
		found = exists
	case isFold(rcode, "NXDOMAIN"):
		found = notThere
	}
	if isFold(o.FirewallAction.Decode(&w.scratch), "BLOCK") {
		return nothing
	}
	return found
}

// Count counts a record.
func (w *Watcher) Count(o *resolverlog.Object) {
	outcome := w.outcome(o)
	w.key = w.key[:0]
	for _, member := range [][]byte{o.AccountID.Raw(), o.VPCID.Raw(), o.SourceAddr.Raw(), o.QueryName.Raw()} {
		w.key = append(append(w.key, member...), '"') // raw text has no unescaped quote
	}
	w.key = append(appendDay(w.key, o), '"', byte(outcome))

	hash := maphash.Bytes(w.behaviour.seed, w.key)
	if last := &w.seen[hash%uint64(len(w.seen))]; *last != hash {
		*last = hash
		w.countNew(o, outcome)
	}
}

// appendDay appends the time of a record or, because the time of day does not matter, only
// its day if that is easy to tell.
func appendDay(dst []byte, o *resolverlog.Object) []byte {
	const day = len(time.DateOnly)
	stamp := o.QueryTimestamp.Raw()
	switch {
	case len(stamp) > day && stamp[len(stamp)-1] == 'Z' && !o.QueryTimestamp.Escaped():
		return append(dst, stamp[:day]...)
	case len(stamp) > 0:
		return append(dst, stamp...)
	default:
		return o.AppendTime(dst)
	}
}

// Names that are longer are not valid. They are left out, because the memory of a finding
// must be bounded.
const (
	maxNameBytes   = 4 * 255 // each octet is escaped
	maxDomainBytes = 255
)

// countNew counts a record that the watcher may not have counted before.
func (w *Watcher) countNew(o *resolverlog.Object, outcome outcome) {
	parts, ok := w.splitter.split(o.QueryName.Decode(&w.name))
	if !ok || len(parts.name) > maxNameBytes || len(parts.domain) > maxDomainBytes {
		return
	}
	w.scratch = o.AppendTime(w.scratch[:0])
	hour, ok := w.hours.parse(w.scratch)
	if !ok {
		return
	}
	day := floorDivide(hour, dayHours)

	seen := observed{
		account: o.AccountID.Decode(&w.account),
		vpc:     o.VPCID.Decode(&w.vpc),
		address: o.SourceAddr.Decode(&w.address),
		domain:  parts.domain,
		day:     day,
	}
	w.key = w.key[:0]
	for _, text := range [][]byte{seen.account, seen.vpc, seen.address} {
		w.key = append(binary.AppendUvarint(w.key, uint64(len(text))), text...)
	}
	w.key = binary.LittleEndian.AppendUint64(w.key, uint64(day)) //nolint:gosec // a key; a day before 1970 has one too
	end := len(w.key)
	w.key = append(w.key, parts.domain...)
	w.behaviour.add(&seen, parts, outcome, w.key, end)
}

// add counts a query. key identifies its host, up to hostDay its day, and its domain.
func (b *Behaviour) add(o *observed, parts splitName, outcome outcome, key []byte, hostDay int) {
	domainKey, nameHash, size := maphash.Bytes(b.seed, key), hashName(nil, parts.name), characters(parts.below)
	domainHash := hashName(o.account, parts.domain)

	b.mu.Lock()
	defer b.mu.Unlock()
	if size > 0 && !slices.Contains(tunnelExceptions, string(parts.domain)) {
		b.tunnels.add(domainKey, nameHash, size, o)
	}
	switch outcome {
	case nothing:
	case exists:
		b.generated.answer(domainHash)
	case notThere:
		b.generated.miss(maphash.Bytes(b.seed, key[:hostDay]), domainHash, o)
	}
}

// Print prints the findings.
func (b *Behaviour) Print(out io.Writer) {
	var rows [][]string
	for _, t := range b.Tunnels() {
		mean := fmt.Sprintf("%.1f", float64(t.Characters)/float64(t.Names))
		rows = append(rows, []string{t.Address, t.VPC, t.Registrable, date(t.Day), about(t.Names, t.Exact), about(t.Characters, t.Exact), mean})
	}
	printRows(out, fmt.Sprintf("Data in names: hosts with %d or more names of together %s or more characters below one domain in a day",
		minTunnelNames, thousands(minTunnelCharacters)),
		[]term.Column{term.Text("Host"), term.Text("VPC").Spare(), term.Text("Domain"), term.Word("Day"),
			term.Number("Names"), term.Number("Characters"), term.Number("Mean length").Spare()}, rows)
	printSampled(out, "names", b.tunnels.threshold)

	rows = nil
	for _, g := range b.Generated() {
		rows = append(rows, []string{g.Address, g.VPC, date(g.Day), about(g.Domains, g.Exact), fmt.Sprintf("%.1f", g.MeanLength),
			about(g.WithDigits, g.Exact), g.Example})
	}
	printRows(out, fmt.Sprintf("Generated names: hosts with %d or more domains in a day that do not exist", minGenerated),
		[]term.Column{term.Text("Host"), term.Text("VPC").Spare(), term.Word("Day"), term.Number("Domains"),
			term.Number("Mean length").Spare(), term.Number("With digits").Spare(), term.Text("Example")}, rows)
	printSampled(out, "domains", b.generated.threshold)
}

// printSampled says that only a sample was counted.
func printSampled(out io.Writer, what string, t threshold) {
	if t.halvings > 0 {
		fmt.Fprintf(out, "\nThere are too many %s to count all: 1 in %s was counted, and small findings may be missing; scan fewer days at a time\n",
			what, thousands(t.oneIn()))
	}
}

func date(day int64) string { return time.Unix(day*24*60*60, 0).UTC().Format(time.DateOnly) }

// about formats a count. An estimate begins with "~".
func about(count int, exact bool) string {
	if exact {
		return thousands(count)
	}
	return "~" + thousands(count)
}
