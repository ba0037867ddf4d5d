package chart

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
)

func TestNewScale(t *testing.T) {
	for _, test := range []struct {
		name      string
		log       bool
		low, high float64
		want      []float64
	}{
		{"from zero", false, 0, 50, []float64{0, 10, 20, 30, 40, 50}},
		{"a step of two", false, 0, 7, []float64{0, 2, 4, 6, 8}},
		{"a step of five", false, 0, 1900, []float64{0, 500, 1000, 1500, 2000}},
		{"below one", false, 0, 0.7, []float64{0, 0.2, 0.4, 0.6, 0.8}},
		{"one value", false, 0, 0, []float64{0, 0}},
		{"powers of ten", true, 10_000, 10_000_000, []float64{1e4, 1e5, 1e6, 1e7}},
		{"between powers", true, 150, 4096, []float64{100, 1000, 10_000}},
		{"one value at a power", true, 100, 100, []float64{100, 1000}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newScale(test.log, test.low, test.high)
			if !slices.Equal(s.ticks, test.want) {
				t.Errorf("ticks %v, want %v", s.ticks, test.want)
			}
			for _, value := range []float64{test.low, test.high} {
				if place := s.place(value); !(place >= 0 && place <= 1) {
					t.Errorf("%v is at %v, outside of the plot", value, place)
				}
			}
		})
	}
}

// The picture is well-formed, has every label, and nothing that runs or loads.
func TestPicture_Write(t *testing.T) {
	p := &Picture{Title: "Growth", Description: "How times <grow>", Panels: []Panel{
		{Title: "Look-up", X: Axis{"names", true}, Y: Axis{Label: "ns"}, Series: []Series{
			{"listed & found", []Point{{10, 1}, {1000, 2}}},
			{"not listed", []Point{{10, 3}, {1000, 4}}},
		}},
		{Title: "Mark", X: Axis{Label: "answers"}, Y: Axis{"us", true}, Series: []Series{{"", []Point{{0, 10}, {50, 2000}}}}},
	}}
	var out bytes.Buffer
	if err := p.Write(&out); err != nil {
		t.Fatal(err)
	}

	var words []string
	decoder := xml.NewDecoder(&out)
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		switch token := token.(type) {
		case xml.CharData:
			words = append(words, strings.TrimSpace(string(token)))
		case xml.StartElement:
			if slices.Contains([]string{"script", "image", "use", "a", "foreignObject"}, token.Name.Local) {
				t.Errorf("the picture has an element %s", token.Name.Local)
			}
		}
	}
	for _, want := range []string{"Growth", "How times <grow>", "Look-up", "names", "ns", "listed & found", "not listed", "1 k", "answers", "us", "50"} {
		if !slices.Contains(words, want) {
			t.Errorf("the picture does not show %q", want)
		}
	}
}
