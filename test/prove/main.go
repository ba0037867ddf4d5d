// Command prove runs the tests that show how Resolverwatch behaves under faults and with hostile
// input. For each case it prints the required behaviour and the result. The cases and their tests
// are in testdata. With -out it also streams generated records through the transformer, and
// writes a page for reviewers, prove.html, and the same as prove.json.
//
// It exits with status 1 if a case did not come out as required, or has no test.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// options say what to prove.
type options struct {
	tables  []string
	out     string // folder; empty: print only
	records int    // to stream; 0: none
	seed    string
}

func main() {
	var o options
	tables := flag.String("tables", "faults,hostile", "tables to run, with commas between them")
	flag.StringVar(&o.out, "out", "", "folder that gets prove.html and prove.json")
	flag.IntVar(&o.records, "records", 0, "number of records to stream through the transformer")
	flag.StringVar(&o.seed, "seed", "", "seed of the records (default: the time)")
	flag.Parse()
	o.tables = strings.Split(*tables, ",")

	if err := prove(context.Background(), ".", &o); err != nil {
		fmt.Fprintln(os.Stderr, "prove:", err)
		os.Exit(1)
	}
}

// errNotProven reports cases that did not come out as required.
var errNotProven = errors.New("not everything came out as required")

func prove(ctx context.Context, root string, o *options) error {
	tables, err := readTables(filepath.Join(root, "test", "prove", "testdata"), o.tables...)
	if err != nil {
		return err
	}

	p := &Proof{Started: time.Now().UTC(), Tables: tables, Go: runtime.Version(), System: runtime.GOOS + "/" + runtime.GOARCH}
	p.Commit, p.Changed = commit(ctx, root)
	if err := runTables(ctx, root, tables); err != nil {
		return err
	}
	for _, t := range tables {
		t.print(os.Stdout)
	}

	if o.records > 0 {
		if p.Records, err = streamRecords(ctx, root, o); err != nil {
			return err
		}
	}
	p.finish()
	if o.out != "" {
		if err := p.write(o.out); err != nil {
			return err
		}
	}
	if !p.Proven {
		return errNotProven
	}
	return nil
}

// commit returns the commit of a checkout and whether files differ from it.
func commit(ctx context.Context, root string) (hash string, changed bool) {
	head := exec.CommandContext(ctx, "git", "-C", root, "rev-parse", "--short=12", "HEAD")
	text, err := head.Output()
	if err != nil {
		return "unknown", false // not a checkout
	}
	status, err := exec.CommandContext(ctx, "git", "-C", root, "status", "--porcelain").Output()
	return strings.TrimSpace(string(text)), err == nil && len(status) > 0
}

// streamRecords runs the command records. A wrong answer is in the report.
func streamRecords(ctx context.Context, root string, o *options) (*Records, error) {
	folder, err := os.MkdirTemp("", "prove")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(folder) }() // a temporary folder

	report := filepath.Join(folder, "records.json")
	arguments := []string{"run", "./test/records", "-count", strconv.Itoa(o.records), "-json", report}
	if o.seed != "" {
		arguments = append(arguments, "-seed", o.seed)
	}
	command := exec.CommandContext(ctx, "go", arguments...)
	command.Dir = root
	command.Stdout, command.Stderr = os.Stdout, os.Stderr
	failure := command.Run()

	records, err := readRecords(report)
	if err != nil {
		return nil, errors.Join(failure, err)
	}
	records.Wrong = failure != nil
	return records, nil
}

// print writes a table for people.
func (t *Table) print(w io.Writer) {
	fmt.Fprintf(w, "\n%s: %d of %d as required\n\n", t.Title, t.passed(), len(t.Rows))
	for i := range t.Rows {
		r := &t.Rows[i]
		fmt.Fprintf(w, "%-8s %-8s %s\n%17s required: %s\n", r.Result, r.ID, r.Case, "", r.Required)
		for _, test := range r.Tests {
			fmt.Fprintf(w, "%17s %-8s %s\n", "", test.Result, test.Name)
		}
	}
}
