package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// renamed replaces phrases in the names of measures of earlier commits by those of today, so
// that a measure can be compared across its renaming.
var renamed = strings.NewReplacer(
	" bytes a line", " bytes per line",
	"1 % gone, 1 % new:", "1 % removed, 1 % added:",
	"allocations a record", "allocations per record",
	"as it passed here", "elapsed",
	"build, against a sort of the names", "build / sort of the names",
	"malicious of them", "malicious records",
	"of them left in part, or throttled", "partly unprocessed or throttled batches",
	"read and open, against read and checksum", "read and open / read and checksum",
	"real ones of RESOLVERWATCH_CORPUS", "real ones from RESOLVERWATCH_CORPUS",
	"records of it", "records in the event",
	"size, filters and all", "size, with filters",
	"the same again:", "unchanged list:",
	"the same with an answer of its own", "the same with a new response",
	"transform, of the event", "transform, event bytes",
)

// figures holds the values of each measure over all runs of a bench.
type figures struct {
	names  []string // in the order of the bench
	units  map[string]string
	values map[string][]float64
}

func newFigures() *figures {
	return &figures{units: map[string]string{}, values: map[string][]float64{}}
}

// add reads the report of one run, which has a JSON object on each line. Measures of one run
// that share a name are numbered.
func (f *figures) add(report io.Reader) error {
	seen := map[string]int{}
	decoder := json.NewDecoder(report)
	for {
		var line struct {
			Measure, Unit string
			Value         float64
		}
		if err := decoder.Decode(&line); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("reading the report of the bench: %w", err)
		}

		name := renamed.Replace(line.Measure)
		if seen[name]++; seen[name] > 1 {
			name = fmt.Sprintf("%s (%d)", name, seen[name])
		}
		if !slices.Contains(f.names, name) {
			f.names = append(f.names, name)
		}
		f.units[name] = line.Unit
		f.values[name] = append(f.values[name], line.Value)
	}
}

// minRuns is the number of runs from which quartiles say something about the spread.
const minRuns = 3

// A sample is the values of a measure on one side.
type sample struct {
	runs                  int
	lower, median, higher float64 // the quartiles
}

func sampleOf(values []float64) sample {
	sorted := slices.Sorted(slices.Values(values))
	return sample{len(sorted), quantile(sorted, 0.25), quantile(sorted, 0.5), quantile(sorted, 0.75)}
}

// quantile returns the value at a share of a sorted slice, interpolated between its two
// neighbours. For an empty slice it returns NaN.
func quantile(sorted []float64, share float64) float64 {
	if len(sorted) == 0 {
		return math.NaN()
	}
	position := share * float64(len(sorted)-1)
	below := int(position)
	above := min(below+1, len(sorted)-1)
	return sorted[below] + (position-float64(below))*(sorted[above]-sorted[below])
}

// A comparison is one measure on both sides.
type comparison struct {
	name, unit string
	base, head sample
}

// outcome is the result of a comparison.
type outcome string

const (
	equal      outcome = "equal"
	within     outcome = "within the spread"
	beyond     outcome = "BEYOND THE SPREAD"
	onlyInBase outcome = "only in base"
	onlyInHead outcome = "only in head"
	tooFewRuns outcome = "too few runs"
)

// outcome reports whether the medians differ by more than the wider of the two spreads. A
// spread is the distance between the quartiles, which a few disturbed runs do not change.
func (c *comparison) outcome() outcome {
	spread := max(c.base.higher-c.base.lower, c.head.higher-c.head.lower)
	switch {
	case c.head.runs == 0:
		return onlyInBase
	case c.base.runs == 0:
		return onlyInHead
	case c.base.median == c.head.median:
		return equal
	case min(c.base.runs, c.head.runs) < minRuns:
		return tooFewRuns
	case math.Abs(c.head.median-c.base.median) > spread:
		return beyond
	default:
		return within
	}
}

// change returns the change of the median in per cent.
func (c *comparison) change() string {
	change := 100 * (c.head.median/c.base.median - 1)
	if math.IsNaN(change) || math.IsInf(change, 0) {
		return ""
	}
	return fmt.Sprintf("%+.1f %%", change)
}

// compare returns all measures in the order of head, then those that only base has.
func compare(base, head *figures) []comparison {
	var all []comparison
	for _, name := range head.names {
		all = append(all, comparison{name, head.units[name], sampleOf(base.values[name]), sampleOf(head.values[name])})
	}
	for _, name := range base.names {
		if head.values[name] == nil {
			all = append(all, comparison{name, base.units[name], sampleOf(base.values[name]), sampleOf(nil)})
		}
	}
	return all
}

// printComparison prints a row for each measure.
func printComparison(out io.Writer, all []comparison) {
	rows := table.NewWriter()
	rows.SetOutputMirror(out)
	rows.SetStyle(table.StyleDefault)
	rows.Style().Options = table.OptionsNoBordersAndSeparators
	rows.SetColumnConfigs([]table.ColumnConfig{
		{Number: 3, Align: text.AlignRight},
		{Number: 5, Align: text.AlignRight},
		{Number: 7, Align: text.AlignRight},
	})
	rows.AppendHeader(table.Row{"MEASURE", "UNIT", "BASE", "QUARTILES", "HEAD", "QUARTILES", "CHANGE", "DIFFERENCE"})
	for i := range all {
		c := &all[i]
		rows.AppendRow(table.Row{c.name, c.unit, c.base.middle(), c.base.spread(), c.head.middle(), c.head.spread(), c.change(), c.outcome()})
	}
	rows.Render()
}

func (s *sample) middle() string {
	if s.runs == 0 {
		return ""
	}
	return fmt.Sprintf("%.4g", s.median)
}

func (s *sample) spread() string {
	if s.runs < minRuns {
		return ""
	}
	return fmt.Sprintf("%.4g..%.4g", s.lower, s.higher)
}
