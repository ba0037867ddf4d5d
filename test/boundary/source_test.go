package boundary_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	source "github.com/resolverwatch/resolverwatch"
)

// Limits for the sizes of the deployed binaries, in bytes. They reveal an unwanted
// dependency early. The importer's limit is its size with the SDK's clients, that of EventBridge
// included, plus 5 %.
var maxBinaryBytes = map[string]int64{
	"hunter":      12_200_000, // it uses S3, to look for late logs
	"importer":    16_100_000,
	"marker":      11_600_000,
	"notifier":    13_200_000,
	"transformer": 11_000_000,
}

// The embedded source is enough to build the Lambdas in another app.
func TestEmbeddedSourceBuilds(t *testing.T) {
	folder := t.TempDir()
	if err := os.CopyFS(folder, source.Files); err != nil {
		t.Fatal(err)
	}
	lambdas, err := filepath.Glob(filepath.Join(folder, "lambdas", "*", "main.go"))
	if err != nil || len(lambdas) != len(maxBinaryBytes) {
		t.Fatalf("Lambdas %v, %v; want %d", lambdas, err, len(maxBinaryBytes))
	}
	binaries := t.TempDir()
	build := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-mod=readonly", "-tags=lambda.norpc",
		"-ldflags=-s -w -buildid=", "-o", binaries, "./lambdas/...")
	build.Dir = folder
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=arm64", "GOWORK=off", "GOARM64=v8.0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the Lambdas from the embedded source: %v\n%s", err, out)
	}
	for _, main := range lambdas {
		name := filepath.Base(filepath.Dir(main))
		info, err := os.Stat(filepath.Join(binaries, name))
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: %.2f MB of at most %.1f MB", name, float64(info.Size())/1e6, float64(maxBinaryBytes[name])/1e6)
		if info.Size() > maxBinaryBytes[name] {
			t.Errorf("%s: %d bytes, at most %d", name, info.Size(), maxBinaryBytes[name])
		}
	}
}

// An app that imports the constructs needs all their imports in its go.mod. The list stays
// short only if they import nothing from pkg/ except these leaves, which need the standard library
// alone.
func TestInfraImports(t *testing.T) {
	for _, dependency := range dependencies(t, []string{"./infra/resolverwatch", "./infra/config", "./infra/stack", "./infra/app",
		"./infra/template/..."}) {
		part, isPkg := strings.CutPrefix(dependency, module+"/pkg/")
		if isPkg && !slices.Contains([]string{"settings", "catalog", "metric", "emf"}, part) {
			t.Errorf("infra links pkg/%s", part)
		}
	}
}
