//go:build e2e

package e2e_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// report tells people which parts ran, how long they took, and whether they passed.
type report struct {
	lines   []string
	details []string // of the current stage
}

func (r *report) titlef(format string, values ...any) {
	r.lines = append(r.lines, "", fmt.Sprintf(format, values...))
}

// detailf adds a line below the current stage.
func (r *report) detailf(format string, values ...any) {
	r.details = append(r.details, fmt.Sprintf("      "+format, values...))
}

// part runs a part of a test under its name.
func (r *report) part(t *testing.T, name string, run func(t *testing.T)) (ok bool) {
	t.Helper()
	begin := time.Now()
	ok = t.Run(name, run)
	result := ""
	if !ok {
		result = "  FAILED"
	}
	r.lines = append(r.lines, fmt.Sprintf("  %-28s %6.1f s%s", name, time.Since(begin).Seconds(), result))
	r.lines, r.details = append(r.lines, r.details...), nil
	return ok
}

// stage is a part that later parts depend on: if it fails, the test ends.
func (r *report) stage(t *testing.T, name string, run func(t *testing.T)) {
	t.Helper()
	if !r.part(t, name, run) {
		t.FailNow()
	}
}

func (r *report) write(t *testing.T, path string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(strings.Join(r.lines, "\n")+"\n"), 0o644); err != nil {
		t.Error(err)
	}
}
