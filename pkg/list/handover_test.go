package list

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// entriesOf returns entries whose references are their numbers.
func entriesOf(count int) (entries []indicator.Indicator) {
	for i := range count {
		entries = append(entries, indicator.Indicator{Reference: fmt.Sprint(i)})
	}
	return entries
}

// All entries come in their order, however many there are.
func TestHandover(t *testing.T) {
	t.Parallel()
	for _, count := range []int{0, 1, handoverEntries - 1, handoverEntries, handoverEntries + 1, 20 * handoverEntries} {
		var got []indicator.Indicator
		h := startHandover(func(entry *indicator.Indicator) error {
			got = append(got, *entry)
			return nil
		})
		want := entriesOf(count)
		for i := range want {
			if err := h.add(&want[i]); err != nil {
				t.Fatal(err)
			}
		}
		if err := h.finish(); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%d of %d entries came, or in another order", len(got), count)
		}
	}
}

// After an error no entry is taken, and the parser learns about it soon.
func TestHandover_error(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	taken := 0
	h := startHandover(func(*indicator.Indicator) error {
		if taken++; taken == 3 {
			return broken
		}
		return nil
	})
	added := 0
	var err error
	for entry := (indicator.Indicator{}); err == nil && added < 1_000*handoverEntries; added++ {
		err = h.add(&entry)
	}
	if finished := h.finish(); !errors.Is(err, broken) || !errors.Is(finished, broken) || taken != 3 {
		t.Errorf("after %d entries: add returns %v, finish %v; %d entries were taken", added, err, finished, taken)
	}
}

// A list is read in the same way on one and two processors, also if it cannot be read to its end.
func TestRead_sameOnOneAndTwoProcessors(t *testing.T) { //nolint:paralleltest // it sets GOMAXPROCS
	var names strings.Builder
	for i := range 5_000 {
		fmt.Fprintf(&names, "name%d.example\n", i%4_000)
	}
	for _, text := range []string{
		"evil.example\ncom\nbad..example\n", names.String(), names.String() + "\x00\x00\x00", names.String() + strings.Repeat("x", 5_000) + "\n",
	} {
		var outcomes []string
		for _, processors := range []int{1, 2} {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(processors))
			entries, summary, err := Read(strings.NewReader(text), Options{}, Guards{Guards: settings.DefaultGuards()}, Hooks{})
			outcomes = append(outcomes, fmt.Sprint(entries, summary, err))
		}
		if outcomes[0] != outcomes[1] {
			t.Errorf("one processor: %.300s\ntwo: %.300s", outcomes[0], outcomes[1])
		}
	}
}
