package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// operators are the changes of gremlins: https://gremlins.dev/latest/usage/mutations/
var operators = map[string]map[string]string{
	"ARITHMETIC_BASE":       {"+": "-", "-": "+", "*": "/", "/": "*", "%": "*"},
	"CONDITIONALS_BOUNDARY": {"<": "<=", "<=": "<", ">": ">=", ">=": ">"},
	"CONDITIONALS_NEGATION": {"==": "!=", "!=": "==", "<": ">=", "<=": ">", ">": "<=", ">=": "<"},
	"INCREMENT_DECREMENT":   {"++": "--", "--": "++"},
	"INVERT_NEGATIVES":      {"-": "+"},
}

// maxTestTime is how long the tests of a package may take with a change.
const maxTestTime = 5 * time.Minute

// retestAll tests the changes again that survived, after tests were added. Changes that were noticed
// before still count, as long as their file is the same.
func retestAll(ctx context.Context, o *options, chosen []part, all []explanation) (err error) {
	copied, err := copyTree(ctx, o.root)
	defer func() { err = errors.Join(err, os.RemoveAll(copied)) }()
	if err != nil {
		return err
	}
	for _, p := range chosen {
		source, err := hashOf(filepath.Join(o.root, p.folder))
		if err != nil {
			return err
		}
		for _, file := range p.files {
			if err := retestFile(ctx, o, &p, file, source, copied, all); err != nil {
				return fmt.Errorf("%s: %w", filepath.Join(p.folder, file), err)
			}
		}
	}
	return nil
}

func retestFile(ctx context.Context, o *options, p *part, file, source, tree string, all []explanation) error {
	kept, err := o.readAnyResults(p, file)
	if err != nil || kept == nil {
		return err
	}
	name := filepath.ToSlash(filepath.Join(p.folder, file))
	own, err := hashOf(filepath.Join(o.root, name))
	if err != nil {
		return err
	}
	if own != kept.File {
		fmt.Printf("%s has changed: test it from the start\n", name)
		return nil
	}

	in, err := readSource(filepath.Join(o.root, name))
	if err != nil {
		return err
	}
	for i := range kept.Mutants {
		m := &kept.Mutants[i]
		survived := (m.Status == lived || m.Status == notCovered) && !in.isConstant(*m)
		if !survived || find(all, name, m.Type, in.line(m.Line)) != nil {
			continue
		}
		if m.Status, err = retest(ctx, p, m, filepath.Join(tree, name), tree); err != nil {
			return err
		}
		fmt.Printf("%-11s %s %s:%d:%d\n", m.Status, m.Type, name, m.Line, m.Column)
	}
	kept.Source = source
	return o.writeResults(p, file, kept)
}

// retest makes one change in the copy of a file, runs the tests of its package, and takes the change
// back.
func retest(ctx context.Context, p *part, m *mutant, path, tree string) (status string, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	changed, err := m.apply(text)
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(path, changed, 0o600); err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, os.WriteFile(path, text, 0o600)) }()

	arguments := []string{"test", "-short", "-vet=off", "-failfast", "-timeout", maxTestTime.String()}
	if p.slow != "" {
		arguments = append(arguments, "-skip", p.slow)
	}
	command := exec.CommandContext(ctx, "go", append(arguments, "./"+p.folder)...)
	command.Dir = tree
	output, testErr := command.CombinedOutput()
	switch {
	case ctx.Err() != nil:
		return "", ctx.Err()
	case testErr == nil:
		return lived, nil
	case bytes.Contains(output, []byte("[build failed]")):
		return notViable, nil
	case bytes.Contains(output, []byte("panic: test timed out")):
		return timedOut, nil
	default:
		return killed, nil
	}
}

// apply returns the text of a file with the change.
func (m *mutant) apply(text []byte) ([]byte, error) {
	lines := strings.SplitAfter(string(text), "\n")
	if m.Line < 1 || m.Line > len(lines) || m.Column < 1 || m.Column > len(lines[m.Line-1]) {
		return nil, fmt.Errorf("there is no place %d:%d", m.Line, m.Column)
	}
	line := lines[m.Line-1]
	before, rest := line[:m.Column-1], line[m.Column-1:]
	for _, length := range []int{2, 1} {
		operator := rest[:min(length, len(rest))]
		if other, known := operators[m.Type][operator]; known {
			lines[m.Line-1] = before + other + rest[len(operator):]
			return []byte(strings.Join(lines, "")), nil
		}
	}
	return nil, fmt.Errorf("no operator of %s at %d:%d: %s", m.Type, m.Line, m.Column, strings.TrimSpace(line))
}
