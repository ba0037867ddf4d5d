package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Table is a list of cases with the tests that show what happens in them.
type Table struct {
	Name  string `json:"name"`
	Title string `json:"title"`
	Rows  []Row  `json:"rows"`
}

// Row is one case.
type Row struct {
	ID       string  `json:"id"`
	Case     string  `json:"case"`
	Required string  `json:"required"`
	Result   Result  `json:"result"`
	Tests    []*Test `json:"tests"`
}

// Test is a test of the tree, such as pkg/index.TestOpen_everyLength, or a part of one, such as
// internal/cli.TestScripts/scan.
type Test struct {
	Name    string  `json:"name"`
	Result  Result  `json:"result"`
	Seconds float64 `json:"seconds"`
}

// Result says how a test or a row came out.
type Result string

// The results. Only Passed counts as success.
const (
	Passed  Result = "passed"
	Failed  Result = "FAILED"
	Skipped Result = "skipped"
	NotRun  Result = "not run"
	NoTest  Result = "no test"
)

// titles are the tables with their titles, in the order of the page.
var titles = []struct{ name, title string }{
	{"faults", "Faults"},
	{"hostile", "Hostile input"},
}

// noTest is the last column of a row without a test.
const noTest = "no test"

// readTables reads the tables with these names from a folder.
func readTables(folder string, names ...string) ([]*Table, error) {
	var tables []*Table
	for _, t := range titles {
		if !slices.Contains(names, t.name) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(folder, t.name+".tsv"))
		if err != nil {
			return nil, err
		}
		table := &Table{Name: t.name, Title: t.title}
		if table.Rows, err = parseRows(string(text)); err != nil {
			return nil, fmt.Errorf("reading the table %s: %w", t.name, err)
		}
		tables = append(tables, table)
	}
	return tables, nil
}

// columns is the first line of a table.
const columns = "id\tcase\trequired\ttests"

func parseRows(text string) ([]Row, error) {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if lines[0] != columns {
		return nil, fmt.Errorf("line 1: want the columns %q", columns)
	}
	var rows []Row
	for i, line := range lines[1:] {
		fields := strings.Split(line, "\t")
		if len(fields) != 4 || slices.Contains(fields, "") {
			return nil, fmt.Errorf("line %d: want four fields with tabs between them", i+2)
		}
		row := Row{ID: fields[0], Case: fields[1], Required: fields[2], Result: NoTest}
		if fields[3] != noTest {
			for name := range strings.FieldsSeq(fields[3]) {
				if _, _, ok := splitTest(name); !ok {
					return nil, fmt.Errorf("line %d: %q is not folder.Test", i+2, name)
				}
				row.Tests = append(row.Tests, &Test{Name: name, Result: NotRun})
			}
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// splitTest splits the name of a test into its folder and its name there.
func splitTest(name string) (folder, test string, ok bool) {
	at := strings.Index(name, ".Test")
	if at < 0 {
		at = strings.Index(name, ".Fuzz")
	}
	if at <= 0 {
		return "", "", false
	}
	return name[:at], name[at+1:], true
}

// setResult sets the result of a row to the worst result of its tests.
func (r *Row) setResult() {
	r.Result = NoTest
	for _, t := range r.Tests {
		switch {
		case t.Result == Failed || r.Result == NoTest || r.Result == Passed:
			r.Result = t.Result
		}
		if r.Result == Failed {
			return
		}
	}
}

// passed returns the number of rows that passed.
func (t *Table) passed() (n int) {
	for i := range t.Rows {
		if t.Rows[i].Result == Passed {
			n++
		}
	}
	return n
}
