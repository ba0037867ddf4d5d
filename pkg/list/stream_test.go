package list_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/list"
)

// streamNow is when the lists of these tests are read.
var streamNow = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

// readPlainly reads a list plainly: it collects the entries that no guard drops, and sorts and
// merges them by comparing. It is the oracle of Read and Stream.
func readPlainly(t testing.TB, text string, o list.Options) (entries []indicator.Indicator, repeats int) {
	t.Helper()
	guards := streamGuards()
	var all []indicator.Indicator
	_, err := list.Stream(strings.NewReader(text), o, guards, list.Hooks{}, collector{&all},
		func(entry *indicator.Indicator) error { all = append(all, *entry); return nil })
	if err != nil && !errors.As(err, new(list.Refusals)) {
		t.Fatal(err)
	}
	return mergePlainly(all)
}

// collector is a sink that keeps the entries as they come.
type collector struct{ entries *[]indicator.Indicator }

func (c collector) Add(entry *indicator.Indicator) error {
	*c.entries = append(*c.entries, *entry)
	return nil
}

func (c collector) Sort() (int, error) {
	merged, _ := mergePlainly(*c.entries)
	return len(merged), nil
}

func (c collector) TakeBack(take func(*indicator.Indicator) error) error {
	for i := range *c.entries {
		if err := take(&(*c.entries)[i]); err != nil {
			return err
		}
	}
	*c.entries = nil
	return nil
}

func mergePlainly(all []indicator.Indicator) (merged []indicator.Indicator, repeats int) {
	byKey := map[indicator.Key]indicator.Indicator{}
	for _, entry := range all {
		if first, known := byKey[entry.Key()]; known {
			first.Merge(&entry)
			entry = first
			repeats++
		}
		byKey[entry.Key()] = entry
	}
	for _, entry := range byKey {
		merged = append(merged, entry)
	}
	slices.SortFunc(merged, func(a, b indicator.Indicator) int { return a.Compare(&b) })
	return merged, repeats
}

func streamGuards() list.Guards {
	guards := defaultGuards()
	guards.Now = streamNow
	return guards
}

// throughRead builds an index of a list with Read.
func throughRead(t testing.TB, text string, o list.Options) (file []byte, s list.Summary, err error) {
	t.Helper()
	read, s, err := list.Read(strings.NewReader(text), o, streamGuards(), list.Hooks{})
	builder := index.NewBuilder()
	builder.Feed("f", false)
	for entry := range read.All() {
		if !entry.ExpiresAt.IsZero() && !entry.ExpiresAt.After(streamNow) {
			continue
		}
		if err := builder.Add("f", entry); err != nil {
			t.Fatal(err)
		}
	}
	return buildIndex(t, builder), s, err
}

// throughStream builds an index of a list with Stream.
func throughStream(t testing.TB, text string, o list.Options) (file []byte, s list.Summary, err error) {
	t.Helper()
	builder := index.NewBuilder()
	builder.Feed("f", false)
	names, err := builder.FeedNames("f")
	if err != nil {
		t.Fatal(err)
	}
	s, err = list.Stream(strings.NewReader(text), o, streamGuards(), list.Hooks{}, names, names.Add)
	return buildIndex(t, builder), s, err
}

func buildIndex(t testing.TB, builder *index.Builder) []byte {
	t.Helper()
	file, err := builder.Build(index.Options{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// compareStream checks that Stream does what Read does: the same index, the same counts, the
// same refusals.
func compareStream(t testing.TB, text string, o list.Options) {
	t.Helper()
	want, read, readErr := throughRead(t, text, o)
	got, streamed, streamErr := throughStream(t, text, o)
	if fmt.Sprint(readErr) != fmt.Sprint(streamErr) {
		t.Fatalf("Stream returns %v, Read %v", streamErr, readErr)
	}
	var refusals list.Refusals
	if errors.As(readErr, &refusals) && !refusals.Overridable() {
		return
	}

	var first, second list.Report
	first.AddSummary(&read)
	second.AddSummary(&streamed)
	first.ReferencesLeftOut, second.ReferencesLeftOut = 0, 0 // Stream keeps none
	if !reflect.DeepEqual(first, second) {
		t.Errorf("Stream reports %+v\nRead reports %+v", second, first)
	}
	if !bytes.Equal(got, want) {
		t.Error("the indexes differ")
	}
}

// streamLists are lists that Stream reads in different ways.
var streamLists = map[string]string{
	"names":            "evil.example\nwww.evil.example\nbad.test\n",
	"repeats":          "evil.example\nbad.test\nevil.example\nEVIL.example.\n*.evil.example\n",
	"scopes":           "||evil.example^\n|evil.example^\n@@||evil.example^\n||evil.example^\n||*.evil.example^\n",
	"addresses":        "evil.example\n198.51.100.7\n198.51.100.0/25\n198.51.100.7\n2001:db8::1\n",
	"dropped":          "evil.example\ncom\nco.uk\namazonaws.com\nevil.sys\n10.0.0.1\n",
	"ratings":          "domain,severity,confidence,category\na.example,low,10,x\na.example,high,5,y\na.example,high,5,b\nb.example,low,1,z\n",
	"some expire":      "domain,valid_until\na.example,2026-01-01\nb.example,2027-01-01\nc.example,\na.example,\nb.example,2026-02-01\nd.example,2026-01-01\nd.example,2026-01-02\n",
	"the last expires": "domain,severity,valid_until\na.example,low,\na.example,low,\nb.example,high,\na.example,high,2026-01-01\n1.2.3.4,low,\n198.51.100.1,low,2026-01-01\n",
	"all expired":      "domain,valid_until\na.example,2026-01-01\nb.example,2026-01-01\n",
	"nothing":          "com\nnet\n",
}

func TestStream_asRead(t *testing.T) {
	t.Parallel()
	for name, text := range streamLists {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			compareStream(t, text, list.Options{})
		})
	}
}

func TestStream_corpus(t *testing.T) {
	t.Parallel()
	for _, folder := range []string{"plain", "hosts", "adblock", "csv"} {
		paths, err := filepath.Glob(filepath.Join(corpus(t, "data", "feeds", folder), "*"))
		if err != nil || len(paths) == 0 {
			t.Fatalf("%s: no lists, %v", folder, err)
		}
		for _, path := range paths {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			t.Run(filepath.Base(path), func(t *testing.T) { compareStream(t, string(text), list.Options{}) })
		}
	}
}

// Errors of the sink are returned, wherever they come from.
func TestStream_sinkErrors(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	for _, sink := range []failingSink{{add: broken}, {sort: broken}, {takeBack: broken}} {
		text := streamLists["the last expires"]
		if sink.sort != nil {
			text = streamLists["names"]
		}
		_, err := list.Stream(strings.NewReader(text), list.Options{}, streamGuards(), list.Hooks{}, sink,
			func(*indicator.Indicator) error { return nil })
		if !errors.Is(err, broken) {
			t.Errorf("%+v: got %v", sink, err)
		}
	}
	_, err := list.Stream(strings.NewReader("198.51.100.7\n"), list.Options{}, streamGuards(), list.Hooks{}, failingSink{},
		func(*indicator.Indicator) error { return broken })
	if !errors.Is(err, broken) {
		t.Errorf("an error of add: got %v", err)
	}
}

type failingSink struct{ add, sort, takeBack error }

func (s failingSink) Add(*indicator.Indicator) error                        { return s.add }
func (s failingSink) Sort() (int, error)                                    { return 0, s.sort }
func (s failingSink) TakeBack(func(*indicator.Indicator) error) (err error) { return s.takeBack }

// compareRead checks that Read returns the entries that the oracle returns.
func compareRead(t testing.TB, text string, o list.Options) {
	t.Helper()
	read, summary, err := list.Read(strings.NewReader(text), o, streamGuards(), list.Hooks{})
	if err != nil {
		return
	}
	if summary.Expired > 0 {
		return // the oracle gets only those that Stream passes on
	}
	want, repeats := readPlainly(t, text, o)
	var got []indicator.Indicator
	for entry := range read.All() {
		copied := *entry
		copied.Reference, copied.FirstSeen = "", time.Time{}
		got = append(got, copied)
	}
	for i := range want {
		want[i].Reference, want[i].FirstSeen = "", time.Time{}
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%v\nwant\n%v", got, want)
	}
	if summary.Repeats != repeats && repeats > 0 {
		t.Errorf("%d repeats, want %d", summary.Repeats, repeats)
	}
}

// The order of Read does not depend on how many entries there are.
func TestRead_sorts(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(5, 6))
	for _, rows := range []int{1, 50, 3_000, 60_000} {
		var text strings.Builder
		text.WriteString("domain,severity\n")
		for range rows {
			name := fmt.Sprintf("%s%x.%s", strings.Repeat("x", r.IntN(12)), r.IntN(rows), []string{"example", "test"}[r.IntN(2)])
			fmt.Fprintf(&text, "%s,%s\n", name, []string{"low", "high"}[r.IntN(2)])
		}
		compareRead(t, text.String(), list.Options{})
	}
}

func FuzzStream(f *testing.F) {
	for _, text := range streamLists {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		compareStream(t, text, list.Options{})
		compareRead(t, text, list.Options{})
	})
}
