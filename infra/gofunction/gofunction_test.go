//go:build !race

package gofunction_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/jsii-runtime-go"

	"github.com/resolverwatch/resolverwatch/infra/gofunction"
)

// One process of the jsii runtime serves all tests, one after the other.
func TestMain(m *testing.M) {
	awscdk.NewApp(nil) // starts the process before a test changes the temporary folder
	code := m.Run()
	jsii.Close()
	os.Exit(code)
}

const program = "package main\n\nfunc main() { println(\"ok\") }\n"

// module is a Go module that imports nothing, so that it builds fast.
func module(main string) fs.FS {
	return fstest.MapFS{
		"go.mod":          {Data: []byte("module example.com/function\n\ngo 1.24\n")},
		"handler/main.go": {Data: []byte(main)},
	}
}

// workshop is an app whose stack is bundled or not. Builds use their own temporary folder.
type workshop struct {
	t         *testing.T
	stack     awscdk.Stack
	out, temp string
}

func newWorkshop(t *testing.T, bundled bool) workshop {
	t.Helper()
	w := workshop{t: t, out: t.TempDir(), temp: t.TempDir()}
	t.Setenv("TMPDIR", w.temp)
	stacks := []string{}
	if bundled {
		stacks = append(stacks, "**")
	}
	app := awscdk.NewApp(&awscdk.AppProps{Outdir: &w.out, AnalyticsReporting: jsii.Bool(false), TreeMetadata: jsii.Bool(false),
		Context: &map[string]any{"aws:cdk:bundling-stacks": stacks}})
	w.stack = awscdk.NewStack(awscdk.NewStage(app, jsii.String("Prod"), nil), jsii.String("Test"), nil)
	return w
}

// define defines a function and returns the hash of its asset and the files in it. It
// checks that nothing is left in the temporary folder.
func (w workshop) define(id string, props gofunction.Props) (hash string, files []string) {
	w.t.Helper()
	function := gofunction.New(w.stack, id, &props)
	w.wantNothingLeft()
	code := w.stack.Resolve(function.Node().DefaultChild().(awslambda.CfnFunction).Code()).(map[string]any)
	hash = strings.TrimSuffix(code["s3Key"].(string), ".zip")
	entries, err := os.ReadDir(filepath.Join(w.out, "asset."+hash))
	if err != nil {
		w.t.Fatal(err)
	}
	for _, entry := range entries {
		files = append(files, entry.Name())
	}
	return hash, files
}

func (w workshop) wantNothingLeft() {
	w.t.Helper()
	left, err := os.ReadDir(w.temp)
	if err != nil || len(left) > 0 {
		w.t.Errorf("left behind: %v, %v", left, err)
	}
}

// wantRefused checks that a function is rejected with its path and with each part.
func (w workshop) wantRefused(props gofunction.Props, parts ...string) {
	w.t.Helper()
	defer func() {
		w.t.Helper()
		err, _ := recover().(error)
		if err == nil {
			w.t.Fatal("not refused")
		}
		for _, part := range append(parts, "Prod/Test/Refused: ") {
			if !strings.Contains(err.Error(), part) {
				w.t.Errorf("message lacks %q:\n%v", part, err)
			}
		}
		w.wantNothingLeft()
	}()
	gofunction.New(w.stack, "Refused", &props)
}

// The same source gives the same bytes in any folder, whatever the machine's environment
// says, and each architecture has its own bytes.
func TestNew_reproducible(t *testing.T) {
	w := newWorkshop(t, true)
	first, files := w.define("First", gofunction.Props{Module: module(program), Entry: "./handler"})
	if len(files) != 1 || files[0] != "bootstrap" {
		t.Errorf("asset: %v, want the program alone", files)
	}

	folder := filepath.Join(t.TempDir(), "elsewhere")
	if err := os.CopyFS(folder, module(program)); err != nil {
		t.Fatal(err)
	}
	t.Setenv("GOFLAGS", "-ldflags=-X=main.x=y")
	t.Setenv("GOARM64", "v9.0")
	t.Setenv("GOWORK", filepath.Join(folder, "go.work"))
	if second, _ := w.define("Second", gofunction.Props{ModuleDir: folder, Entry: "./handler"}); second != first {
		t.Errorf("%s in another folder, want %s", second, first)
	}

	x86 := gofunction.Props{Module: module(program), Entry: "./handler"}
	x86.Architecture = awslambda.Architecture_X86_64()
	if hash, _ := w.define("X86", x86); hash == first {
		t.Error("x86_64 has the bytes of arm64")
	}
}

// For `cdk list` and tests nothing is built, so they do not need Go.
func TestNew_placeholder(t *testing.T) {
	t.Setenv("PATH", "")
	w := newWorkshop(t, false)
	if _, files := w.define("Function", gofunction.Props{Module: module(program), Entry: "./handler"}); len(files) != 1 || files[0] != "NOT-BUILT.txt" {
		t.Errorf("asset: %v, want a placeholder", files)
	}
}

// Code that is given is used as it is, and needs neither source nor Go.
func TestNew_code(t *testing.T) {
	t.Setenv("PATH", "")
	w := newWorkshop(t, true)
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "bootstrap"), []byte("#!/bin/sh\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var props gofunction.Props
	props.Code = awslambda.Code_FromAsset(&folder, nil)
	if _, files := w.define("Function", props); len(files) != 1 || files[0] != "bootstrap" {
		t.Errorf("asset: %v, want the given one", files)
	}
}

func TestNew_compileError(t *testing.T) {
	w := newWorkshop(t, true)
	w.wantRefused(gofunction.Props{Module: module("package main\n\nfunc main() { undefinedName() }\n"), Entry: "./handler"},
		"building ./handler: go build: exit status 1", "handler/main.go:3:", "undefined: undefinedName")
	w.wantRefused(gofunction.Props{Module: fstest.MapFS{}, Entry: "./handler"}, "building ./handler: the module has no go.mod")
	t.Setenv("PATH", "")
	w.wantRefused(gofunction.Props{Module: module(program), Entry: "./handler"}, "install Go, or give the function's Code")
}

// Props are checked even if nothing is built; otherwise a mistake would show only in CI.
func TestNew_refuses(t *testing.T) {
	var props gofunction.Props
	props.Architecture = awslambda.Architecture_Custom(jsii.String("riscv"), nil)
	for _, bundled := range []bool{false, true} {
		newWorkshop(t, bundled).wantRefused(props, "Module and ModuleDir: exactly one must be set, unless Code is given",
			"Entry: must be set, unless Code is given", `Architecture: must be arm64 or x86_64, got "riscv"`)
	}
}

// Build gives the same bytes as the asset of an app.
func TestBuild(t *testing.T) {
	props := gofunction.Props{Module: module(program), Entry: "./handler"}
	built, err := gofunction.Build(&props, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	w := newWorkshop(t, true)
	hash, _ := w.define("Function", props)
	want, err := os.ReadFile(filepath.Join(w.out, "asset."+hash, "bootstrap"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(built); err != nil || !bytes.Equal(got, want) {
		t.Errorf("the program differs from that of the asset: %v", err)
	}

	if _, err := gofunction.Build(&gofunction.Props{Module: module(program)}, t.TempDir()); err == nil || !strings.Contains(err.Error(), "Entry: must be set") {
		t.Errorf("without an entry: %v", err)
	}
}
