package snapshot

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
	"pgregory.net/rapid"

	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/list"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// These tests are in the package because the format is not exported.

func readList(t *testing.T, text string) *list.List {
	t.Helper()
	entries, _, err := list.Read(strings.NewReader(text), list.Options{}, list.Guards{Guards: settings.DefaultGuards()}, list.Hooks{})
	if err != nil {
		t.Fatal(err)
	}
	return &entries
}

func day(n int) time.Time { return time.Date(2030, 1, n, 0, 0, 0, 0, time.UTC) }

func snapshotOf(t *testing.T, entries *list.List, base *Reader, at time.Time) []byte {
	t.Helper()
	body, _, err := write(Head{Feed: "f", Version: "v1", AcceptedAt: at}, entries, base)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func openBody(t *testing.T, body []byte) *Reader {
	t.Helper()
	s, err := open(newObjectReader(io.NopCloser(bytes.NewReader(body)), nil))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func drain(s *Reader) (lines []string, err error) {
	for {
		entry, err := s.Next()
		if err != nil || entry == nil {
			return lines, err
		}
		lines = append(lines, strings.TrimSpace(string(appendEntry(nil, entry))))
	}
}

func TestSnapshot_isReadable(t *testing.T) {
	t.Parallel()
	entries := readList(t, "domain,severity,category,first_seen\nevil.example,high,phishing,2029-12-31T23:00:00Z\n198.51.100.0/24,,,\n")
	decoder, err := zstd.NewReader(bytes.NewReader(snapshotOf(t, entries, nil, day(1))))
	if err != nil {
		t.Fatal(err)
	}
	defer decoder.Close()
	text, err := io.ReadAll(decoder)
	if err != nil {
		t.Fatal(err)
	}
	want := `#resolverwatch-snapshot {"format":1,"feed":"f","key":"","version":"v1","accepted_at":"2030-01-01T00:00:00Z","entries":2}
value	scope	action	severity	confidence	category	reference	first_seen	expires_at	added_at
198.51.100.0/24	cidr	block	medium	50					2030-01-01T00:00:00Z
evil.example	subtree	block	high	50	phishing		2029-12-31T23:00:00Z		2030-01-01T00:00:00Z
`
	if diff := cmp.Diff(want, string(text)); diff != "" {
		t.Error(diff)
	}
}

func TestSnapshot_roundTrip(t *testing.T) {
	t.Parallel()
	entries := readList(t, "b.example\na.example\n2001:db8::/48\n192.0.2.1\n_a.b.example\n")
	reader := openBody(t, snapshotOf(t, entries, nil, day(1)))
	var got, want []indicator.Key
	for entry := range entries.All() {
		want = append(want, entry.Key())
	}
	for {
		entry, err := reader.Next()
		if err != nil {
			t.Fatal(err)
		}
		if entry == nil {
			break
		}
		got = append(got, entry.Key())
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if entry, err := reader.Next(); entry != nil || err != nil {
		t.Errorf("after the end: %v, %v", entry, err)
	}
}

func TestSnapshot_addedAtOfBase(t *testing.T) {
	t.Parallel()
	base := snapshotOf(t, readList(t, "a.example\nc.example\ne.example\n"), nil, day(1))
	reader := openBody(t, snapshotOf(t, readList(t, "a.example\nb.example\ne.example\nf.example\n"), openBody(t, base), day(2)))
	lines, err := drain(reader)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"2030-01-01", "2030-01-02", "2030-01-01", "2030-01-02"} {
		if !strings.Contains(lines[i], want) {
			t.Errorf("%q, want added at %s", lines[i], want)
		}
	}
}

// If a snapshot is cut off or changed, reading it fails or returns the right entries.
func TestSnapshot_damage(t *testing.T) {
	t.Parallel()
	body := snapshotOf(t, readList(t, "a.example\nb.example\nc.example\n"), nil, day(1))
	want, err := drain(openBody(t, body))
	if err != nil {
		t.Fatal(err)
	}
	check := func(name string, damaged []byte) {
		reader, err := open(newObjectReader(io.NopCloser(bytes.NewReader(damaged)), nil))
		if err == nil {
			defer reader.Close()
			var got []string
			if got, err = drain(reader); err == nil && !slices.Equal(got, want) {
				t.Errorf("%s: read %q", name, got)
			}
		}
		if err != nil && !errors.Is(err, errDamaged) {
			t.Errorf("%s: error %v, want a damaged snapshot", name, err)
		}
	}
	for i := range body {
		check(fmt.Sprintf("cut at %d", i), body[:i])
		flipped := slices.Clone(body)
		flipped[i] ^= 0xFF
		check(fmt.Sprintf("flipped at %d", i), flipped)
	}
	check("longer", append(slices.Clone(body), body...))
}

func TestSnapshot_oddLines(t *testing.T) {
	t.Parallel()
	const good = "a.example\tname\tblock\tlow\t1\t\t\t\t\t"
	var entry Entry
	if err := parseEntry(good, &entry); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		"", good + "\t", "\tname\tblock\tlow\t1\t\t\t\t\t", "a.example\tsome\tblock\tlow\t1\t\t\t\t\t",
		"a.example\tname\tdrop\tlow\t1\t\t\t\t\t", "a.example\tname\tblock\tawful\t1\t\t\t\t\t",
		"a.example\tname\tblock\tlow\t101\t\t\t\t\t", "a.example\tname\tblock\tlow\t1\t\t\tnow\t\t",
		"a.example\tcidr\tblock\tlow\t1\t\t\t\t\t",
	} {
		if err := parseEntry(line, &entry); err == nil {
			t.Errorf("%q was read", line)
		}
	}
}

// randomList returns a CSV list with values in all columns.
func randomList(t *rapid.T, label string) string {
	var b strings.Builder
	b.WriteString("domain,severity,category,reference\n")
	for range rapid.IntRange(1, 30).Draw(t, label+" entries") {
		fmt.Fprintf(&b, "n%d.example,%s,%s,\"%s\"\n",
			rapid.IntRange(0, 20).Draw(t, "name"),
			rapid.SampledFrom([]string{"low", "medium", "high"}).Draw(t, "severity"),
			rapid.SampledFrom([]string{"", "phishing", "spam"}).Draw(t, "category"),
			rapid.SampledFrom([]string{"", "https://lists.example/x", "two\twords", "ünï"}).Draw(t, "reference"))
	}
	return b.String()
}

// The difference of two snapshots turns the entries of the first into those of the second.
func TestDifference_leadsToTheSecond(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		guards := list.Guards{Guards: settings.DefaultGuards()}
		before, _, err := list.Read(strings.NewReader(randomList(rt, "before")), list.Options{}, guards, list.Hooks{})
		if err != nil {
			rt.Fatal(err)
		}
		after, _, err := list.Read(strings.NewReader(randomList(rt, "after")), list.Options{}, guards, list.Hooks{})
		if err != nil {
			rt.Fatal(err)
		}
		first := snapshotOf(t, &before, nil, day(1))
		second := snapshotOf(t, &after, openBody(t, first), day(2))
		rows := map[indicator.Key]string{}
		put := func(e *Entry) { rows[e.Key()] = string(appendEntry(nil, e)) }
		for reader := openBody(t, first); ; {
			entry, err := reader.Next()
			if err != nil || entry == nil {
				break
			}
			put(entry)
		}
		last := (*indicator.Indicator)(nil)
		err = Difference(openBody(t, first), openBody(t, second), func(c Change) error {
			if last != nil && last.Compare(&c.Entry.Indicator) >= 0 {
				rt.Errorf("%q after %q", c.Entry.Value(), last.Value())
			}
			last = &c.Entry.Indicator
			switch old, known := rows[c.Entry.Key()]; {
			case c.Delete && !known:
				rt.Errorf("%q is deleted but did not exist", c.Entry.Value())
			case c.Delete:
				delete(rows, c.Entry.Key())
			case known && old == string(appendEntry(nil, &c.Entry)):
				rt.Errorf("%q is written but did not change", c.Entry.Value())
			default:
				put(&c.Entry)
			}
			return nil
		})
		if err != nil {
			rt.Fatal(err)
		}
		var got []string
		for _, line := range rows {
			got = append(got, strings.TrimSpace(line))
		}
		slices.Sort(got)
		want, _ := drain(openBody(t, second))
		slices.Sort(want)
		if diff := cmp.Diff(want, got); diff != "" {
			rt.Error(diff)
		}
	})
}

// An entry of any list stays the same when it is packed, written and read.
func FuzzSnapshot(f *testing.F) {
	f.Add("evil.example\n192.0.2.0/24\n")
	f.Add("domain,category,reference,first_seen,expires_at\na.example,\"x\ty\",\"r\",2029-01-01,2031-01-01T00:00:00Z\n")
	f.Add(`[{"domain":"a.example","category":"c","reference":"http://x.example/\u0000"}]`)
	f.Add("@@||fine.example^\n||evil.example^\n")
	f.Fuzz(func(t *testing.T, text string) {
		entries, _, err := list.Read(strings.NewReader(text), list.Options{}, list.Guards{}, list.Hooks{})
		if err != nil {
			return
		}
		reader := openBody(t, snapshotOf(t, &entries, nil, day(1)))
		for want := range entries.All() {
			got, err := reader.Next()
			if err != nil {
				t.Fatal(err)
			}
			if got == nil || got.Indicator != *want {
				t.Fatalf("read %+v, want %+v", got, want)
			}
		}
	})
}

// An object that could not be read completely is not damaged. If it counted as lost, all entries
// would get a new AddedAt, or the table would be emptied.
func TestSnapshot_brokenTransfer(t *testing.T) {
	t.Parallel()
	body := snapshotOf(t, readList(t, "a.example\nb.example\nc.example\n"), nil, day(1))
	for cut := range body {
		transfer := io.MultiReader(bytes.NewReader(body[:cut]), iotest.ErrReader(io.ErrUnexpectedEOF))
		reader, err := open(newObjectReader(io.NopCloser(transfer), nil))
		if err == nil {
			reader.onDamage = func(err error) { t.Errorf("cut at %d: %v is not an error", cut, err) }
			_, err = drain(reader)
			reader.Close()
		}
		if !errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, errDamaged) {
			t.Errorf("cut at %d: error %v", cut, err)
		}
	}
}

// FuzzReader_parse compares the reader, which remembers the fields of the last line, with
// parsing each line.
func FuzzReader_parse(f *testing.F) {
	f.Add("name\tblock\tlow\t1\tc\tr\t\t\t2030-01-01T00:00:00Z", "name\tallow\tlow\t1\t\t\t\t\t", "a.example,b.example,,192.0.2.0/24,c.example")
	f.Add("cidr\tblock\thigh\t100\t\t\t\t\t", "", "192.0.2.0/24,198.51.100.7,a.example")
	f.Fuzz(func(t *testing.T, first, second, values string) {
		s := &Reader{categories: map[string]indicator.Category{}}
		for i, value := range strings.Split(values, ",") {
			line := value + "\t" + []string{first, second}[i/2%2]
			var want Entry
			wantErr := parseEntry(line, &want)
			if err := s.parse([]byte(line)); (err == nil) != (wantErr == nil) {
				t.Fatalf("%q: error %v, want %v", line, err, wantErr)
			} else if err == nil && s.entry != want {
				t.Fatalf("%q: read %+v, want %+v", line, s.entry, want)
			}
		}
	})
}
