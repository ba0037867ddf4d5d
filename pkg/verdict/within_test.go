package verdict_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/verdict"
)

// listedBy returns an index in which that many feeds list popular.example.
func listedBy(t testing.TB, feeds int) *index.Index {
	t.Helper()
	entries := []string{"addr block cidr 203.0.113.7", "allow-corp allow name ok.popular.example"}
	for i := range feeds {
		entries = append(entries, fmt.Sprintf("vendor-%03d block subtree popular.example", i))
	}
	return newIndex(t, entries...)
}

// A mark names 16 feeds, in the order of their ids, and counts the others.
func TestMarker_feeds(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ feeds, wantNamed, wantMore int }{
		{1, 1, 0}, {15, 15, 0}, {16, 16, 0}, {17, 16, 1}, {60, 16, 44}, {300, 16, 284},
	} {
		got := marked(t, listedBy(t, tt.feeds), verdict.Options{}, `{"query_name":"a.popular.example"}`)
		if len(got.Threat.Feeds) != tt.wantNamed || got.Threat.MoreFeeds != tt.wantMore {
			t.Errorf("%d feeds: %d are named and %d are counted, want %d and %d",
				tt.feeds, len(got.Threat.Feeds), got.Threat.MoreFeeds, tt.wantNamed, tt.wantMore)
		}
		for i, feed := range got.Threat.Feeds {
			if feed != fmt.Sprintf("vendor-%03d", i) {
				t.Errorf("%d feeds: feed %d is %s", tt.feeds, i, feed)
			}
		}
	}
}

// A caller of the marker sees all feeds.
func TestMarker_feeds_onMark(t *testing.T) {
	t.Parallel()
	feeds := 0
	m := verdict.NewMarker(listedBy(t, 60), verdict.Options{OnMark: func(m *verdict.Mark) { feeds = len(m.Threat.Match.Feeds) }})
	if _, err := m.Mark(nil, []byte(`{"query_name":"popular.example"}`)); err != nil || feeds != 60 {
		t.Errorf("%d feeds, error %v", feeds, err)
	}
}

// If a record does not fit, its objects are marked again with less detail. The numbers of the
// objects tell a caller which of them it has seen.
func TestMarker_MarkWithin_numbers(t *testing.T) {
	t.Parallel()
	var numbers []int
	m := verdict.NewMarker(listedBy(t, 20), verdict.Options{OnMark: func(m *verdict.Mark) { numbers = append(numbers, m.Number) }})
	const evil = `{"query_name":"popular.example"}`
	if _, err := m.MarkWithin(nil, []byte(evil+evil+evil), 3*len(evil)+300); err != nil {
		t.Fatal(err)
	}
	want := []int{0, 0, 1, 0, 1, 2} // with feeds, without them, without threats
	if !slices.Equal(numbers, want) {
		t.Errorf("got the objects %d, want %d", numbers, want)
	}
}

// detail returns how much of the threats a line has.
func detail(t *testing.T, line string) string {
	t.Helper()
	var m struct{ Threat map[string]any }
	if err := json.Unmarshal([]byte(line), &m); err != nil {
		t.Fatalf("%v in %s", err, line)
	}
	if m.Threat == nil {
		return "no threat"
	}
	feeds := len(m.Threat["feeds"].([]any))
	for _, name := range []string{"indicator", "scope", "matched", "part", "category", "severity", "confidence"} {
		delete(m.Threat, name)
	}
	delete(m.Threat, "feeds")
	names := make([]string, 0, len(m.Threat))
	for name := range m.Threat {
		names = append(names, name)
	}
	slices.Sort(names)
	return strings.TrimSpace(fmt.Sprintf("%d feeds %s", feeds, strings.Join(names, " ")))
}

// A record loses members of its threat before it fails, and fails rather than exceed the limit.
func TestMarker_MarkWithin(t *testing.T) {
	t.Parallel()
	x := listedBy(t, 20)
	const (
		clean   = `{"query_name":"a.test"}`
		evil    = `{"query_name":"popular.example","answers":[{"Type":"A","Rdata":"203.0.113.7"}]}`
		allowed = `{"query_name":"ok.popular.example","answers":[]}`
		marked  = `{"query_name":"popular.example","verdict":"malicious","threat":{"feeds":["a"]}}`
	)
	for _, tt := range []struct {
		name, record string
		want         []string // with each lower limit
	}{
		{"clean", clean, []string{"no threat", "no room"}},
		{"malicious", evil, []string{"16 feeds more_feeds more_parts", "0 feeds more_feeds", "no threat", "no room"}},
		{"allowed", allowed, []string{"16 feeds allowed_by more_feeds", "0 feeds more_feeds", "no threat", "no room"}},
		// the line of the allowed object is shown, whose threat counts as one too
		{"malicious and allowed", evil + allowed, []string{"16 feeds allowed_by more_feeds", "0 feeds more_feeds", "no threat", "no room"}},
		{"already marked", marked, []string{"1 feeds", "no room"}},
		{"clean and malicious", clean + evil, []string{"16 feeds more_feeds more_parts", "0 feeds more_feeds", "no threat", "no room"}},
		{"malicious and clean", evil + clean, []string{"no threat", "no threat", "no threat", "no room"}}, // the last line is shown
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m := verdict.NewMarker(x, verdict.Options{})
			whole, err := m.Mark(nil, []byte(tt.record))
			if err != nil {
				t.Fatal(err)
			}
			objects := total(m.Counts())
			var got []string
			for limit := len(whole); ; limit-- {
				m.Reset(x, verdict.Options{})
				line, err := m.MarkWithin([]byte("before"), []byte(tt.record), limit)
				if err != nil {
					if !errors.Is(err, verdict.ErrNoRoom) || string(line) != "before" || m.Counts() != (verdict.Counts{}) {
						t.Fatalf("limit %d: %q, counts %+v, error %v", limit, line, m.Counts(), err)
					}
					got = append(got, "no room")
					break
				}
				if len(line)-len("before") > limit || total(m.Counts()) != objects {
					t.Fatalf("limit %d: %d bytes, counts %+v", limit, len(line), m.Counts())
				}
				lines := strings.Split(strings.TrimSuffix(string(line), "\n"), "\n")
				last := detail(t, strings.TrimPrefix(lines[len(lines)-1], "before"))
				isFull := string(line) == "before"+string(whole)
				if isFull != (m.Counts().Shortened == 0) || m.Counts().Shortened < 0 {
					t.Fatalf("limit %d: %d shortened, in %s", limit, m.Counts().Shortened, line)
				}
				if len(got) == 0 || got[len(got)-1] != last {
					got = append(got, last)
				}
			}
			want := slices.Compact(slices.Clone(tt.want))
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("with each lower limit (-want +got):\n%s", diff)
			}
		})
	}
}

// The shortest mark needs little more room than the record.
func TestMarker_MarkWithin_shortest(t *testing.T) {
	t.Parallel()
	x := listedBy(t, 20)
	for _, name := range []string{"popular.example", "ok.popular.example", "a.test", "a..b"} {
		record := `{"query_name":"` + name + `"}`
		if _, err := verdict.NewMarker(x, verdict.Options{}).MarkWithin(nil, []byte(record), len(record)+70); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Errors of a record come before a lack of room that is found while marking.
func TestMarker_MarkWithin_errors(t *testing.T) {
	t.Parallel()
	m := verdict.NewMarker(listedBy(t, 20), verdict.Options{})
	for _, record := range []string{`{"verdict":"x"}`, `{"Verdict":"clean"}`, "[]", `{} x`} {
		if _, err := m.MarkWithin(nil, []byte(record), 500); err == nil || errors.Is(err, verdict.ErrNoRoom) {
			t.Errorf("%s: error %v", record, err)
		}
	}
}

// With any limit the lines are those of Mark or, with fewer members in their threats, within
// the limit.
func TestMarker_MarkWithin_random(t *testing.T) {
	t.Parallel()
	x := listedBy(t, 40)
	random := rand.New(rand.NewPCG(1, 2))
	parts := []string{
		`{"query_name":"a.test"}`, `{"query_name":"x.popular.example."}`, `{"query_name":"ok.popular.example"}`, "{}", "\n",
		`{"query_name":"a..b","answers":[{"Type":"A","Rdata":"203.0.113.7"}]}`, `{"verdict":"clean"}`,
		`{"messageType":"DATA_MESSAGE","logEvents":[{"message":"{\"query_name\":\"popular.example\"}"}]}`,
	}
	for range 3_000 {
		var record string
		for range random.IntN(6) {
			record += parts[random.IntN(len(parts))]
		}
		m := verdict.NewMarker(x, verdict.Options{})
		whole, err := m.Mark(nil, []byte(record))
		if err != nil {
			t.Fatal(err)
		}
		objects := total(m.Counts())
		limit := random.IntN(len(whole) + 10)
		m.Reset(x, verdict.Options{})
		lines, err := m.MarkWithin(nil, []byte(record), limit)
		switch {
		case len(whole) <= limit && string(lines) != string(whole):
			t.Fatalf("limit %d: %q, want %q", limit, lines, whole)
		case err != nil && (!errors.Is(err, verdict.ErrNoRoom) || len(lines) > 0):
			t.Fatalf("limit %d: %q, error %v", limit, lines, err)
		case err == nil && (len(lines) > limit || strings.Count(string(lines), "\n") != objects || total(m.Counts()) != objects):
			t.Fatalf("limit %d: %q, counts %+v, want %d objects", limit, lines, m.Counts(), objects)
		}
	}
}

func TestMarker_MarkWithin_allocatesNothing(t *testing.T) {
	m := verdict.NewMarker(listedBy(t, 20), verdict.Options{})
	record := []byte(`{"query_name":"popular.example"}{"query_name":"a.test"}`)
	var buf []byte
	for _, limit := range []int{10_000, 400, 200, 100} {
		if n := testing.AllocsPerRun(100, func() { buf, _ = m.MarkWithin(buf[:0], record, limit) }); n != 0 {
			t.Errorf("limit %d: %v allocations", limit, n)
		}
	}
}
