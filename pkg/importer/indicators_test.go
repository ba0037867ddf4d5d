package importer_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/table"
)

// rows returns the published indicators.
func (w *world) rows(t *testing.T) (rows []table.IndicatorRow) {
	t.Helper()
	if w.indicatorsETag == 0 {
		return nil
	}
	unpacked, err := gzip.NewReader(bytes.NewReader(w.indicators))
	if err != nil {
		t.Fatal(err)
	}
	for lines := json.NewDecoder(unpacked); lines.More(); {
		var row table.IndicatorRow
		if err := lines.Decode(&row); err != nil {
			t.Fatal(err)
		}
		rows = append(rows, row)
	}
	return rows
}

// published returns the published indicators in the format of served.
func (w *world) published(t *testing.T) string {
	t.Helper()
	var lines []string
	for _, row := range w.rows(t) {
		if row.Generation != w.indicatorsOf {
			t.Fatalf("a row of generation %d in the object of %d", row.Generation, w.indicatorsOf)
		}
		lines = append(lines, fmt.Sprintf("%s %s %s %s", row.Feed, row.Action, row.Scope, row.Indicator))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// The published indicators contain when a feed was first accepted with an entry, and which allow
// entries veto every feed. Like the index, they do not contain entries that have ended.
func TestImporter_Handle_indicators(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.put("feeds/bad/1.txt", "old.example\n")
	w.put("allow/good/1.txt", "fine.example\n")
	w.edit(edit(t, indicator.ActionBlock, indicator.ScopeName, "ours.example"))
	ended := edit(t, indicator.ActionBlock, indicator.ScopeName, "ended.example")
	ended.ExpiresAt = w.now.Add(-time.Hour)
	w.edit(ended)
	w.handle(t, keys("feeds/bad/1.txt", "allow/good/1.txt")...)
	first := w.now
	w.pass(24 * time.Hour)
	w.put("feeds/bad/2.txt", "old.example\nnew.example\n")
	w.handle(t, keys("feeds/bad/2.txt")...)

	added := map[string]string{}
	for _, row := range w.rows(t) {
		added[row.Indicator] = row.AddedAt
		if wantAll := row.Feed == "good"; row.VetoesAll != wantAll {
			t.Errorf("%s of %s: vetoes all feeds is %t", row.Indicator, row.Feed, row.VetoesAll)
		}
	}
	if old, newer := first.Format(time.RFC3339), w.now.Format(time.RFC3339); added["old.example"] != old ||
		added["new.example"] != newer || added["fine.example"] != old {
		t.Errorf("added at %v, want the old ones at %s and the new one at %s", added, old, newer)
	}
	if _, found := added["ended.example"]; found || len(added) != 4 {
		t.Errorf("published %v", added)
	}
}

// If nothing changed, the indicators are not written.
func TestImporter_Handle_indicatorsOnce(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.put("feeds/bad/1.txt", "old.example\n")
	w.handle(t, keys("feeds/bad/1.txt")...)
	w.pass(time.Hour)
	if calls := w.handle(t, scheduled()).Calls; slices.Contains(calls, "SwapIndicators") || !slices.Contains(calls, "Indicators") {
		t.Errorf("calls of a publish without changes: %v", calls)
	}
}

// If the indicators cannot be written, the failure is counted, everything else is done, and the
// next publish writes them.
func TestImporter_Handle_indicatorsFail(t *testing.T) {
	t.Parallel()
	for _, call := range []string{"Indicators", "SwapIndicators"} {
		w := newWorld()
		w.put("feeds/bad/1.txt", "old.example\n")
		at := 1 + slices.Index(w.clone().handle(t, keys("feeds/bad/1.txt")...).Calls, call)
		p := w.process()
		p.At, p.Before = at, func() error { return errors.New("unavailable") }
		if err := p.importer(t).Handle(context.Background(), keys("feeds/bad/1.txt")...); err != nil {
			t.Fatal(err)
		}
		if w.served(t) == "no index" || w.tabled() != w.served(t) || p.counts["IndicatorsStale"] != 1 || w.rows(t) != nil {
			t.Errorf("%s failed: served %q, tabled %q, counted %v", call, w.served(t), w.tabled(), p.counts)
		}
		w.pass(time.Hour)
		w.handle(t, scheduled())
		if w.published(t) != w.served(t) {
			t.Errorf("%s failed: published %q later", call, w.published(t))
		}
	}
}

// A rollback does not change the indicators. They match the index again when a publish builds
// the content that serves.
func TestImporter_Handle_indicatorsAfterRollback(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.put("feeds/bad/1.txt", "old.example\n")
	w.handle(t, keys("feeds/bad/1.txt")...)
	before, pointer := w.published(t), w.current
	w.put("feeds/bad/2.txt", "old.example\nwrong.example\n")
	w.handle(t, keys("feeds/bad/2.txt")...)

	pointer.Highest, pointer.Pinned = w.current.Highest, true
	w.current = pointer
	w.handle(t, scheduled())
	if !strings.Contains(w.published(t), "wrong.example") || strings.Contains(w.served(t), "wrong.example") {
		t.Errorf("rolled back: published %q, served %q", w.published(t), w.served(t))
	}
	w.current.Pinned = false
	w.put("feeds/bad/3.txt", "old.example\n")
	w.handle(t, keys("feeds/bad/3.txt")...)
	if w.published(t) != before || w.indicatorsOf != w.current.Generation {
		t.Errorf("published %q of generation %d, served is generation %d", w.published(t), w.indicatorsOf, w.current.Generation)
	}
}
