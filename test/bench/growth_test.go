package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The picture in the documents shows the figures next to it.
func TestGrowth_picture(t *testing.T) {
	folder := filepath.Join("..", "..", "docs", "pictures")
	text, err := os.ReadFile(filepath.Join(folder, growthJSON))
	if err != nil {
		t.Fatal(err)
	}
	var g growth
	if err := json.Unmarshal(text, &g); err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(filepath.Join(folder, growthSVG))
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	if err := g.Picture.Write(&got); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("%s does not show the figures of %s; make growth writes both", growthSVG, growthJSON)
	}
}

// All generated names differ, and none that is not listed is below a listed one.
func TestGrowthName(t *testing.T) {
	const names = 100_000
	listed := map[string]bool{}
	for n := range names {
		listed[string(listedName(nil, n))] = true
	}
	if len(listed) != names {
		t.Fatalf("%d different names, want %d", len(listed), names)
	}
	for n := range names {
		for name := string(unlistedName(nil, n)); name != ""; {
			if listed[name] {
				t.Fatalf("number %d is not listed, but %s is", n, name)
			}
			_, name, _ = strings.Cut(name, ".")
		}
	}
}

func TestGrowthRecord_text(t *testing.T) {
	for _, test := range []struct {
		name          string
		record        growthRecord
		size, answers int // a size of 0 is not checked
	}{
		{"too short for an answer", growthRecord{size: 130}, 130, 0},
		{"short", growthRecord{size: 250}, 250, 1},
		{"long", growthRecord{size: 4096}, 4096, 1},
		{"without answers", growthRecord{}, 0, 0},
		{"fifty answers", growthRecord{answers: 50}, 0, 50},
	} {
		t.Run(test.name, func(t *testing.T) {
			text := test.record.text(3, true)
			var record struct {
				QueryName string `json:"query_name"`
				Answers   []any
			}
			if err := json.Unmarshal([]byte(text), &record); err != nil {
				t.Fatal(err)
			}
			if record.QueryName != string(listedName(nil, 3))+"." || len(record.Answers) != test.answers {
				t.Errorf("the record is %s", text)
			}
			if test.size > 0 && len(text) != test.size {
				t.Errorf("%d bytes, want %d", len(text), test.size)
			}
		})
	}
}

func TestRounded(t *testing.T) {
	for value, want := range map[float64]float64{0: 0, 1234567: 1235000, 12.345678: 12.35, 0.00123456: 0.001235} {
		if got := rounded(value); got != want {
			t.Errorf("rounded %v is %v, want %v", value, got, want)
		}
	}
}
