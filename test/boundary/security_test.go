package boundary_test

import (
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"
)

// Every test that docs/security.md names exists.
func TestSecurityTests(t *testing.T) {
	listed := map[string]bool{}
	for line := range strings.Lines(read(t, "test", "testdata", "tests.txt")) {
		name, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		listed[name] = true
	}
	named := regexp.MustCompile("`([a-z0-9/]+\\.(?:Test|Fuzz)\\w+)`").FindAllStringSubmatch(read(t, "docs", "security.md"), -1)
	if len(named) < 50 {
		t.Errorf("only %d tests are named", len(named))
	}
	for _, match := range named {
		if !listed[match[1]] {
			t.Errorf("docs/security.md names %s, which does not exist", match[1])
		}
	}
}

// Every row of the tables about attackers names a test.
func TestSecurityClaims(t *testing.T) {
	heading := ""
	for line := range strings.Lines(read(t, "docs", "security.md")) {
		row := strings.HasPrefix(line, "| ") && !strings.HasPrefix(line, "| ---")
		switch {
		case strings.HasPrefix(line, "| ") && strings.Contains(line, "shown by"):
			heading = line
		case !row && !strings.HasPrefix(line, "| ---"):
			heading = ""
		case row && heading != "" && !regexp.MustCompile(`\.(Test|Fuzz)\w+`).MatchString(line):
			t.Errorf("no test shows this: %s", line)
		}
	}
}

// Everything that the commands and the functions print passes through pkg/printable.
func TestStandardStreams(t *testing.T) {
	direct := regexp.MustCompile(`\bos\.Std(out|err)\b|\bfmt\.Print|\bprintln\(`)
	safe := regexp.MustCompile(`printable\.NewWriter\(os\.Std(out|err)\)|streams\{os\.Stdin, os\.Stdout, os\.Stderr\}`) // run wraps the streams
	for _, folder := range []string{"cmd", "internal/cli", "internal/demo", "internal/hunt", "internal/operator", "internal/sighting", "internal/term", "lambdas", "pkg"} {
		forEachSource(t, folder, func(path, text string) {
			for line := range strings.Lines(safe.ReplaceAllString(text, "")) {
				if direct.MatchString(line) {
					t.Errorf("%s prints what a terminal could obey: %s", path, strings.TrimSpace(line))
				}
			}
		})
	}
}

// forEachSource calls visit for each Go file under a folder that is not a test.
func forEachSource(t *testing.T, folder string, visit func(path, text string)) {
	t.Helper()
	err := fs.WalkDir(os.DirFS(root(t)), folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		visit(path, read(t, path))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Python packages of the checks have hashes, and pip compares them.
func TestPinnedRequirements(t *testing.T) {
	pinned := regexp.MustCompile(`(?m)^[A-Za-z0-9][\w.-]*==\S+ \\\n    --hash=sha256:[0-9a-f]{64}`)
	for _, path := range [][]string{
		{"test", "synth", "requirements.txt"}, {"test", "template", "requirements.txt"}, {"test", "system", "e2e", "requirements.txt"},
		{"test", "system", "athena", "requirements.txt"},
	} {
		text := read(t, path...)
		packages := regexp.MustCompile(`(?m)^[A-Za-z0-9].*$`).FindAllString(text, -1)
		if got := len(pinned.FindAllString(text, -1)); got == 0 || got != len(packages) {
			t.Errorf("%s: %d of %d packages have a version and a hash", strings.Join(path, "/"), got, len(packages))
		}
	}
	for line := range strings.Lines(read(t, "Makefile")) {
		if strings.Contains(line, "bin/pip install") && !strings.Contains(line, "--require-hashes") {
			t.Errorf("pip does not compare hashes: %s", line)
		}
	}
}
