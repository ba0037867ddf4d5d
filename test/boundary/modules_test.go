package boundary_test

import (
	"encoding/json"
	"go/parser"
	"go/token"
	"io/fs"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// appModule is a template for an app in another module. It has no tests.
const appModule = "test/consumer/app"

// `make test` and `make lint` cover every module, and none is below the folders that
// source.go embeds, because go:embed leaves nested modules out.
func TestModules(t *testing.T) {
	var modules []string
	walk(t, func(path string) {
		if filepath.Base(path) == "go.mod" && filepath.Dir(path) != appModule {
			modules = append(modules, filepath.Dir(path))
		}
	})
	slices.Sort(modules)
	covered := regexp.MustCompile(`(?m)^MODULES +:= (.+)$`).FindStringSubmatch(read(t, "Makefile"))
	if covered == nil || !slices.Equal(strings.Fields(covered[1]), modules) {
		t.Errorf("MODULES in the Makefile is %q, the modules are %v", covered, modules)
	}
	for _, module := range modules {
		if strings.HasPrefix(module, "pkg/") || strings.HasPrefix(module, "lambdas/") {
			t.Errorf("%s: a module in a folder that source.go embeds", module)
		}
	}
}

// onlyForUnitTests has the requirements of the root module that only tests next to the code
// need.
var onlyForUnitTests = []string{
	"github.com/google/go-cmp",        // differences in the failures of most packages
	"github.com/rogpeppe/go-internal", // testscript, for the sessions of the command
	"pgregory.net/rapid",              // random operations on an index and on a snapshot
}

// The root module requires nothing that only the system tests or the tools under test/ need.
func TestRequirements(t *testing.T) {
	production, tests := imports(t)
	var unitTests []string
	for _, requirement := range requirements(t) {
		isImported := func(path string) bool { return path == requirement || strings.HasPrefix(path, requirement+"/") }
		switch {
		case slices.ContainsFunc(production, isImported):
		case slices.ContainsFunc(tests, isImported):
			unitTests = append(unitTests, requirement)
		default:
			t.Errorf("go.mod requires %s, which only packages under test/ import: they belong to the module test/system", requirement)
		}
	}
	if !slices.Equal(unitTests, onlyForUnitTests) {
		t.Errorf("only unit tests need %v, want %v", unitTests, onlyForUnitTests)
	}
}

// requirements returns the modules that go.mod requires for direct imports.
func requirements(t *testing.T) []string {
	t.Helper()
	edit := exec.Command("go", "mod", "edit", "-json")
	edit.Dir = root(t)
	out, err := edit.Output()
	if err != nil {
		t.Fatal(err)
	}
	var goMod struct {
		Require []struct {
			Path     string
			Indirect bool
		}
	}
	if err := json.Unmarshal(out, &goMod); err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, require := range goMod.Require {
		if !require.Indirect {
			paths = append(paths, require.Path)
		}
	}
	return paths
}

// imports returns what the packages of the root module outside of test/ import, in their
// code and in their tests.
func imports(t *testing.T) (production, tests []string) {
	t.Helper()
	walk(t, func(path string) {
		if filepath.Ext(path) != ".go" || strings.HasPrefix(path, "test/") {
			return
		}
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root(t), path), nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, spec := range file.Imports {
			imported := strings.Trim(spec.Path.Value, `"`)
			if strings.HasSuffix(path, "_test.go") {
				tests = append(tests, imported)
			} else {
				production = append(production, imported)
			}
		}
	})
	return production, tests
}

// walk calls visit with the path of every file from the root, except in folders whose names
// begin with a dot and in those that the Makefile writes.
func walk(t *testing.T, visit func(path string)) {
	t.Helper()
	err := filepath.WalkDir(root(t), func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(root(t), path)
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if relative != "." && strings.HasPrefix(relative, ".") || slices.Contains([]string{"bin", "cdk.out", "dist"}, relative) {
				return fs.SkipDir
			}
			return nil
		}
		visit(filepath.ToSlash(relative))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
