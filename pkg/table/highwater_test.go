package table_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/resolverwatch/resolverwatch/pkg/table"
)

func TestHighWater(t *testing.T) {
	t.Parallel()
	type record struct {
		day     float64
		entries int
	}
	for _, test := range []struct {
		name    string
		records []record
		day     float64 // when the mark is read
		want    int
	}{
		{"nothing", nil, 100, 0},
		{"a list", []record{{100, 50}}, 100, 50},
		{"a smaller one on the same day", []record{{100, 50}, {100.5, 40}}, 100.6, 50},
		{"a larger one", []record{{100, 50}, {101, 60}}, 101, 60},
		{"six days later", []record{{100, 50}, {100.1, 40}}, 106, 50},
		{"seven days later", []record{{100, 50}, {100.1, 40}}, 107.9, 50},
		{"eight days later", []record{{100, 50}, {100.1, 40}}, 108, 40},
		{"a list that served long", []record{{100, 50}, {130, 40}}, 130, 50},
		{"it served until a week ago", []record{{100, 50}, {130, 40}}, 137, 50},
		{"and longer ago", []record{{100, 50}, {130, 40}}, 138, 40},
		{"small steps", []record{{100, 50}, {101, 45}, {102, 40}, {103, 35}}, 104, 50},
		{"the clock is behind", []record{{100, 50}, {99, 40}}, 98, 50},
	} {
		var mark table.HighWater
		at := func(day float64) time.Time { return time.Unix(int64(day*86400), 0) }
		for _, r := range test.records {
			mark = mark.Record(table.Served{Entries: r.entries}, at(r.day))
		}
		if got := mark.Highest(at(test.day)); got != test.want {
			t.Errorf("%s: got %d, want %d", test.name, got, test.want)
		}
	}
}

// The mark is the highest number of any list that served on one of eight days: this one and the
// seven before.
func TestHighWater_likeHistory(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		const first = 20_000 // days since 1970
		var mark table.HighWater
		day, history := int64(first), map[int64][]int{} // the lists that served on a day
		serving := 0
		for range rapid.IntRange(1, 12).Draw(t, "records") {
			for range rapid.IntRange(0, 10).Draw(t, "days") {
				day++
				history[day] = append(history[day], serving)
			}
			serving = rapid.IntRange(0, 100).Draw(t, "entries")
			history[day] = append(history[day], serving)
			mark = mark.Record(table.Served{Entries: serving}, time.Unix(day*86400, 0))

			want := 0
			for d := day - 7; d <= day; d++ {
				for _, entries := range history[d] {
					want = max(want, entries)
				}
			}
			if got := mark.Highest(time.Unix(day*86400+3600, 0)); got != want {
				t.Fatalf("day %d: got %d, want %d", day-first, got, want)
			}
		}
	})
}

func TestHighWater_Oldest(t *testing.T) {
	t.Parallel()
	at := func(day, hour int) time.Time { return time.Date(2030, 1, day, hour, 0, 0, 0, time.UTC) }
	var mark table.HighWater
	for _, step := range []struct {
		day, hour int
		accepted  string // "" if nothing is accepted
		want      string // afterwards
	}{
		{1, 1, "a", "a"},
		{1, 2, "b", "a"}, // the first one of the feed
		{2, 5, "c", "a"},
		{8, 1, "d", "a"},
		{8, 23, "", "a"},
		{9, 0, "", "b"}, // served when the second day began
		{10, 0, "", "c"},
		{12, 0, "e", "c"},
		{15, 0, "", "c"},
		{16, 0, "", "d"},
		{20, 0, "", "e"},
		{40, 0, "", "e"},
		{40, 1, "f", "e"},
	} {
		if step.accepted != "" {
			mark = mark.Record(table.Served{Entries: 1, Snapshot: step.accepted}, at(step.day, step.hour))
		}
		got := mark.Oldest(at(step.day, step.hour))
		if got != step.want {
			t.Errorf("day %d, hour %d: got %q, want %q", step.day, step.hour, got, step.want)
		}
		if !slices.Contains(mark.Snapshots(), got) {
			t.Errorf("day %d, hour %d: %q is not among the snapshots to keep, %q", step.day, step.hour, got, mark.Snapshots())
		}
	}
	mark = mark.Rebase("g").Record(table.Served{Entries: 1, Snapshot: "g"}, at(41, 0))
	if got := mark.Snapshots(); mark.Oldest(at(41, 0)) != "g" || slices.ContainsFunc(got[1:], func(key string) bool { return key != "g" }) {
		t.Errorf("after other settings: got %q", got)
	}
}
