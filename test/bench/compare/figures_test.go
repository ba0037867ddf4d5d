package main

import (
	"math"
	"slices"
	"strings"
	"testing"
)

func TestFigures_add(t *testing.T) {
	f := newFigures()
	for _, report := range []string{
		`{"measure":"index","value":1,"unit":"s"}` + "\n" + `{"measure":"index","value":2,"unit":"B","goal":3,"met":true}` + "\n",
		`{"measure":"index","value":3,"unit":"s"}` + "\n" + `{"measure":"index","value":4,"unit":"B"}` + "\n" + `{"measure":"later","value":5,"unit":""}`,
	} {
		if err := f.add(strings.NewReader(report)); err != nil {
			t.Fatal(err)
		}
	}
	if want := []string{"index", "index (2)", "later"}; !slices.Equal(f.names, want) {
		t.Errorf("names %v, want %v", f.names, want)
	}
	if !slices.Equal(f.values["index"], []float64{1, 3}) || !slices.Equal(f.values["index (2)"], []float64{2, 4}) ||
		!slices.Equal(f.values["later"], []float64{5}) || f.units["index (2)"] != "B" {
		t.Errorf("got %+v", f)
	}
}

// Measures that were renamed are compared under their present names.
func TestFigures_renamed(t *testing.T) {
	f := newFigures()
	report := `{"measure":"parse hosts, generated, 29 bytes a line","value":1}{"measure":"1 % gone, 1 % new: batches","value":2}`
	if err := f.add(strings.NewReader(report)); err != nil {
		t.Fatal(err)
	}
	if want := []string{"parse hosts, generated, 29 bytes per line", "1 % removed, 1 % added: batches"}; !slices.Equal(f.names, want) {
		t.Errorf("names %q, want %q", f.names, want)
	}
}

func TestQuantile(t *testing.T) {
	for _, test := range []struct {
		sorted              []float64
		lower, middle, high float64
	}{
		{[]float64{5}, 5, 5, 5},
		{[]float64{1, 3}, 1.5, 2, 2.5},
		{[]float64{1, 2, 3, 4, 100}, 2, 3, 4},
		{[]float64{1, 2, 3, 4, 5, 6, 7, 8, 9}, 3, 5, 7},
	} {
		for share, want := range map[float64]float64{0.25: test.lower, 0.5: test.middle, 0.75: test.high} {
			if got := quantile(test.sorted, share); got != want {
				t.Errorf("quantile %v of %v = %v, want %v", share, test.sorted, got, want)
			}
		}
	}
	if got := quantile(nil, 0.5); !math.IsNaN(got) {
		t.Errorf("quantile of nothing = %v", got)
	}
}

func TestComparison_outcome(t *testing.T) {
	calm, wide := []float64{99, 100, 101, 100, 100}, []float64{50, 80, 100, 120, 150}
	for _, test := range []struct {
		name       string
		base, head []float64
		want       outcome
		change     string
	}{
		{"equal medians", calm, wide, equal, "+0.0 %"},
		{"small change of a calm figure", calm, []float64{103, 103, 103}, beyond, "+3.0 %"},
		{"same change of an unsteady figure", wide, []float64{103, 103, 103}, within, "+3.0 %"},
		{"unsteady after the change", calm, []float64{50, 90, 110, 130, 150}, within, "+10.0 %"},
		{"one disturbed run", []float64{100, 100, 100, 100, 900}, []float64{90, 90, 90, 90, 90}, beyond, "-10.0 %"},
		{"a count that changed", []float64{0, 0, 0}, []float64{2, 2, 2}, beyond, ""},
		{"one run", []float64{100}, []float64{200}, tooFewRuns, "+100.0 %"},
		{"gone", calm, nil, onlyInBase, ""},
		{"new", nil, calm, onlyInHead, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := comparison{base: sampleOf(test.base), head: sampleOf(test.head)}
			if got, change := c.outcome(), c.change(); got != test.want || change != test.change {
				t.Errorf("got %q, %q, want %q, %q", got, change, test.want, test.change)
			}
		})
	}
}
