package sighting

import (
	"cmp"
	"math"
	"slices"
	"strings"
)

// The rule of a tunnel, per host, registrable domain and day. These are the defaults of the
// named query too.
const (
	minTunnelNames      = 100
	minTunnelCharacters = 4000
)

// tunnelExceptions are the registrable domains of services that write ids and hashes into
// names. They are the default of the named query too.
var tunnelExceptions = strings.Fields("amazonaws.com cloudfront.net spamhaus.org mcafee.com sophosxl.net")

// Tunnel is a host that queried many long names below one domain on a day.
type Tunnel struct {
	Host
	Registrable string
	Day         int64 // days since 1970
	Names       int   // distinct names below the domain
	Characters  int   // of the labels below the domain
	Exact       bool  // the counts are not estimates
}

// domainDay is a registrable domain that a host queried on a day. It has no pointers,
// because there are many and the garbage collector would visit each.
type domainDay struct {
	host   uint32 // index into hosts
	day    int32  // days since 1970
	domain uint32 // offset into texts
	length uint8  // of the domain
	count  uint8  // of few
	many   uint32 // 1 + the index into many, if the names do not fit into few
	few    [fewNames]uint64
}

// fewNames is how many names a domainDay holds itself. Most have no more.
const fewNames = 3

// tunnels samples the names below each domain that each host queried on each day.
type tunnels struct {
	threshold
	groups map[uint64]uint32 // indexes into list, by a hash of host, day and domain
	list   []domainDay
	texts  []byte   // the domains
	many   []sample // names of larger groups
	hosts  []Host
	hostID map[Host]uint32 // indexes into hosts
	cells  int             // memory in use, in words
	most   int             // bound of cells
}

const (
	wordBytes = 8
	// groupCells is what a group needs besides its names and texts, in words.
	groupCells = 12
	// maxTunnelCells allows about 64 MiB: half a million domains of hosts on days.
	maxTunnelCells = 8 << 20
)

func newTunnels(most int) *tunnels {
	return &tunnels{groups: map[uint64]uint32{}, hostID: map[Host]uint32{}, most: most}
}

// observed is a query that tunnels and generated names are found from. Its texts are valid
// only during a call.
type observed struct {
	account, vpc, address []byte
	domain                []byte
	day                   int64
}

// add counts a name below a domain. key is a hash of host, day and domain.
func (t *tunnels) add(key, hash uint64, characters int, o *observed) {
	entry := sampled(hash, characters)
	if !t.admits(entry) {
		return
	}
	at, known := t.groups[key]
	if !known {
		at = t.addGroup(key, o)
	}
	if t.addName(&t.list[at], entry) {
		t.cells++
	}
	for t.cells > t.most {
		t.halve()
	}
}

func (t *tunnels) addGroup(key uint64, o *observed) (at uint32) {
	host, known := t.hostID[Host{string(o.account), string(o.vpc), string(o.address)}] // does not allocate
	if !known {
		host = uint32(len(t.hosts)) //nolint:gosec // there are at most as many as cells
		t.hosts = append(t.hosts, Host{string(o.account), string(o.vpc), string(o.address)})
		t.hostID[t.hosts[host]] = host
	}
	group := domainDay{
		host:   host,
		day:    int32(o.day),         //nolint:gosec // a year has four digits
		domain: uint32(len(t.texts)), //nolint:gosec // there are at most eight times as many as cells
		length: uint8(len(o.domain)), //nolint:gosec // at most maxDomainBytes
	}
	t.texts = append(t.texts, o.domain...)
	at = uint32(len(t.list)) //nolint:gosec // there are at most as many as cells
	t.list = append(t.list, group)
	t.groups[key] = at
	t.cells += t.cellsOf(&group)
	return at
}

// cellsOf returns the memory of a group besides its names, in words.
func (t *tunnels) cellsOf(d *domainDay) int {
	return groupCells + (int(d.length)+t.hosts[d.host].bytes())/wordBytes
}

// names returns the sample of a group.
func (t *tunnels) names(d *domainDay) sample {
	if d.many > 0 {
		return t.many[d.many-1]
	}
	return d.few[:d.count]
}

// addName adds a name to a group, and reports whether its sample grew.
func (t *tunnels) addName(d *domainDay, entry uint64) (grew bool) {
	if d.many == 0 && d.count == fewNames {
		if slices.Contains(d.few[:], entry) {
			return false
		}
		t.many = append(t.many, slices.Clone(d.few[:]))
		d.many = uint32(len(t.many)) //nolint:gosec // there are at most as many as cells
	}
	if d.many > 0 {
		return t.many[d.many-1].add(entry)
	}

	names := sample(d.few[:d.count])
	grew = names.add(entry)     // there is room, so it does not allocate
	d.count = uint8(len(names)) //nolint:gosec // at most fewNames
	return grew
}

// halve drops the names in the upper half of the hashes, and groups without names.
func (t *tunnels) halve() {
	old := *t
	*t = *newTunnels(old.most)
	t.threshold = threshold{old.halvings + 1}
	for key, at := range old.groups {
		group := &old.list[at]
		names := old.names(group)
		names.cut(t.threshold)
		if len(names) == 0 {
			continue
		}
		host := &old.hosts[group.host]
		kept := t.addGroup(key, &observed{account: []byte(host.Account), vpc: []byte(host.VPC), address: []byte(host.Address),
			domain: old.texts[group.domain:][:group.length], day: int64(group.day)})
		for _, entry := range names {
			t.addName(&t.list[kept], entry)
		}
		t.cells += len(names)
	}
}

// found returns the groups that look like tunnels, those with most characters first.
func (t *tunnels) found() (rows []Tunnel) {
	for i := range t.list {
		group := &t.list[i]
		sampled := t.names(group)
		count := len(sampled)
		names, exact := t.total(count, sampled[count-1])
		characters := names * float64(sampled.characters()) / float64(count)
		row := Tunnel{
			Host:        t.hosts[group.host],
			Registrable: string(t.texts[group.domain:][:group.length]),
			Day:         int64(group.day),
			Names:       int(math.Round(names)),
			Characters:  int(math.Round(characters)),
			Exact:       exact,
		}
		if row.Names >= minTunnelNames && row.Characters >= minTunnelCharacters {
			rows = append(rows, row)
		}
	}
	slices.SortFunc(rows, func(a, b Tunnel) int {
		return cmp.Or(cmp.Compare(b.Characters, a.Characters), compareHosts(a.Host, b.Host),
			cmp.Compare(a.Registrable, b.Registrable), cmp.Compare(a.Day, b.Day))
	})
	return rows
}
