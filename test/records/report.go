package main

import (
	"fmt"
	"io"
	"time"

	"github.com/resolverwatch/resolverwatch/test/records/check"
)

// Report is the result of a run.
type Report struct {
	Seed    uint64       `json:"seed"`
	Records int          `json:"records"` // checked
	Batches int          `json:"batches"`
	Seconds float64      `json:"seconds"`
	Counts  check.Counts `json:"counts"`
	Parts   []Part       `json:"parts"`
	Memory  []Memory     `json:"memory"`
	PeakMiB float64      `json:"peakMiB"`
	Alerts  AlertCounts  `json:"alerts"`

	sent    int
	started time.Time
}

// Part is a part of a run: a fault, or none.
type Part struct {
	Name    string `json:"name"`
	Records int    `json:"records"`
	Batches int    `json:"batches"`
}

// Memory is what the transformer had in memory after a share of the records, and the most that it
// had since the share before.
type Memory struct {
	Percent int     `json:"percent"`
	MiB     float64 `json:"miB"`
	PeakMiB float64 `json:"peakMiB"`
}

func newReport(o Options) *Report { return &Report{Seed: o.Seed, started: time.Now()} }

// add counts a batch.
func (r *Report) add(part string, records int) {
	r.sent += records
	r.Batches++
	for i := range r.Parts {
		if r.Parts[i].Name == part {
			r.Parts[i].Records += records
			r.Parts[i].Batches++
			return
		}
	}
	r.Parts = append(r.Parts, Part{part, records, 1})
}

// sample notes the memory at the end of a round.
func (r *Report) sample(round, rounds int, miB, peakMiB float64) {
	r.Memory = append(r.Memory, Memory{100 * round / rounds, miB, peakMiB})
	r.PeakMiB = max(r.PeakMiB, peakMiB)
}

func (r *Report) finish() {
	r.Seconds = time.Since(r.started).Seconds()
	r.Records = r.Counts.Records
}

// checkMemory returns an error if the memory grew with the records: what is in memory at the ends of
// rounds, or the most that is in memory during them. Each round has the same parts, but garbage that
// is not yet collected makes the figures differ by some MiB.
func (r *Report) checkMemory() error {
	if len(r.Memory) < 2 || r.Memory[0].MiB == 0 {
		return nil
	}
	const slack = 32
	first, last := r.Memory[0], r.Memory[len(r.Memory)-1]
	for _, figure := range []struct {
		name        string
		first, last float64
	}{{"the memory", first.MiB, last.MiB}, {"the peak of the memory", first.PeakMiB, last.PeakMiB}} {
		if figure.last > 1.25*figure.first+slack {
			return fmt.Errorf("%s grew: %.0f MiB after %d %% of the records, %.0f MiB after %d %%",
				figure.name, figure.first, first.Percent, figure.last, last.Percent)
		}
	}
	if r.PeakMiB > memoryMiB {
		return fmt.Errorf("the transformer had %.0f MiB at its peak, and the function has %d MiB", r.PeakMiB, memoryMiB)
	}
	return nil
}

// print writes the report for people.
func (r *Report) print(w io.Writer) {
	c := &r.Counts
	fmt.Fprintf(w, "%d records in %d events, seed %d, %.0f s\n", r.Records, r.Batches, r.Seed, r.Seconds)
	fmt.Fprintf(w, "  answers  %d ok, %d dropped, %d failed because they cannot be read, %d without room\n",
		c.Ok, c.Dropped, c.Failed, c.NoRoom)
	fmt.Fprintf(w, "  objects  %d: %d malicious, %d allowed, %d clean, %d unknown (%d by time), %d marked before\n",
		c.Objects, c.Malicious, c.Allowed, c.Clean, c.Unknown, c.Timeouts, c.AlreadyMarked)
	fmt.Fprintf(w, "  alerts   %d requests to the queue, %d of them with a fault; the others are about %d matches in %d rows\n",
		r.Alerts.Requests, r.Alerts.Faults, r.Alerts.Records, r.Alerts.Rows)
	for _, p := range r.Parts {
		fmt.Fprintf(w, "  %10d records, %6d events: %s\n", p.Records, p.Batches, p.Name)
	}
	for _, m := range r.Memory {
		fmt.Fprintf(w, "  memory at %3d %%  %.0f MiB, at most %.0f MiB since the figure before\n", m.Percent, m.MiB, m.PeakMiB)
	}
	fmt.Fprintf(w, "  memory at peak   %.0f MiB of %d\n", r.PeakMiB, memoryMiB)
}
