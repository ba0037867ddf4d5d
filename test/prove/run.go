package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// module is the import path of the root module, and systemFolder the module of the tests that
// need more than the product.
const (
	module       = "github.com/resolverwatch/resolverwatch/"
	systemFolder = "test/system/"
)

// runTables runs the tests of tables and sets their results. It returns an error only if it
// cannot run tests at all.
func runTables(ctx context.Context, root string, tables []*Table) error {
	byFolder := map[string][]*Test{}
	for _, table := range tables {
		for i := range table.Rows {
			for _, t := range table.Rows[i].Tests {
				folder, _, _ := splitTest(t.Name)
				byFolder[folder] = append(byFolder[folder], t)
			}
		}
	}

	folders := make([]string, 0, len(byFolder))
	for folder := range byFolder {
		folders = append(folders, folder)
	}
	slices.Sort(folders)
	for _, folder := range folders {
		if err := runFolder(ctx, root, folder, byFolder[folder]); err != nil {
			return fmt.Errorf("running the tests of %s: %w", folder, err)
		}
	}

	for _, table := range tables {
		for i := range table.Rows {
			table.Rows[i].setResult()
		}
	}
	return nil
}

// runFolder runs tests of one package in one process. A test that the process does not report
// stays as it is.
func runFolder(ctx context.Context, root, folder string, tests []*Test) error {
	command := exec.CommandContext(ctx, "go", testArguments(folder, tests)...)
	command.Dir = root
	command.Stderr = os.Stderr
	out, err := command.StdoutPipe()
	if err != nil {
		return err
	}
	if err := command.Start(); err != nil {
		return err
	}

	reports, output, err := readEvents(out)
	wait := command.Wait()
	if exited := (*exec.ExitError)(nil); err == nil && wait != nil && !errors.As(wait, &exited) {
		err = wait
	}
	for _, t := range tests {
		_, name, _ := splitTest(t.Name)
		if report, found := reports[name]; found {
			t.Result, t.Seconds = report.Result, report.Seconds
		}
	}
	if wait != nil {
		fmt.Fprintf(os.Stderr, "%s:\n%s", folder, output)
	}
	return err
}

// testArguments returns the arguments of go for tests of a folder.
func testArguments(folder string, tests []*Test) []string {
	var names []string
	for _, t := range tests {
		_, name, _ := splitTest(t.Name)
		name, _, _ = strings.Cut(name, "/")
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}

	var arguments []string
	path := module + folder
	if inSystem, ok := strings.CutPrefix(folder, systemFolder); ok {
		arguments, path = []string{"-C", systemFolder}, "./"+inSystem
	}
	return append(append([]string{"test"}, arguments...),
		"-json", "-count=1", "-timeout=20m", "-run=^("+strings.Join(names, "|")+")$", path)
}

// event is a line of `go test -json`.
type event struct {
	Action  string
	Test    string
	Output  string
	Elapsed float64
}

// readEvents returns the result of each test, and the output of those that did not pass.
func readEvents(r io.Reader) (results map[string]Test, output string, err error) {
	results = map[string]Test{}
	words := map[string]Result{"pass": Passed, "fail": Failed, "skip": Skipped}
	texts := map[string]*strings.Builder{}
	var failed strings.Builder

	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var e event
		if json.Unmarshal(lines.Bytes(), &e) != nil {
			failed.Write(append(lines.Bytes(), '\n')) // a line of the build
			continue
		}
		if texts[e.Test] == nil {
			texts[e.Test] = &strings.Builder{}
		}
		texts[e.Test].WriteString(e.Output)
		if result, ends := words[e.Action]; ends && e.Test != "" {
			results[e.Test] = Test{e.Test, result, e.Elapsed}
			if result == Failed {
				failed.WriteString(texts[e.Test].String())
			}
			delete(texts, e.Test)
		}
	}
	if text := texts[""]; text != nil {
		failed.WriteString(text.String())
	}
	return results, failed.String(), lines.Err()
}
