// Package boundary_test checks the rules of the tree that the compiler does not check.
package boundary_test

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const module = "github.com/resolverwatch/resolverwatch"

// forbidden lists what must never be linked into a package, with the reason.
var forbidden = []struct {
	packages string
	contains []string
	reason   string
}{
	{
		"./lambdas/... ./pkg/... ./cmd/... ./internal/...",
		[]string{"github.com/aws/aws-cdk-go", "github.com/aws/jsii-runtime-go", "github.com/aws/constructs-go"},
		"a Lambda that links the CDK more than doubles in size and starts slower",
	},
	{
		"./lambdas/...",
		[]string{module + "/internal", "github.com/johannesboyne/gofakes3", "github.com/truora/minidyn",
			"github.com/parquet-go/parquet-go"},
		"embedded endpoints are for the demo and the tests",
	},
	{
		"./cmd/...",
		[]string{"github.com/parquet-go/parquet-go"},
		"the Parquet writer doubles the size of the command, which does not need it",
	},
	{
		"./pkg/settings ./pkg/catalog",
		[]string{"github.com/"},
		"an app that imports the constructs would need it in its go.mod",
	},
}

func TestDependencies(t *testing.T) {
	for _, rule := range forbidden {
		t.Run(strings.ReplaceAll(rule.packages, " ", ","), func(t *testing.T) {
			for _, dependency := range dependencies(t, strings.Fields(rule.packages)) {
				for _, part := range rule.contains {
					if strings.HasPrefix(dependency, part) && !isOwnLeaf(dependency) {
						t.Errorf("%s is linked in: %s", dependency, rule.reason)
					}
				}
			}
		})
	}
}

// isOwnLeaf reports whether any package of this module may import a package.
func isOwnLeaf(dependency string) bool {
	return dependency == module+"/pkg/settings" || dependency == module+"/pkg/catalog"
}

func dependencies(t *testing.T, patterns []string) []string {
	t.Helper()
	return strings.Fields(goList(t, "arm64", append([]string{"-deps", "-f", "{{.ImportPath}}"}, patterns...)...))
}

// goList runs go list for Linux on a processor.
func goList(t *testing.T, processor string, args ...string) string {
	t.Helper()
	list := exec.Command("go", append([]string{"list"}, args...)...)
	list.Dir = root(t)
	list.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+processor)
	var stderr bytes.Buffer
	list.Stderr = &stderr
	out, err := list.Output()
	if err != nil {
		t.Fatalf("listing %v: %v\n%s", args, err, stderr.String())
	}
	return string(out)
}

// The deployed functions run on arm64 and most tests on amd64, so both compile the same files.
func TestProcessors(t *testing.T) {
	args := []string{"-f", "{{.ImportPath}} {{.GoFiles}} {{.SFiles}}", "./cmd/...", "./internal/...", "./lambdas/...", "./pkg/..."}
	if diff := cmp.Diff(goList(t, "amd64", args...), goList(t, "arm64", args...)); diff != "" {
		t.Errorf("files for one processor (-amd64 +arm64):\n%s", diff)
	}
}

// Lambdas are built from an embedded copy of these folders, and go:embed rejects a colon in
// a file name.
func TestFileNames(t *testing.T) {
	for _, folder := range []string{"lambdas", "pkg"} {
		err := filepath.WalkDir(filepath.Join(root(t), folder), func(path string, _ os.DirEntry, err error) error {
			if strings.Contains(filepath.Base(path), ":") {
				t.Errorf("%s: a colon in the name", path)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
}

// A main only wires; decisions belong in a package with tests.
func TestLambdaMainsAreShort(t *testing.T) {
	const maxLines = 60
	mains, err := filepath.Glob(filepath.Join(root(t), "lambdas", "*", "main.go"))
	if err != nil || len(mains) == 0 {
		t.Fatalf("no Lambda found: %v", err)
	}
	for _, path := range mains {
		file, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		lines := 0
		for scanner := bufio.NewScanner(file); scanner.Scan(); {
			lines++
		}
		file.Close()
		if lines > maxLines {
			t.Errorf("%s has %d lines, over %d", path, lines, maxLines)
		}
	}
}

func root(t *testing.T) string {
	t.Helper()
	path, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return path
}
