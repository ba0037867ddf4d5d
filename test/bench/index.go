package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"runtime/debug"
	"slices"

	"github.com/zeebo/xxh3"

	"github.com/resolverwatch/resolverwatch/pkg/domainname"
	"github.com/resolverwatch/resolverwatch/pkg/index"
)

const (
	indexRounds  = 9
	indexQueries = 500_000 // in each mix: a pass must take longer than refilling the caches at its start
)

// benchIndex measures size, build, load and look-ups of an index of many names, compared
// with a sort, a plain read, and a Go map with a walk over the suffixes.
func benchIndex(r *report) error {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	names, err := indexNames(r)
	if err != nil {
		return err
	}
	if err := benchListToIndex(r, names); err != nil {
		return err
	}
	file, err := benchIndexBuild(r, names)
	if err != nil {
		return err
	}
	if err := benchIndexOpen(r, file, len(names.list)); err != nil {
		return err
	}
	return benchIndexLookUps(r, file, names)
}

// benchIndexBuild builds the index, and sorts the names for comparison.
func benchIndexBuild(r *report, names *indexCorpus) (file []byte, err error) {
	var builds, sorts []float64
	for range 3 {
		runtime.GC()
		builds = append(builds, cpuSeconds(func() { file, err = names.build() }))
		if err != nil {
			return nil, err
		}
		// Lists are not sorted by key, so the names are shuffled.
		shuffled := slices.Clone(names.list)
		rand.New(rand.NewPCG(1, 2)).Shuffle(len(shuffled), func(i, j int) {
			shuffled[i], shuffled[j] = shuffled[j], shuffled[i]
		})
		sorts = append(sorts, cpuSeconds(func() { slices.Sort(shuffled) }))
	}
	r.info("build, from parsed indicators", median(builds), "s")
	r.info("build / sort of the names", median(builds)/median(sorts), "x")
	return file, nil
}

// benchIndexOpen compares loading with reading the file and calculating its checksum.
func benchIndexOpen(r *report, file []byte, names int) error {
	r.atMost("size, with filters", float64(len(file))/float64(names), "bytes/name", 13)
	x, err := index.Open(file)
	if err != nil {
		return err
	}
	for _, s := range x.Info().Sections {
		if share := float64(s.Bytes) / float64(names); share > 0.01 {
			r.info("  of it "+s.Name, share, "bytes/name")
		}
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := index.Open(file); err != nil {
		return err
	}
	runtime.ReadMemStats(&after)
	r.info("open, allocations", float64(after.Mallocs-before.Mallocs), "")
	r.info("open, allocated", float64(after.TotalAlloc-before.TotalAlloc), "bytes")

	path, err := writeTemp(file)
	if err != nil {
		return err
	}
	defer os.Remove(path)
	var opens, reads []float64
	var sum xxh3.Uint128
	for range 2 * indexRounds {
		opens = append(opens, cpuSeconds(func() {
			data, _ := os.ReadFile(path)
			x, err = index.Open(data)
		}))
		if err != nil {
			return err
		}
		reads = append(reads, cpuSeconds(func() {
			data, _ := os.ReadFile(path)
			sum = xxh3.Hash128(data)
		}))
	}
	runtime.KeepAlive(sum)
	r.info("read and open", 1000*median(opens), "ms")
	r.info("read and open / read and checksum", median(opens)/median(reads), "x")
	return nil
}

// benchIndexLookUps measures look-ups for each mix.
func benchIndexLookUps(r *report, file []byte, names *indexCorpus) error {
	x, err := index.Open(file)
	if err != nil {
		return err
	}
	peer := names.peer()
	for _, mix := range names.mixes(peer) {
		ours, theirs, ratio, err := benchIndexMix(x, peer, mix.queries)
		if err != nil {
			return fmt.Errorf("mix %s: %w", mix.name, err)
		}
		r.info(mix.name+", map with suffix walk", theirs, "ns")
		if mix.hits {
			r.atMost(mix.name, ours, "ns", 1500)
			continue
		}
		r.info(mix.name, ours, "ns")
		r.atLeast(mix.name+", times faster than the map", ratio, "x", mix.goal)
	}
	return nil
}

// benchIndexMix returns medians over rounds in which the index and the map alternate: the
// time of a look-up in ns, and how much longer the map takes. In a marker, a query is
// already parsed and in the cache when it is looked up; so each pass parses too, and the
// time of parsing alone is subtracted.
func benchIndexMix(x *index.Index, peer *mapPeer, queries []string) (ours, theirs, ratio float64, err error) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	var m index.Match
	var mine, others, ratios []float64
	for round := range indexRounds + 1 {
		parsing, _ := indexPass(queries, func(*domainname.Query) bool { return false })
		a, hits := indexPass(queries, func(q *domainname.Query) bool { return x.Match(q, &m) })
		b, known := indexPass(queries, peer.match)
		if hits != known {
			return 0, 0, 0, fmt.Errorf("the index finds %d, the map %d", hits, known)
		}
		if round == 0 { // warm-up
			continue
		}
		a, b = a-parsing, b-parsing
		mine, others, ratios = append(mine, a), append(others, b), append(ratios, b/a)
	}
	return median(mine), median(others), median(ratios), nil
}

// indexPass parses all queries and looks them up. It returns the time per query, in ns, and
// the number of hits.
func indexPass(queries []string, match func(*domainname.Query) bool) (nanoseconds float64, hits int) {
	var q domainname.Query
	var raw []byte
	seconds := cpuSeconds(func() {
		for _, query := range queries {
			raw = append(raw[:0], query...)
			if err := q.Set(raw); err != nil {
				panic(fmt.Sprintf("query %q: %v", query, err)) // the mixes contain only valid names
			}
			if match(&q) {
				hits++
			}
		}
	})
	return 1e9 * seconds / float64(len(queries)), hits
}

// mapPeer is the obvious implementation: a map that is searched for each suffix.
type mapPeer struct {
	groups     map[string]uint32
	shallowest int
}

func (p *mapPeer) match(q *domainname.Query) bool {
	for depth := q.Labels(); depth >= p.shallowest; depth-- {
		if _, found := p.groups[string(q.Suffix(depth))]; found {
			return true
		}
	}
	return false
}

func writeTemp(data []byte) (path string, err error) {
	file, err := os.CreateTemp("", "index-*.rwx")
	if err != nil {
		return "", err
	}
	defer file.Close()
	_, err = file.Write(data)
	return file.Name(), err
}
