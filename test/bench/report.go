package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
)

// measure is one line of the report. With a goal, Met says whether it is reached, and Distance
// how far the value is on the wrong side of the goal (above 0) or on the right side (below), in
// per cent of the goal, to a tenth. Without a goal the line is informational.
type measure struct {
	Measure  string   `json:"measure"`
	Value    float64  `json:"value"`
	Unit     string   `json:"unit"`
	Goal     *float64 `json:"goal"`
	Met      *bool    `json:"met"`
	Distance *float64 `json:"distance,omitempty"`
}

type report struct {
	out  io.Writer
	json *os.File
}

func newReport(out io.Writer, jsonPath string) (*report, error) {
	r := &report{out: out}
	if jsonPath == "" {
		return r, nil
	}
	file, err := os.Create(jsonPath)
	if err != nil {
		return nil, fmt.Errorf("creating the report: %w", err)
	}
	r.json = file
	return r, nil
}

func (r *report) section(name string) { fmt.Fprintf(r.out, "\n%s\n", name) }

// info reports a figure without a goal.
func (r *report) info(name string, value float64, unit string) {
	r.add(measure{Measure: name, Value: value, Unit: unit})
}

// note prints a line without a figure.
func (r *report) note(text string) { fmt.Fprintf(r.out, "  %s\n", text) }

// atLeast and atMost report a figure against its goal.
func (r *report) atLeast(name string, value float64, unit string, goal float64) {
	r.compare(name, value, unit, goal, goal-value)
}

func (r *report) atMost(name string, value float64, unit string, goal float64) {
	r.compare(name, value, unit, goal, value-goal)
}

// compare reports a figure that misses its goal if excess is above 0.
func (r *report) compare(name string, value float64, unit string, goal, excess float64) {
	met := excess <= 0
	m := measure{Measure: name, Value: value, Unit: unit, Goal: &goal, Met: &met}
	if goal != 0 {
		distance := math.Round(1000*excess/goal) / 10
		m.Distance = &distance
	}
	r.add(m)
}

func (r *report) add(m measure) {
	fmt.Fprintf(r.out, "  %-58s %12.4g %-12s %s\n", m.Measure, m.Value, m.Unit, m.verdict())
	if r.json == nil {
		return
	}
	// The members are numbers, words and booleans: encoding them cannot fail.
	line, _ := json.Marshal(m) //nolint:errchkjson // a float that is not a number is a bug of the bench, visible in the table
	fmt.Fprintf(r.json, "%s\n", line)
}

// verdict describes the goal, whether it is met, and the distance to it.
func (m *measure) verdict() string {
	if m.Goal == nil {
		return ""
	}
	text := fmt.Sprintf("goal %-8.4g ", *m.Goal) + map[bool]string{true: "met", false: "MISSED"}[*m.Met]
	if m.Distance != nil && math.Abs(*m.Distance) < 1000 {
		text += fmt.Sprintf(" by %.0f %%", math.Abs(*m.Distance))
	}
	return text
}

func (r *report) close() error {
	if r.json == nil {
		return nil
	}
	return r.json.Close()
}
