package sighting

import (
	"bytes"
	"cmp"
	"math"
	"slices"
	"strings"
	"unicode/utf8"
)

// minGenerated is the number of domains that do not exist with which a host is listed for a
// day. It is the default of the named query too.
const minGenerated = 20

// Generated is a host that queried many domains on a day that do not exist.
type Generated struct {
	Host
	Day        int64 // days since 1970
	Domains    int   // registrable domains
	WithDigits int   // of them, those with a digit in the first label
	MeanLength float64
	Example    string // the longest
	Exact      bool   // the counts are not estimates
}

// hostDay holds the domains in which names did not exist that a host queried on a day.
type hostDay struct {
	host Host
	day  int64
	dead []deadDomain // sorted by hash, at most sampleEntries
}

// cells returns the memory of a day besides its domains, in words.
func (d *hostDay) cells() int { return groupCells + d.host.bytes()/wordBytes }

// deadDomain is a domain in which a name did not exist.
type deadDomain struct {
	hash   uint64
	domain string
}

// generated samples the registrable domains with names that do not exist, by host and day,
// and those with names that exist, by account.
type generated struct {
	threshold
	days     map[uint64]*hostDay // by a hash of host and day
	answered map[uint64]struct{} // hashes of accounts and domains
	cells    int                 // memory in use, in words
	most     int                 // bound of cells
}

const (
	deadCells     = 40 // of a deadDomain with a text of maxDomainBytes
	answeredCells = 4
	// maxGeneratedCells allows about 60 MB: some two million domains that exist.
	maxGeneratedCells = 8 << 20
)

func newGenerated(most int) *generated {
	return &generated{days: map[uint64]*hostDay{}, answered: map[uint64]struct{}{}, most: most}
}

// answer notes that a name in a domain exists.
func (g *generated) answer(hash uint64) {
	if _, known := g.answered[hash]; known || !g.admits(hash) {
		return
	}
	g.answered[hash] = struct{}{}
	g.cells += answeredCells
	g.shrink()
}

// miss notes that a name in a domain does not exist. key is a hash of host and day, hash of
// account and domain.
func (g *generated) miss(key, hash uint64, o *observed) {
	if !g.admits(hash) {
		return
	}
	day := g.days[key]
	if day == nil {
		day = &hostDay{host: Host{string(o.account), string(o.vpc), string(o.address)}, day: o.day}
		g.days[key] = day
		g.cells += day.cells()
	}
	at, known := slices.BinarySearchFunc(day.dead, hash, func(d deadDomain, hash uint64) int { return cmp.Compare(d.hash, hash) })
	if known || at == sampleEntries {
		return
	}
	if len(day.dead) == sampleEntries {
		day.dead = day.dead[:sampleEntries-1]
	} else {
		g.cells += deadCells
	}
	day.dead = slices.Insert(day.dead, at, deadDomain{hash, string(o.domain)})
	g.shrink()
}

// shrink halves the threshold until the memory is within its bound.
func (g *generated) shrink() {
	for g.cells > g.most {
		g.halvings++
		g.cells = 0
		for hash := range g.answered {
			if !g.admits(hash) {
				delete(g.answered, hash)
			}
		}
		for key, day := range g.days {
			day.dead = slices.DeleteFunc(day.dead, func(d deadDomain) bool { return !g.admits(d.hash) })
			if len(day.dead) == 0 {
				delete(g.days, key)
				continue
			}
			g.cells += day.cells() + deadCells*len(day.dead)
		}
		g.cells += answeredCells * len(g.answered)
	}
}

// found returns the hosts and days with many domains, those with most first.
func (g *generated) found() (rows []Generated) {
	for _, day := range g.days {
		row, count, sum := Generated{Host: day.host, Day: day.day}, 0, 0
		for _, d := range day.dead {
			if _, exists := g.answered[d.hash]; exists {
				continue
			}
			label, _, _ := strings.Cut(d.domain, ".")
			count++
			sum += utf8.RuneCountInString(label)
			if strings.ContainsAny(label, "0123456789") {
				row.WithDigits++
			}
			if compareLength(d.domain, row.Example) > 0 {
				row.Example = d.domain
			}
		}
		if count == 0 {
			continue
		}

		total, exact := g.total(len(day.dead), day.dead[len(day.dead)-1].hash)
		scale := total / float64(len(day.dead))
		row.Domains, row.Exact = int(math.Round(scale*float64(count))), exact
		row.WithDigits = int(math.Round(scale * float64(row.WithDigits)))
		row.MeanLength = float64(sum) / float64(count)
		if row.Domains >= minGenerated {
			rows = append(rows, row)
		}
	}
	slices.SortFunc(rows, func(a, b Generated) int {
		return cmp.Or(cmp.Compare(b.Domains, a.Domains), compareHosts(a.Host, b.Host), cmp.Compare(a.Day, b.Day))
	})
	return rows
}

// compareLength compares domains by the characters of their first labels, then as text.
func compareLength(a, b string) int {
	labelA, _, _ := strings.Cut(a, ".")
	labelB, _, _ := strings.Cut(b, ".")
	return cmp.Or(cmp.Compare(utf8.RuneCountInString(labelA), utf8.RuneCountInString(labelB)), strings.Compare(a, b))
}

// isFold reports whether text is want, in upper or lower case.
func isFold(text []byte, want string) bool {
	return len(text) == len(want) && (string(text) == want || bytes.EqualFold(text, []byte(want)))
}
