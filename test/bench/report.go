package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
)

// measure is one line of the report. With a goal, Met says whether it is reached; without
// one the line is informational.
type measure struct {
	Measure string   `json:"measure"`
	Value   float64  `json:"value"`
	Unit    string   `json:"unit"`
	Goal    *float64 `json:"goal"`
	Met     *bool    `json:"met"`
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

// atLeast and atMost report a figure against its goal.
func (r *report) atLeast(name string, value float64, unit string, goal float64) {
	met := value >= goal
	r.add(measure{name, value, unit, &goal, &met})
}

func (r *report) atMost(name string, value float64, unit string, goal float64) {
	met := value <= goal
	r.add(measure{name, value, unit, &goal, &met})
}

func (r *report) add(m measure) {
	verdict := ""
	if m.Goal != nil {
		verdict = fmt.Sprintf("goal %-8.4g %s", *m.Goal, map[bool]string{true: "met", false: "MISSED"}[*m.Met])
	}
	fmt.Fprintf(r.out, "  %-58s %12.4g %-12s %s\n", m.Measure, m.Value, m.Unit, verdict)
	if r.json == nil {
		return
	}
	// The members are numbers, words and booleans: encoding them cannot fail.
	line, _ := json.Marshal(m) //nolint:errchkjson // a float that is not a number is a bug of the bench, visible in the table
	fmt.Fprintf(r.json, "%s\n", line)
}

func (r *report) close() error {
	if r.json == nil {
		return nil
	}
	return r.json.Close()
}
