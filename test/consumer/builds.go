package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const (
	awscdkPath = "github.com/aws/aws-cdk-go/awscdk/v2"
	// later is a version after the pinned one that changed APIs that we use: from it on,
	// AddWarningV2 takes three parameters, and annotations are in a file of their own.
	later = "v2.276.0"
	// maxResolving is how long a look-up of a version, with its download, may take.
	maxResolving = 5 * time.Minute
)

// A build is one way to build the app. Constructs and jsii-runtime are the versions that
// awscdk requires.
type build struct {
	awscdk   string // version
	vendored bool
}

func (b build) String() string {
	from := "module cache"
	if b.vendored {
		from = "vendor folder"
	}
	return fmt.Sprintf("awscdk %s from the %s", b.awscdk, from)
}

// folder is the name of the build's folder.
func (b build) folder() string {
	if b.vendored {
		return b.awscdk + "-vendored"
	}
	return b.awscdk
}

// plan returns the builds, with the one that others are compared with first. If the newest
// version of awscdk cannot be found, it prints why and leaves it out.
func (w *workshop) plan() ([]build, error) {
	pinned, err := w.command(w.root, nil, "go", "list", "-m", "-f", "{{.Version}}", awscdkPath)
	if err != nil {
		return nil, err
	}
	builds := []build{{awscdk: pinned}, {awscdk: pinned, vendored: true}, {awscdk: later}}
	ctx, cancel := context.WithTimeout(context.Background(), maxResolving)
	defer cancel()
	newest, err := w.commandContext(ctx, w.root, nil, "go", "list", "-m", "-f", "{{.Version}}", awscdkPath+"@latest")
	if err != nil {
		fmt.Printf("%-40s skipped, because it cannot be looked up: %v\n", "the newest awscdk", err)
		w.keepAll = true
		return builds, nil
	}
	if newest := (build{awscdk: newest}); !slices.Contains(builds, newest) {
		builds = append(builds, newest)
	}
	return builds, nil
}

// resolve downloads awscdk and the modules that it requires. It does so outside of the app:
// an error means that the version is not available, while an error of a later step means
// that the app does not compile with it.
func (w *workshop) resolve(b build) error {
	folder := w.path("apps", "resolve-"+b.folder())
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	goMod := fmt.Sprintf("module example.com/resolve\n\ngo 1.26.0\n\nrequire %s %s\n", awscdkPath, b.awscdk)
	if err := os.WriteFile(filepath.Join(folder, "go.mod"), []byte(goMod), 0o644); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), maxResolving)
	defer cancel()
	_, err := w.commandContext(ctx, folder, w.online, "go", "mod", "download", "all")
	return err
}

// buildApp copies the app into a folder of its own, completes its go.mod, checks that this
// stays small, and returns the path of the program. All builds use -trimpath: the library
// must not need its path at run time, and awscdk compiles once for a module cache and a
// vendor folder.
func (w *workshop) buildApp(b build) (string, error) {
	folder := w.path("apps", b.folder())
	if err := os.CopyFS(folder, os.DirFS(filepath.Join(w.root, "test", "consumer", "app"))); err != nil {
		return "", err
	}
	require := []string{"mod", "edit", "-require=" + modulePath + "@" + w.version, "-require=" + awscdkPath + "@" + b.awscdk}
	steps := [][]string{require, {"mod", "tidy"}}
	mode := "-mod=readonly"
	if b.vendored {
		steps = append(steps, []string{"mod", "vendor"})
		mode = "-mod=vendor"
	}
	steps = append(steps, []string{"build", "-trimpath", mode, "-o", "app"})
	for _, step := range steps {
		if _, err := w.command(folder, w.online, "go", step...); err != nil {
			return "", err
		}
	}
	return filepath.Join(folder, "app"), checkGoMod(filepath.Join(folder, "go.mod"), b.awscdk)
}

// checkGoMod returns an error if the go.mod of the app is long, or if a requirement of this
// module raised awscdk over the version that the app asked for.
func checkGoMod(path, awscdk string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	goMod := string(text)
	if lines := strings.Count(goMod, "\n"); lines > maxGoModLines {
		return fmt.Errorf("the go.mod of an importer has %d lines, over %d:\n%s", lines, maxGoModLines, goMod)
	}
	if !strings.Contains(goMod, awscdkPath+" "+awscdk+"\n") {
		return fmt.Errorf("the app was not built with awscdk %s:\n%s", awscdk, goMod)
	}
	return nil
}
