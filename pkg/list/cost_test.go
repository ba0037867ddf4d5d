package list_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/list"
)

// shape makes the rows of a list that is expensive in one way.
type shape struct {
	name   string
	header string
	row    func(r *rand.Rand, i int) string
}

func shapes() []shape {
	return []shape{
		{"names", "domain", func(_ *rand.Rand, i int) string { return fmt.Sprintf("a%d.example", i) }},
		{"random names", "domain", func(r *rand.Rand, _ int) string { return fmt.Sprintf("%016x.example", r.Uint64()) }},
		{"a category each", "domain,category", func(_ *rand.Rand, i int) string {
			return fmt.Sprintf("a%d.example,c%d%s", i, i, strings.Repeat("x", 56))
		}},
		{"a confidence and a category each", "domain,confidence,severity,category", func(r *rand.Rand, i int) string {
			return fmt.Sprintf("a%d.example,%d,%s,c%d", i, r.IntN(101), []string{"low", "medium", "high"}[r.IntN(3)], r.IntN(1_000))
		}},
		{"as many labels as possible", "domain", func(r *rand.Rand, _ int) string {
			var b strings.Builder
			for range 115 {
				b.WriteByte(byte('a' + r.IntN(26)))
				b.WriteByte('.')
			}
			return b.String() + "example"
		}},
		{"the longest names", "domain", func(r *rand.Rand, _ int) string {
			label := strings.Repeat(fmt.Sprintf("%08x", r.Uint32()), 7)
			return strings.Join([]string{label, label, label, label, "example"}, ".")
		}},
		{"IPv4 addresses", "ip", func(r *rand.Rand, _ int) string {
			return fmt.Sprintf("198.%d.%d.%d", 51+r.IntN(2)*100, r.IntN(256), r.IntN(256))
		}},
		{"IPv6 addresses", "ip", func(r *rand.Rand, _ int) string {
			return fmt.Sprintf("2a00:%x:%x::%x", r.IntN(1<<16), r.IntN(1<<16), 1+r.IntN(1<<16))
		}},
		{"references", "domain,reference", func(_ *rand.Rand, i int) string {
			return fmt.Sprintf("a%d.example,https://r.example/%08d%s", i, i, strings.Repeat("x", 460))
		}},
	}
}

func (s *shape) text(rows int) string {
	r := rand.New(rand.NewPCG(1, uint64(rows)))
	var b strings.Builder
	b.WriteString(s.header + "\n")
	for i := range rows {
		b.WriteString(s.row(r, i) + "\n")
	}
	return b.String()
}

// indexOf returns the size of an index of some lists.
func indexOf(t *testing.T, lists ...*list.List) int {
	t.Helper()
	builder := index.NewBuilder()
	for i, l := range lists {
		feed := indicator.FeedID(fmt.Sprintf("f%d", i))
		builder.Feed(feed, false)
		for entry := range l.All() {
			if err := builder.Add(feed, entry); err != nil {
				t.Fatal(err)
			}
		}
	}
	data, err := builder.Build(index.Options{Generation: 1})
	if err != nil {
		t.Fatal(err)
	}
	return len(data)
}

// The cost of lists is never below the size of an index of them, whatever they contain.
func TestList_Cost_boundsTheIndex(t *testing.T) {
	t.Parallel()
	for _, rows := range []int{1, 40, 1_000, 6_000} {
		var all []*list.List
		sum := list.Cost{IndexBytes: list.IndexOverhead}
		for _, s := range shapes() {
			read, _, err := list.Read(strings.NewReader(s.text(rows)), list.Options{}, defaultGuards(), list.Hooks{})
			if err != nil {
				t.Fatalf("%s: %v", s.name, err)
			}
			all, sum = append(all, &read), sum.Add(read.Cost())
			size, bound := int64(indexOf(t, &read)), read.Cost().IndexBytes+list.IndexOverhead
			if size > bound {
				t.Errorf("%d rows, %s: the index has %d bytes, the bound is %d", rows, s.name, size, bound)
			}
			if estimate := list.EstimateCost(read.Len(), read.Bytes()); read.Cost().IndexBytes > estimate.IndexBytes {
				t.Errorf("%d rows, %s: the estimate of %d bytes is below the cost of %d",
					rows, s.name, estimate.IndexBytes, read.Cost().IndexBytes)
			}
		}
		if size := int64(indexOf(t, all...)); size > sum.IndexBytes {
			t.Errorf("%d rows of each: the index has %d bytes, the bound is %d", rows, size, sum.IndexBytes)
		}
	}
}

// For plain names the bound must not be far above the size, because near the limit each
// import then builds an index to find out.
func TestList_Cost_isCloseForNames(t *testing.T) {
	t.Parallel()
	read, _, err := list.Read(strings.NewReader(shapes()[1].text(200_000)), list.Options{}, defaultGuards(), list.Hooks{})
	if err != nil {
		t.Fatal(err)
	}
	size, bound := indexOf(t, &read), read.Cost().IndexBytes
	t.Logf("the index has %d bytes, the bound is %d", size, bound)
	if bound > int64(4*size) {
		t.Errorf("the index has %d bytes, the bound is %d", size, bound)
	}
}

// liveHeap returns the bytes that the process holds after a collection.
func liveHeap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// Everything that is kept of an entry counts as memory: a list that is accepted holds less
// than [list.Guards.Memory], whatever its entries have.
func TestRead_memory(t *testing.T) { //nolint:paralleltest // it measures the heap
	const rows = 40_000
	for i := range 2 * len(shapes()) {
		s := shapes()[i/2]
		text := s.text(rows)
		guards := defaultGuards()
		guards.Memory = []int64{11 << 20, 52 << 20}[i%2]
		before := liveHeap()
		read, summary, err := list.Read(strings.NewReader(text), list.Options{}, guards, list.Hooks{})
		var report list.Report
		report.AddSummary(&summary)
		held := liveHeap() - before
		runtime.KeepAlive(&read)
		runtime.KeepAlive(text)
		t.Logf("%-35s %3d MiB of text, holds %4.1f of %d MiB, %d references left out: %v",
			s.name, len(text)>>20, float64(held)/(1<<20), guards.Memory>>20, report.ReferencesLeftOut, cmp.Or(err, error(list.Refusals{})))
		if held > guards.Memory {
			t.Errorf("%s: %d entries hold %d MiB", s.name, read.Len(), held>>20)
		}
		if s.name == "references" && (err != nil || report.ReferencesLeftOut == 0 || read.Len() != rows || report.ReferencesLeftOut == rows) {
			t.Errorf("%s: %d left out, error %v", s.name, report.ReferencesLeftOut, err)
		}
	}
}

// A list that fits without its references is accepted without them.
func TestGuards_CheckMemory_referencesGoFirst(t *testing.T) {
	t.Parallel()
	text := shapes()[8].text(10_000)
	read, _, err := list.Read(strings.NewReader(text), list.Options{}, defaultGuards(), list.Hooks{})
	if err != nil {
		t.Fatal(err)
	}
	guards := defaultGuards()
	guards.Memory = 4 << 20
	refusals, leftOut := guards.CheckMemory("f", &read, list.Cost{})
	if len(refusals) > 0 || leftOut != 10_000 {
		t.Errorf("%d left out, %v", leftOut, refusals)
	}
	for entry := range read.All() {
		if entry.Reference != "" {
			t.Fatalf("%q still has the reference %q", entry.Value(), entry.Reference)
		}
	}
	if refusals, _ := guards.CheckMemory("f", &read, list.Cost{BuildBytes: 4 << 20}); refusals.Codes() != string(list.RefusedIndexTooLarge) {
		t.Errorf("with other feeds: %v", refusals)
	}
}
