package feed_test

import (
	"encoding/csv"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/resolverwatch/resolverwatch/pkg/feed"
)

// FuzzTable builds tables of which it knows the column with the indicators, and reads them
// again with encoding/csv, by the number of that column. Parse knows neither: it must find the
// same indicators or refuse the list. An entry from another column is the worst fault.
func FuzzTable(f *testing.F) {
	f.Add([]byte{3, 0, 0, 1, 2, 3, 4, 5, 6, 7})
	f.Add([]byte{4, 1, 1, 0, 3, 8, 2, 9, 1, 1, 5})
	f.Add([]byte{5, 2, 3, 7, 7, 5, 4, 1, 0, 2, 200, 3})
	f.Add([]byte{9, 3, 2, 1, 6, 6, 5, 2, 4, 1, 77, 19})
	f.Fuzz(func(t *testing.T, data []byte) {
		table := buildTable(&choices{data: data})
		got, _, err := read(t, table.text, feed.Options{})
		want := slowTable(t, table)
		var refused *feed.RefusedError
		if errors.As(err, &refused) || len(got.Accepted) == 0 { // which package list refuses
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		// A table of one column may also be read as a plain list. Its heading is then a single
		// label, which package list drops.
		got.Accepted = slices.DeleteFunc(got.Accepted, func(entry string) bool { return !strings.ContainsAny(entry, ".:") })
		slices.Sort(got.Accepted)
		if diff := cmp.Diff(want, slices.Compact(got.Accepted)); diff != "" {
			t.Errorf("-want +got:\n%s%s", diff, table.text)
		}

		// With the column named, nothing is left to choose.
		named, _, err := read(t, table.text, feed.Options{Format: feed.CSV, Column: fmt.Sprint(table.indicator + 1)})
		slices.Sort(named.Accepted)
		if diff := cmp.Diff(want, slices.Compact(named.Accepted)); err != nil || diff != "" {
			t.Errorf("column %d: %v, -want +got:\n%s%s", table.indicator+1, err, diff, table.text)
		}
	})
}

// choices turns the bytes of the fuzzer into decisions.
type choices struct{ data []byte }

// below returns a number below n. Without bytes it returns 0.
func (c *choices) below(n int) int {
	if len(c.data) == 0 {
		return 0
	}
	b := c.data[0]
	c.data = c.data[1:]
	return int(b) % n
}

// builtTable is a table and what is true about it.
type builtTable struct {
	text      string
	separator rune
	indicator int // the column, from 0
	headed    bool
}

// filler is a column that does not have the indicators: its headings, and its cell in a row.
type filler struct {
	headings []string
	cell     func(row int) string
}

// fillers have the shapes of public lists. Those that look like indicators repeat a few hosts.
var fillers = []filler{
	{[]string{"id", "no", "Nummer"}, func(row int) string { return fmt.Sprint(row) }},
	{[]string{"date", "first_seen", "Datum"}, func(row int) string { return fmt.Sprintf("2026-01-%02d", row%28+1) }},
	{[]string{"reference", "link", "Quelle der Meldung"}, func(row int) string { return fmt.Sprintf("https://blog.vendor.test/%d", row) }},
	{[]string{"note", "description", "Bemerkung"}, func(row int) string { return fmt.Sprintf("seen %d times, \"at\" night", row) }},
	{[]string{"malware", "family", "Art"}, func(row int) string { return []string{"otter", "lynx"}[row%2] }},
	{[]string{"reporter", "brand", "Melder"}, func(int) string { return "sensor.ours.test" }},
	{[]string{"file", "filename", "Datei"}, func(row int) string { return fmt.Sprintf("svc%d.exe", row) }},
	{[]string{"count", "score", "Anzahl"}, func(row int) string { return fmt.Sprintf("%d.5", row) }},
	{[]string{"", "", ""}, func(int) string { return "" }},
	{[]string{"status", "state", "Zustand"}, func(row int) string { return []string{"online", "offline"}[row%2] }},
}

// indicators are the values of the column with the indicators, and headings for it.
var indicators = []filler{
	{[]string{"domain", "ioc", "Adresse im Netz"}, func(row int) string { return fmt.Sprintf("evil%d.example", row) }},
	{[]string{"url", "indicator", "Fundort"}, func(row int) string { return fmt.Sprintf("http://bad%d.example/x,%d", row, row) }},
	{[]string{"ip", "value", "Rechner"}, func(row int) string { return fmt.Sprintf("192.0.2.%d", row+1) }},
}

func buildTable(c *choices) *builtTable {
	rows, kind, naming := 2+c.below(8), c.below(len(indicators)), c.below(4)
	table := &builtTable{separator: []rune{',', ';', '\t'}[c.below(3)], headed: naming < 3}
	columns := []filler{indicators[kind]}
	for range c.below(5) {
		columns = slices.Insert(columns, c.below(len(columns)+1), fillers[c.below(len(fillers))])
	}
	var text strings.Builder
	w := csv.NewWriter(&text)
	w.Comma = table.separator
	for row := -1; row < rows; row++ {
		var cells []string
		for i, column := range columns {
			if slices.Equal(column.headings, indicators[kind].headings) {
				table.indicator = i
			}
			if row < 0 {
				cells = append(cells, column.headings[naming%3])
			} else {
				cells = append(cells, column.cell(row))
			}
		}
		if row >= 0 || table.headed {
			_ = w.Write(cells) // into memory
		}
	}
	w.Flush()
	table.text = text.String()
	return table
}

// slowTable reads the known column of a table with encoding/csv.
func slowTable(t *testing.T, table *builtTable) []string {
	t.Helper()
	r := csv.NewReader(strings.NewReader(table.text))
	r.Comma = table.separator
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if table.headed {
		rows = rows[1:]
	}
	var s slowReader
	for _, row := range rows {
		s.target("subtree ", row[table.indicator])
	}
	slices.Sort(s.accepted)
	return slices.Compact(s.accepted)
}
