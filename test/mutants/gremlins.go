package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// results are the results of one file, as they are kept.
type results struct {
	Source  string   `json:"source"` // hash of the package, its tests included
	File    string   `json:"file"`   // hash of the file
	Mutants []mutant `json:"mutants"`
}

// mutant is a change with its result, in the words of gremlins.
type mutant struct {
	Type   string `json:"type"`
	Status string `json:"status"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
}

// resultsPath returns where the results of a file are kept.
func (o *options) resultsPath(p *part, file string) string {
	return filepath.Join(o.out, p.name+"-"+strings.TrimSuffix(file, ".go")+".json")
}

// readResults returns the results of a file, or nil if there are none for its package as it is.
func (o *options) readResults(p *part, file, source string) (*results, error) {
	r, err := o.readAnyResults(p, file)
	if err != nil || r == nil || r.Source != source {
		return nil, err
	}
	return r, nil
}

// readAnyResults returns the results of a file, whatever its package was then.
func (o *options) readAnyResults(p *part, file string) (*results, error) {
	text, err := os.ReadFile(o.resultsPath(p, file))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // nothing was tested yet
	}
	if err != nil {
		return nil, err
	}
	var r results
	if err := json.Unmarshal(text, &r); err != nil {
		return nil, fmt.Errorf("%s: %w", o.resultsPath(p, file), err)
	}
	return &r, nil
}

// hashOf returns a hash of a file, or of all files of a package, its tests and their data included.
func hashOf(folder string) (string, error) {
	hash := sha256.New()
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		fmt.Fprintf(hash, "%s %d\n%s", path, len(text), text)
		return err
	})
	return hex.EncodeToString(hash.Sum(nil)[:8]), err
}

// testAll tests the files that have no results yet, in a copy of the tree.
func testAll(ctx context.Context, o *options, chosen []part) (err error) {
	if err := os.MkdirAll(o.out, 0o750); err != nil {
		return err
	}
	copied, err := copyTree(ctx, o.root)
	defer func() { err = errors.Join(err, os.RemoveAll(copied)) }()
	if err != nil {
		return err
	}
	for _, p := range chosen {
		if err := testPart(ctx, o, &p, copied); err != nil {
			return err
		}
	}
	return nil
}

func testPart(ctx context.Context, o *options, p *part, tree string) error {
	source, err := hashOf(filepath.Join(o.root, p.folder))
	if err != nil {
		return err
	}
	for _, file := range p.files {
		kept, err := o.readResults(p, file, source)
		if err == nil && kept == nil {
			err = testFile(ctx, o, p, file, source, tree)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", filepath.Join(p.folder, file), err)
		}
	}
	return nil
}

// copyTree copies the files that git knows, with their changes. Gremlins copies its folder for each
// worker, and tools and results are large.
func copyTree(ctx context.Context, root string) (string, error) {
	folder, err := os.MkdirTemp("", "mutants")
	if err != nil {
		return "", err
	}
	list, err := exec.CommandContext(ctx, "git", "-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard").Output()
	if err != nil {
		return folder, fmt.Errorf("listing the files of the tree: %w", err)
	}
	for name := range strings.SplitSeq(strings.TrimSuffix(string(list), "\x00"), "\x00") {
		text, err := os.ReadFile(filepath.Join(root, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue // deleted, but not yet in the index of git
		}
		target := filepath.Join(folder, name)
		if err == nil {
			err = os.MkdirAll(filepath.Dir(target), 0o750)
		}
		if err == nil {
			err = os.WriteFile(target, text, 0o600)
		}
		if err != nil {
			return folder, err
		}
	}
	return folder, nil
}

// timeoutFactor is how many times longer than the tests themselves a change may take.
const timeoutFactor = "4"

// testFile runs gremlins on one file and keeps the results.
func testFile(ctx context.Context, o *options, p *part, file, source, tree string) error {
	report := filepath.Join(tree, "report.json")
	arguments := []string{
		"unleash", "./" + p.folder, "--output", report, "--workers", strconv.Itoa(o.workers), "--timeout-coefficient", timeoutFactor,
	}
	others, err := filepath.Glob(filepath.Join(o.root, p.folder, "*.go"))
	if err != nil {
		return err
	}
	for _, other := range others {
		if name := filepath.Base(other); name != file && !strings.HasSuffix(name, "_test.go") {
			arguments = append(arguments, "--exclude-files", "^"+regexp.QuoteMeta(name)+"$")
		}
	}

	gremlins, err := exec.LookPath(o.gremlins)
	if err != nil {
		return err
	}
	if gremlins, err = filepath.Abs(gremlins); err != nil {
		return err
	}
	command := exec.CommandContext(ctx, gremlins, arguments...)
	command.Dir = tree
	flags := "-short -vet=off"
	if p.slow != "" {
		flags += " -skip=" + p.slow
	}
	command.Env = append(os.Environ(), "GOFLAGS="+flags)
	var output bytes.Buffer
	command.Stdout, command.Stderr = &output, &output
	fmt.Printf("testing %s\n", filepath.Join(p.folder, file))
	if err := command.Run(); err != nil {
		return fmt.Errorf("%w\n%s", err, &output)
	}
	kept, err := readReport(report, file)
	if err != nil {
		return err
	}
	kept.Source = source
	if kept.File, err = hashOf(filepath.Join(o.root, p.folder, file)); err != nil {
		return err
	}
	if err := testUncovered(ctx, o, p, file, tree, kept); err != nil {
		return err
	}
	return o.writeResults(p, file, kept)
}

// testUncovered tests the changes that gremlins says no test reaches. It reads that from the coverage
// of statements, to which the conditions after case do not belong.
func testUncovered(ctx context.Context, o *options, p *part, file, tree string, kept *results) error {
	name := filepath.Join(p.folder, file)
	in, err := readSource(filepath.Join(o.root, name))
	if err != nil {
		return err
	}
	for i := range kept.Mutants {
		m := &kept.Mutants[i]
		if m.Status != notCovered || in.isConstant(*m) {
			continue
		}
		if m.Status, err = retest(ctx, p, m, filepath.Join(tree, name), tree); err != nil {
			return err
		}
	}
	return nil
}

// readReport reads what gremlins reported about a file. Without changes there is no report.
func readReport(path, file string) (*results, error) {
	kept := &results{Mutants: []mutant{}}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return kept, nil
	}
	if err != nil {
		return nil, err
	}
	var reported struct {
		Files []struct {
			Name      string   `json:"file_name"`
			Mutations []mutant `json:"mutations"`
		} `json:"files"`
	}
	if err := json.Unmarshal(text, &reported); err != nil {
		return nil, fmt.Errorf("reading the report of gremlins: %w", err)
	}
	for _, f := range reported.Files {
		if filepath.Base(f.Name) == file {
			kept.Mutants = append(kept.Mutants, f.Mutations...)
		}
	}
	return kept, os.Remove(path)
}

func (o *options) writeResults(p *part, file string, kept *results) error {
	encoded, err := json.MarshalIndent(kept, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(o.resultsPath(p, file), append(encoded, '\n'), 0o600)
}
