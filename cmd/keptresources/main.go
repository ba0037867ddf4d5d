// Command keptresources compares two cloud assemblies and fails if a deployment of the
// second over the first would take state away: replace or remove a bucket, a table, a key,
// a stream or a database, or stop retaining it.
//
//	go run github.com/resolverwatch/resolverwatch/cmd/keptresources BASE HEAD
//
// BASE and HEAD are folders that `cdk synth` has written. An app that imports the constructs
// can run the command with the same line.
package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/resolverwatch/resolverwatch/internal/templatediff"
	"github.com/resolverwatch/resolverwatch/pkg/printable"
)

const usage = `usage: keptresources BASE HEAD

BASE and HEAD are the output folders (cdk.out) of two syntheses. The exit code is 1 if
deploying HEAD over BASE would take state away, and 2 if they cannot be compared.
`

func main() {
	os.Exit(run(os.Args[1:], printable.NewWriter(os.Stdout), printable.NewWriter(os.Stderr)))
}

// run returns the exit code.
func run(args []string, stdout, stderr io.Writer) int {
	if len(args) != 2 {
		fmt.Fprint(stderr, usage)
		return 2
	}
	findings, err := compare(args[0], args[1])
	if err != nil {
		fmt.Fprintf(stderr, "keptresources: %v\n", err)
		return 2
	}
	return report(findings, stdout)
}

// A stackFinding is a finding in the template of a stack.
type stackFinding struct {
	stack string
	templatediff.Finding
}

// compare compares each template of the folder base with the one of the same name in head.
// A stack that is missing from head counts as one without resources.
func compare(base, head string) ([]stackFinding, error) {
	earlier, err := templates(base)
	if err != nil {
		return nil, err
	}
	if _, err := templates(head); err != nil {
		return nil, err
	}

	var all []stackFinding
	for _, name := range earlier {
		before, err := fs.ReadFile(os.DirFS(base), name)
		if err != nil {
			return nil, err
		}
		after, err := fs.ReadFile(os.DirFS(head), name)
		if errors.Is(err, fs.ErrNotExist) {
			after, err = []byte(`{"Resources": {}}`), nil
		}
		if err != nil {
			return nil, err
		}
		findings, err := templatediff.Compare(before, after)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		for _, finding := range findings {
			all = append(all, stackFinding{strings.TrimSuffix(name, suffix), finding})
		}
	}
	return all, nil
}

const suffix = ".template.json"

// templates returns the paths of the templates below a folder, relative to it. Templates of
// stages are in folders of their own. It returns an error if there are none.
func templates(folder string) ([]string, error) {
	info, err := os.Stat(folder) //nolint:gosec // the folder is an argument of the command
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("the folder %s does not exist: give the output folder of a synthesis", folder)
	case err != nil:
		return nil, err
	case !info.IsDir():
		return nil, fmt.Errorf("%s is not a folder: give the output folder of a synthesis", folder)
	}

	var found []string
	err = fs.WalkDir(os.DirFS(folder), ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && strings.HasPrefix(entry.Name(), "asset.") {
			return fs.SkipDir
		}
		if strings.HasSuffix(path, suffix) {
			found = append(found, path)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("the folder %s has no *%s: give the output folder of a synthesis", folder, suffix)
	}
	return found, nil
}

// report prints the findings that somebody should see, and returns the exit code.
func report(findings []stackFinding, stdout io.Writer) int {
	var lost, noted []stackFinding
	kept := 0
	for _, finding := range findings {
		switch {
		case finding.LosesState():
			lost = append(lost, finding)
		case finding.Fate == templatediff.Replaced || finding.Fate == templatediff.Removed:
			noted = append(noted, finding)
		case finding.Fate != templatediff.Added && finding.State != templatediff.Stateless:
			kept++
		}
	}

	printAll(stdout, "Replaced or removed without a loss of state:", noted)
	printAll(stdout, "These resources hold state, and the deployment would take it away:", lost)
	if len(lost) > 0 {
		fmt.Fprintln(stdout, nextStep)
		return 1
	}
	fmt.Fprintf(stdout, "All %d resources that hold state are kept.\n", kept)
	return 0
}

const nextStep = `Undo the change, or name the earlier resource as an existing one.
docs/upgrading.md in the source of Resolverwatch has a row for each change.`

func printAll(stdout io.Writer, heading string, findings []stackFinding) {
	if len(findings) == 0 {
		return
	}
	fmt.Fprintln(stdout, heading)
	for _, finding := range findings {
		fmt.Fprintf(stdout, "  %s: %s\n", finding.stack, finding.Finding)
		if finding.Path != "" {
			fmt.Fprintf(stdout, "    %s\n", finding.Path)
		}
	}
}
