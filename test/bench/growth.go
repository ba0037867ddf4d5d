package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"

	"github.com/resolverwatch/resolverwatch/test/bench/chart"
)

var growthFolder = flag.String("growth", "",
	"measure how times and sizes grow, instead of the suites, and write growth.json and growth.svg into a `folder`")

// growthScale says for which values growth is measured.
type growthScale struct {
	names       []int // in one list
	sizes       []int // of records, in bytes
	answers     []int // of a record
	hitRates    []int // in per cent
	lists       []int // each with all names
	listNames   int   // in each of several lists
	recordNames int   // in the index with which records are marked
}

var fullGrowth = growthScale{
	names:       []int{10_000, 30_000, 100_000, 300_000, 1_000_000, 3_000_000, 10_000_000},
	sizes:       []int{150, 250, 400, 700, 1200, 2200, 4096},
	answers:     []int{0, 1, 2, 5, 10, 20, 35, 50},
	hitRates:    []int{0, 1, 5, 10, 25, 50, 75, 100},
	lists:       []int{1, 2, 5, 10, 20, 35, 50},
	listNames:   100_000,
	recordNames: 1_000_000,
}

// growth is what it measures: the picture, and how the machine was.
type growth struct {
	Go      string         `json:"go"`
	System  string         `json:"system"`
	Picture *chart.Picture `json:"picture"`
}

const (
	growthJSON = "growth.json"
	growthSVG  = "growth.svg"
)

// measureGrowth measures how times and sizes grow, and writes the figures and a picture of them
// into a folder. All times are processor times on one core.
func measureGrowth(folder string, scale *growthScale) (err error) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	dir, err := os.MkdirTemp("", "bench-growth-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b := &growthBench{dir: dir, command: filepath.Join(dir, "resolverwatch"), scale: scale}
	if out, err := exec.Command("go", "build", "-o", b.command, "./cmd/resolverwatch").CombinedOutput(); err != nil {
		return fmt.Errorf("building the command: %w\n%s", err, out)
	}

	var panels []chart.Panel
	for _, measure := range []func() ([]chart.Panel, error){b.byNames, b.byRecords, b.byLists} {
		more, err := measure()
		if err != nil {
			return err
		}
		panels = append(panels, more...)
	}
	g := &growth{
		Go:     runtime.Version(),
		System: runtime.GOOS + "/" + runtime.GOARCH,
		Picture: &chart.Picture{
			Title:       "How times and sizes grow",
			Description: "Nine charts. By names in the list: time to build the index, its size, memory to build it, and look-ups. By size of a record, by its answers and by the share of malicious records: time to mark a record. By number of lists: look-ups of listed names, and size of the index.",
			Panels:      panels,
		},
	}
	return g.write(folder)
}

// write writes the figures and the picture.
func (g *growth) write(folder string) error {
	text, err := json.MarshalIndent(g, "", " ")
	if err != nil {
		return err
	}
	var picture bytes.Buffer
	if err := g.Picture.Write(&picture); err != nil {
		return err
	}
	return errors.Join(
		os.MkdirAll(folder, 0o755),
		os.WriteFile(filepath.Join(folder, growthJSON), append(text, '\n'), 0o644),
		os.WriteFile(filepath.Join(folder, growthSVG), picture.Bytes(), 0o644))
}

// growthBench holds what the measurements share.
type growthBench struct {
	dir, command string
	scale        *growthScale
}

// byNamesPanel returns a panel by the names in a list.
func byNamesPanel(title, unit string, log bool, series ...chart.Series) chart.Panel {
	return chart.Panel{
		Title: title, Series: series,
		X: chart.Axis{Label: "names in the list", Log: true},
		Y: chart.Axis{Label: unit, Log: log},
	}
}

// byNames measures the command that builds an index, and look-ups.
func (b *growthBench) byNames() ([]chart.Panel, error) {
	var build, size, memory, misses, hits []chart.Point
	for _, count := range b.scale.names {
		f, x, err := b.build(count, 1)
		if err != nil {
			return nil, err
		}
		miss, hit, err := growthLookUps(x, count)
		if err != nil {
			return nil, fmt.Errorf("%d names: %w", count, err)
		}
		fmt.Printf("  %9d names: %.3g us/name to build, %.4g bytes/name, %.4g MiB, %.3g ns a miss, %.4g ns a hit\n",
			count, f.micros, f.bytes, f.mebibytes, miss, hit)
		n := float64(count)
		build = append(build, chart.Point{X: n, Y: rounded(f.micros)})
		size = append(size, chart.Point{X: n, Y: rounded(f.bytes)})
		memory = append(memory, chart.Point{X: n, Y: rounded(f.mebibytes)})
		misses = append(misses, chart.Point{X: n, Y: rounded(miss)})
		hits = append(hits, chart.Point{X: n, Y: rounded(hit)})
	}
	return []chart.Panel{
		byNamesPanel("From list to index file, one core", "µs per name", false, chart.Series{Points: build}),
		byNamesPanel("Size of the index", "bytes per name", false, chart.Series{Points: size}),
		byNamesPanel("Memory to build the index", "MiB", true, chart.Series{Points: memory}),
		byNamesPanel("Look-up of a name", "ns", true, chart.Series{Name: "listed", Points: hits}, chart.Series{Name: "not listed", Points: misses}),
	}, nil
}

// byLists measures lists that all have the same names, which is the most work.
func (b *growthBench) byLists() ([]chart.Panel, error) {
	var size, hits []chart.Point
	for _, lists := range b.scale.lists {
		f, x, err := b.build(b.scale.listNames, lists)
		if err != nil {
			return nil, err
		}
		_, hit, err := growthLookUps(x, b.scale.listNames)
		if err != nil {
			return nil, fmt.Errorf("%d lists: %w", lists, err)
		}
		fmt.Printf("  %9d lists: %.4g bytes/name, %.4g ns a hit\n", lists, f.bytes, hit)
		size = append(size, chart.Point{X: float64(lists), Y: rounded(f.bytes)})
		hits = append(hits, chart.Point{X: float64(lists), Y: rounded(hit)})
	}
	x := chart.Axis{Label: "lists that have each name"}
	return []chart.Panel{
		{Title: "Look-up of a listed name, by lists", X: x, Y: chart.Axis{Label: "ns"}, Series: []chart.Series{{Points: hits}}},
		{Title: "Size of the index, by lists", X: x, Y: chart.Axis{Label: "bytes per name"}, Series: []chart.Series{{Points: size}}},
	}, nil
}
