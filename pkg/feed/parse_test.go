package feed_test

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/resolverwatch/resolverwatch/pkg/feed"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

// reading is the result of parsing a list: accepted entries as "scope value", preceded by
// "allow" for allow entries; skipped ones as "text: reason"; rejected ones as "text".
type reading struct {
	Accepted []string
	Skipped  []string
	Rejected []string
}

// read parses text and checks that the counts add up.
func read(t *testing.T, text string, o feed.Options) (reading, feed.Report, error) {
	t.Helper()
	var got reading
	o.OnReject = func(e feed.LineError) { got.Rejected = append(got.Rejected, e.Text) }
	o.OnSkip = func(s feed.SkippedLine) { got.Skipped = append(got.Skipped, s.Text+": "+s.Why.String()) }
	report, err := feed.Parse(strings.NewReader(text), o, func(i *indicator.Indicator) error {
		got.Accepted = append(got.Accepted, render(i))
		return nil
	})
	if sum := report.Accepted + report.Rejected + report.Skipped; sum != report.Entries {
		t.Errorf("accepted + rejected + skipped = %d, want %d, the entries", sum, report.Entries)
	}
	if n := len(got.Accepted); n != report.Accepted {
		t.Errorf("%d entries emitted, %d counted", n, report.Accepted)
	}
	return got, report, err
}

// parseRendered parses text and emits the accepted entries as [render] writes them.
func parseRendered(text string, o feed.Options, emit func(string)) error {
	_, err := feed.Parse(strings.NewReader(text), o, func(i *indicator.Indicator) error {
		emit(render(i))
		return nil
	})
	return err
}

func render(i *indicator.Indicator) string {
	text := i.Scope.String() + " " + i.Value()
	if i.Action == indicator.ActionAllow {
		text = "allow " + text
	}
	return text
}

// formatCase is a list in one format.
type formatCase struct {
	name string
	in   string
	want reading
}

func testFormat(t *testing.T, format feed.Format, cases []formatCase) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, _, err := read(t, c.in, feed.Options{Format: format})
			if err != nil && !errors.Is(err, feed.ErrEmpty) {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error("-want +got:\n", diff)
			}
		})
	}
}

func TestParse_scopeOption(t *testing.T) {
	t.Parallel()
	const list = "evil.example\nhttps://host.example/x\n*.wild.example\n192.0.2.1\n"
	got, _, err := read(t, list, feed.Options{Scope: indicator.ScopeName})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"name evil.example", "name host.example", "name wild.example", "cidr 192.0.2.1"}
	if diff := cmp.Diff(want, got.Accepted); diff != "" {
		t.Error("-want +got:\n", diff)
	}
}

func TestParse_allowFeed(t *testing.T) {
	t.Parallel()
	got, report, err := read(t, "good.example\n192.0.2.0/24\n", feed.Options{Action: indicator.ActionAllow})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"allow subtree good.example", "allow cidr 192.0.2.0/24"}
	if diff := cmp.Diff(want, got.Accepted); diff != "" || report.Allowed != 2 || report.Addresses != 1 {
		t.Errorf("%d allowed, %d addresses; -want +got:\n%s", report.Allowed, report.Addresses, diff)
	}
}

func TestParse_registrable(t *testing.T) {
	t.Parallel()
	const list = "||a.b.evil.example^\n||co.uk^\n@@||a.good.example^\n||x.github.io^\n"
	got, _, err := read(t, list, feed.Options{Registrable: true})
	if err != nil {
		t.Fatal(err)
	}
	want := reading{
		Accepted: []string{"subtree evil.example", "allow subtree a.good.example", "subtree x.github.io"},
		Rejected: []string{"co.uk"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error("-want +got:\n", diff)
	}
}

func TestParse_ratings(t *testing.T) {
	t.Parallel()
	confidence := indicator.Confidence(0)
	tests := []struct {
		name    string
		options feed.Options
		want    string
	}{{
		name: "defaults",
		want: " medium 50",
	}, {
		name: "of the feed",
		options: feed.Options{
			Category: "phishing", Severity: indicator.SeverityHigh, Confidence: &confidence,
		},
		want: "phishing high 0",
	}}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := ""
			_, err := feed.Parse(strings.NewReader("evil.example"), tt.options, func(i *indicator.Indicator) error {
				got = fmt.Sprint(i.Category, " ", i.Severity, " ", i.Confidence)
				return nil
			})
			if err != nil || got != tt.want {
				t.Errorf("got %q, %v, want %q", got, err, tt.want)
			}
		})
	}
}

func TestParse_lines(t *testing.T) {
	t.Parallel()
	var line int
	var accepted []string
	var rejected []feed.LineError
	report, err := feed.Parse(strings.NewReader("# note\n\na.example\nb c\nd.example"), feed.Options{
		Format: feed.Plain, Line: &line,
		OnReject: func(e feed.LineError) { rejected = append(rejected, e) },
	}, func(i *indicator.Indicator) error {
		accepted = append(accepted, fmt.Sprintf("%d %s", line, i.Value()))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"3 a.example", "5 d.example"}, accepted); diff != "" {
		t.Error("-want +got:\n", diff)
	}
	if len(rejected) != 1 || rejected[0].Line != 4 || rejected[0].Text != "b c" {
		t.Errorf("rejected: %v, want line 4", rejected)
	}
	if report.Lines != 5 || report.Entries != 3 {
		t.Errorf("%d lines with %d entries, want 5 with 3", report.Lines, report.Entries)
	}
}

func TestParse_emitError(t *testing.T) {
	t.Parallel()
	full := errors.New("no more room")
	for _, list := range []string{
		"a.example\nb.example\n", "0.0.0.0 a.example b.example\n", "domain\na.example\nb.example\n", `["a.example", "b.example"]`,
	} {
		calls := 0
		_, err := feed.Parse(strings.NewReader(list), feed.Options{}, func(*indicator.Indicator) error {
			calls++
			return full
		})
		if !errors.Is(err, full) || calls != 1 {
			t.Errorf("%q: error %v after %d calls, want the error of emit after one", list, err, calls)
		}
	}
}

// The Indicator is reused, but callers may keep the strings in it.
func TestParse_stringsStayValid(t *testing.T) {
	t.Parallel()
	var list strings.Builder
	for n := range 5000 {
		fmt.Fprintf(&list, "%d.UPPER%d.example,https://ref.example/%d\n", n, n, n)
	}
	var kept []indicator.Indicator
	_, err := feed.Parse(iotest.HalfReader(strings.NewReader("domain,reference\n"+list.String())), feed.Options{},
		func(i *indicator.Indicator) error {
			kept = append(kept, *i)
			return nil
		})
	if err != nil {
		t.Fatal(err)
	}
	for n, i := range kept {
		name, reference := fmt.Sprintf("%d.upper%d.example", n, n), fmt.Sprintf("https://ref.example/%d", n)
		if i.Name.String() != name || i.Reference != reference {
			t.Fatalf("entry %d is %v with %q, want %s with %s", n, i.Name, i.Reference, name, reference)
		}
	}
}

func TestOptions_problems(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		in   feed.Options
		want string
	}{
		{"format", feed.Options{Format: "xls"}, `format "xls": must be one of plain, hosts`},
		{"scope", feed.Options{Scope: indicator.ScopeCIDR}, "scope cidr: must be name, subtree or under"},
		{"action", feed.Options{Action: 7}, "must be block or allow"},
		{"column", feed.Options{Format: feed.Hosts, Column: "url"}, `column "url": a hosts list has no columns`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, _, err := read(t, "evil.example", tt.in)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q in it", err, tt.want)
			}
		})
	}
}

// endless generates a list, so that it is never in memory as a whole.
type endless struct {
	head, line, tail string // line contains the number of the entry
	entries          int
}

func (e *endless) Read(p []byte) (n int, err error) {
	n = copy(p, e.head)
	e.head = e.head[n:]
	for n+len(e.line)+10 < len(p) && e.entries > 0 {
		n += copy(p[n:], fmt.Sprintf(e.line, e.entries))
		e.entries--
	}
	if e.entries == 0 {
		copied := copy(p[n:], e.tail)
		if e.tail = e.tail[copied:]; e.tail == "" {
			err = io.EOF
		}
		n += copied
	}
	return n, err
}

// Not parallel, because it measures the heap of the whole process.
func TestParse_memoryDoesNotGrow(t *testing.T) {
	const entries, slack = 300_000, 1 << 20
	heap := func() int64 {
		runtime.GC()
		var stats runtime.MemStats
		runtime.ReadMemStats(&stats)
		return int64(stats.HeapAlloc)
	}
	for _, list := range []*endless{
		{line: "host%d.example\n"},
		{head: `{"type":"hostname","list":[`, line: `"host%d.example",`, tail: `"x.example"]}`},
		{head: `{"Event":{"Attribute":[`, line: `{"type":"domain","value":"host%d.example"},`, tail: `{"type":"domain","value":"x.example"}]}}`},
		{head: `{"Event":{"Object":[`, line: `{"Attribute":[{"type":"domain","value":"host%d.example"}]},`, tail: `{"Attribute":[{"type":"domain","value":"x.example"}]}]}}`},
		{head: `{"Object":[{"Attribute":[`, line: `{"type":"domain","value":"host%d.example"},`, tail: `{"type":"domain","value":"x.example"}]}]}`},
		{head: `{"id":"bundle--1","objects":[`, line: `{"type":"indicator","pattern":"[domain-name:value='host%d.example']"},`, tail: `{"type":"malware"}]}`},
	} {
		list.entries = entries
		what := list.head + list.line
		var first, last int64
		n := 0
		_, err := feed.Parse(list, feed.Options{}, func(*indicator.Indicator) error {
			// The entries of an object come in batches. At the second batch all buffers have
			// their final size.
			if n++; n == 10_000 {
				first = heap()
			} else if n == entries {
				last = heap()
			}
			return nil
		})
		if err != nil || n < entries {
			t.Fatalf("%s: %d entries, %v, want %d", what, n, err, entries)
		}
		if last-first > slack {
			t.Errorf("%s: the heap grew by %d bytes over %d entries, want at most %d", what, last-first, entries, slack)
		}
	}
}
