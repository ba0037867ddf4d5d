// Command peers compares look-ups in an index with those of an open matcher of domain names, the
// one of V2Ray, in one process and in turn. The bench runs it; it is in a module of its own so
// that nothing else depends on the matcher.
//
//	peers NAMES QUERIES...
//
// Each file has a name on each line. It prints a line of JSON for the two builds, and one for
// each file of queries.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/v2fly/v2ray-core/v5/common/strmatcher"

	"github.com/resolverwatch/resolverwatch/pkg/domainname"
	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

const rounds = 9

// figures is a line of the output.
type figures struct {
	File string `json:"file"`
	Hits int    `json:"hits"`
	// The time of a look-up in nanoseconds. For the builds, the time and the size of a name.
	Ours, Theirs           float64
	OursBytes, TheirsBytes float64 `json:",omitempty"`
	Ratio                  float64 // median of the ratios of each round
}

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(1)
	}
}

func run(paths []string, out io.Writer) error {
	runtime.GOMAXPROCS(1)
	if len(paths) == 0 {
		return errors.New("name a file of names, and files of queries")
	}
	names, err := readNames(paths[0])
	if err != nil {
		return err
	}
	encoder := json.NewEncoder(out)
	x, matcher, built, err := build(names)
	if err != nil {
		return err
	}
	built.File = paths[0]
	if err := encoder.Encode(built); err != nil {
		return err
	}
	for _, path := range paths[1:] {
		queries, err := readNames(path)
		if err != nil {
			return err
		}
		compared, err := compare(x, matcher, queries)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		compared.File = path
		if err := encoder.Encode(compared); err != nil {
			return err
		}
	}
	return nil
}

func readNames(path string) ([]string, error) {
	text, err := os.ReadFile(path)
	return strings.Fields(string(text)), err
}

// build builds both from the same names. Each matches the names and all below them.
func build(names []string) (*index.Index, *strmatcher.MphMatcherGroup, figures, error) {
	var f figures
	perName := func(value float64) float64 { return value / float64(len(names)) }

	var data []byte
	var err error
	f.Ours = perName(1e9 * cpuSeconds(func() { data, err = buildIndex(names) }))
	if err != nil {
		return nil, nil, f, err
	}
	f.OursBytes = perName(float64(len(data)))
	x, err := index.Open(data)
	if err != nil {
		return nil, nil, f, err
	}

	before := heap()
	matcher := strmatcher.NewMphMatcherGroup()
	f.Theirs = perName(1e9 * cpuSeconds(func() {
		for _, name := range names {
			matcher.AddDomainMatcher(strmatcher.DomainMatcher(name), 1)
		}
		err = matcher.Build()
	}))
	f.TheirsBytes = perName(float64(heap() - before))
	f.Ratio = f.Theirs / f.Ours
	return x, matcher, f, err
}

func buildIndex(names []string) ([]byte, error) {
	b := index.NewBuilder()
	b.Feed("bench", false)
	entry := indicator.Indicator{
		Scope:      indicator.ScopeSubtree,
		Action:     indicator.ActionBlock,
		Severity:   indicator.DefaultSeverity,
		Confidence: indicator.DefaultConfidence,
	}
	for _, name := range names {
		var err error
		if entry.Name, err = domainname.Parse(name); err != nil {
			return nil, err
		}
		if err := b.Add("bench", &entry); err != nil {
			return nil, err
		}
	}
	return b.Build(index.Options{Generation: 1, Seed: 42})
}

// compare looks all queries up in both. For ours, a query is parsed before it is looked up, which
// takes time that is measured alone and subtracted, because a marker has it parsed already. The
// peer gets strings.
func compare(x *index.Index, matcher *strmatcher.MphMatcherGroup, queries []string) (figures, error) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	var f figures
	var ours, theirs, ratios []float64
	var match index.Match
	for round := range rounds + 1 {
		parsing, _ := pass(queries, func(*domainname.Query) bool { return false })
		a, hits := pass(queries, func(q *domainname.Query) bool { return x.Match(q, &match) })
		known := 0
		b := 1e9 * cpuSeconds(func() {
			for _, query := range queries {
				if matcher.MatchAny(query) {
					known++
				}
			}
		}) / float64(len(queries))
		if hits != known {
			return f, fmt.Errorf("the index finds %d, the matcher %d", hits, known)
		}
		if round == 0 { // warm-up
			continue
		}
		f.Hits = hits
		ours, theirs = append(ours, a-parsing), append(theirs, b)
		ratios = append(ratios, b/(a-parsing))
	}
	f.Ours, f.Theirs, f.Ratio = median(ours), median(theirs), median(ratios)
	return f, nil
}

// pass parses all queries and calls match for each. It returns the nanoseconds per query and the
// number of hits.
func pass(queries []string, match func(*domainname.Query) bool) (nanoseconds float64, hits int) {
	var q domainname.Query
	var raw []byte
	seconds := cpuSeconds(func() {
		for _, query := range queries {
			raw = append(raw[:0], query...)
			if q.Set(raw) == nil && match(&q) {
				hits++
			}
		}
	})
	return 1e9 * seconds / float64(len(queries)), hits
}

func cpuSeconds(f func()) float64 {
	start := cpuTime()
	f()
	return (cpuTime() - start).Seconds()
}

func cpuTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err) // RUSAGE_SELF with a valid pointer cannot fail
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func heap() uint64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}
