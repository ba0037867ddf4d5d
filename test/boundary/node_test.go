package boundary_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Without Node, or with one that is too old, each target that synthesizes fails with one
// line before it compiles anything: there is not even a Go command on the PATH here.
func TestNodeIsMissing(t *testing.T) {
	folder := toolFolder(t, "bash", "make", "sh")
	for _, target := range []string{"cold-kernels", "consumer", "e2e", "lint", "lint-templates", "synth", "template", "template-python", "test"} {
		t.Run(target, func(t *testing.T) {
			out, err := runMake(t, folder, target)
			want := `synthesis needs Node, and "node" does not run: install Node 22 or 24, or set JSII_NODE to its path`
			if err == nil || !isRefusal(out, want) {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// The script checks Node itself, too, because people also call it directly.
func TestNodeIsMissing_script(t *testing.T) {
	command := exec.Command("infra/synth.sh")
	command.Dir = root(t)
	command.Env = []string{"PATH=" + toolFolder(t, "bash", "dirname"), "HOME=" + t.TempDir()}
	out, err := command.CombinedOutput()
	const want = `synthesis needs Node, and "node" does not run: install Node 22 or 24, or set JSII_NODE to its path` + "\n"
	if err == nil || string(out) != want {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestNodeVersions(t *testing.T) {
	for _, test := range []struct {
		name, script string
		want         string // empty if the version is fine
	}{
		{"too old", "echo v18.20.8", `synthesis needs Node 20 or later, and "node" is v18.20.8: install Node 22 or 24, or set JSII_NODE to its path`},
		{"very old", "echo v0.12.18", `synthesis needs Node 20 or later, and "node" is v0.12.18: install Node 22 or 24, or set JSII_NODE to its path`},
		{"another program", "echo usage: node; echo more", `synthesis needs Node 20 or later, and "node" is usage: node: install Node 22 or 24, or set JSII_NODE to its path`},
		{"broken", "exit 1", `synthesis needs Node, and "node" does not run: install Node 22 or 24, or set JSII_NODE to its path`},
		{"oldest", "echo v20.0.0", ""},
		{"newer", "echo v100.1.0", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			folder := toolFolder(t, "bash", "make", "sh")
			script := "#!/bin/sh\n" + test.script + "\n"
			if err := os.WriteFile(filepath.Join(folder, "node"), []byte(script), 0o700); err != nil {
				t.Fatal(err)
			}
			out, err := runMake(t, folder, "node")
			if test.want == "" && (err != nil || out != "") || test.want != "" && (err == nil || !isRefusal(out, test.want)) {
				t.Errorf("%v\n%s\nwant %s", err, out, test.want)
			}
		})
	}
}

// toolFolder returns a folder with links to programs, for use as the PATH.
func toolFolder(t *testing.T, programs ...string) string {
	t.Helper()
	folder := t.TempDir()
	for _, program := range programs {
		path, err := exec.LookPath(program)
		if err != nil {
			t.Skip(err)
		}
		if err := os.Symlink(path, filepath.Join(folder, program)); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

// runMake makes a target with only the programs of a folder on the PATH.
func runMake(t *testing.T, folder, target string) (string, error) {
	t.Helper()
	command := exec.Command("make", "--no-print-directory", target)
	command.Dir = root(t)
	command.Env = []string{"PATH=" + folder, "HOME=" + t.TempDir()}
	out, err := command.CombinedOutput()
	return string(out), err
}

// isRefusal reports whether out is one line, apart from the line that make adds to any
// error.
func isRefusal(out, line string) bool {
	first, rest, _ := strings.Cut(out, "\n")
	return first == line && regexp.MustCompile(`^make: \*\*\* \[[^\]]*node\] Error 1\n$`).MatchString(rest)
}
