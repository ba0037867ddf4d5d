package textsort_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/resolverwatch/resolverwatch/pkg/internal/textsort"
)

// store lays texts one after the other, each after its length, as the callers do.
func store(texts [][]byte) (items []textsort.Item, read func(place uint32) []byte) {
	var data []byte
	for i, text := range texts {
		items = append(items, textsort.Item{Place: uint32(len(data)), Number: uint32(i)})
		data = append(append(data, byte(len(text))), text...)
	}
	return items, func(place uint32) []byte { return data[place+1:][:data[place]] }
}

// check sorts texts and compares the result with a sort that compares texts.
func check(t *testing.T, texts [][]byte) {
	t.Helper()
	items, read := store(texts)
	textsort.Sort(items, read)

	want := slices.Clone(texts)
	slices.SortFunc(want, bytes.Compare)
	seen := make([]bool, len(texts))
	for i, item := range items {
		if got := read(item.Place); !bytes.Equal(got, want[i]) {
			t.Fatalf("item %d is %q, want %q", i, got, want[i])
		}
		if !bytes.Equal(texts[item.Number], want[i]) || seen[item.Number] {
			t.Fatalf("item %d has the number %d, which is another text or came before", i, item.Number)
		}
		seen[item.Number] = true
	}
}

func TestSort(t *testing.T) { //nolint:paralleltest // it sets GOMAXPROCS
	// The alphabets are: many ties, all octets with a code, and octets without one.
	alphabets := []string{"ab", "\x00-./0123456789:_abcdefghijklmnopqrstuvwxyz", "ab\xffA~"}
	for _, processors := range []int{1, 2} {
		for _, count := range []int{0, 1, 2, 12, 13, 300, 1_023, 1_024, 5_000, 70_000} {
			for number, alphabet := range alphabets {
				t.Run(fmt.Sprintf("%d processors, %d texts, alphabet %d", processors, count, number), func(t *testing.T) {
					defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(processors))
					check(t, randomTexts(uint64(count), count, alphabet))
				})
			}
		}
	}
}

// randomTexts returns texts of up to 45 octets. Half of them start with the same octets.
func randomTexts(seed uint64, count int, alphabet string) (texts [][]byte) {
	r := rand.New(rand.NewPCG(seed, 1))
	for range count {
		text := make([]byte, r.IntN(46))
		for i := range text {
			text[i] = alphabet[r.IntN(len(alphabet))]
		}
		if r.IntN(2) == 0 {
			copy(text, strings.Repeat(alphabet[:1], r.IntN(len(text)+1)))
		}
		texts = append(texts, text)
	}
	return texts
}

// Texts that share ten octets, or a multiple of ten, are sorted by what follows.
func TestSort_commonPrefixes(t *testing.T) {
	t.Parallel()
	var texts [][]byte
	for length := range 64 {
		for _, end := range []string{"", "a", "b", "\x00", "z"} {
			for range 20 {
				texts = append(texts, []byte(strings.Repeat("m", length)+end))
			}
		}
	}
	check(t, texts)
}

func FuzzSort(f *testing.F) {
	f.Add("example\x00evil,example,example\x00a,com\x00aaaaaaaaaa,com\x00aaaaaaaaaab")
	f.Add("a,B,\xff,,a")
	f.Fuzz(func(t *testing.T, list string) {
		var texts [][]byte
		for text := range strings.SplitSeq(list, ",") {
			// Repeated with one more octet, so that every path of the sort is taken.
			for i := range 20 {
				texts = append(texts, []byte(text[:min(len(text), 200)]+"mmmmmmmmmm"[:i%11]))
			}
		}
		check(t, texts)
	})
}
