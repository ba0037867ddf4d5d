package main

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// The module cache keeps the versions of awscdk that are built with, so that it does not
// grow, and all of them while the newest is unknown.
func TestUnusedVersions(t *testing.T) {
	w := &workshop{folder: t.TempDir()}
	for _, path := range []string{
		"github.com/aws/aws-cdk-go/awscdk/v2@v2.257.0/go.mod",
		"github.com/aws/aws-cdk-go/awscdk/v2@v2.258.0/go.mod",
		"cache/download/github.com/aws/aws-cdk-go/awscdk/v2/@v/v2.257.0.zip",
		"cache/download/github.com/aws/aws-cdk-go/awscdk/v2/@v/v2.258.0.zip",
		"cache/download/github.com/aws/aws-cdk-go/awscdk/v2/@v/v2.258.0.ziphash",
	} {
		path = filepath.Join(w.modcache(), path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	builds := []build{{awscdk: "v2.257.0"}}
	want := []string{"v2@v2.258.0", "v2.258.0.zip", "v2.258.0.ziphash"}
	if got := names(t, w, builds); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	w.keepAll = true
	if got := names(t, w, builds); len(got) > 0 {
		t.Errorf("the newest is unknown: got %v", got)
	}
}

func names(t *testing.T, w *workshop, builds []build) []string {
	t.Helper()
	paths, err := w.unusedVersions(builds)
	if err != nil {
		t.Fatal(err)
	}
	var bases []string
	for _, path := range paths {
		bases = append(bases, filepath.Base(path))
	}
	return bases
}

func TestCheckGoMod(t *testing.T) {
	path := filepath.Join(t.TempDir(), "go.mod")
	if err := os.WriteFile(path, []byte("module m\n\nrequire (\n\t"+awscdkPath+" v2.276.0\n)\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := checkGoMod(path, "v2.276.0"); err != nil {
		t.Error(err)
	}
	if err := checkGoMod(path, "v2.257.0"); err == nil {
		t.Error("a raised version went unnoticed")
	}
}
