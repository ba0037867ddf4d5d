// Command consumer proves that another module can use the constructs. It packs this
// checkout as a module, serves it from a folder, and synthesizes the app in test/consumer/app
// against it twice: out of a read-only module cache, and out of a vendor folder in a
// program built with -trimpath. The Lambdas must have the same asset hashes as in this
// checkout, and the app's go.mod must be complete and small.
//
// Modules come out of the machine's own module cache where they are there already, so it
// works offline after `go mod download`.
package main

import (
	"bytes"
	"context"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// maxGoModLines is what an app that imports the constructs may need in its go.mod.
const maxGoModLines = 35

func main() {
	log.SetFlags(0)
	root, err := filepath.Abs(".")
	if err != nil {
		log.Fatal(err)
	}
	if err := run(root); err != nil {
		log.Fatalf("consumer: %v", err)
	}
}

func run(root string) error {
	w, err := newWorkshop(root)
	if err != nil {
		return err
	}
	if err := w.clear(); err != nil {
		return err
	}
	if err := w.packModule(); err != nil {
		return err
	}
	want, err := w.checkoutHashes()
	if err != nil {
		return err
	}
	fmt.Printf("in this checkout           %s\n", strings.Join(want, " "))
	for _, way := range []struct {
		name   string
		hashes func() ([]string, error)
	}{
		{"out of the module cache", w.cachedHashes},
		{"vendored, with -trimpath", w.vendoredHashes},
	} {
		start := time.Now()
		got, err := way.hashes()
		if err != nil {
			return fmt.Errorf("%s: %w", way.name, err)
		}
		fmt.Printf("%-26s %s  %.1f s\n", way.name, strings.Join(got, " "), time.Since(start).Seconds())
		if !slices.Equal(want, got) {
			return fmt.Errorf("%s: the assets differ from those of this checkout", way.name)
		}
	}
	return nil
}

// workshop is where the app is built. Its folder is kept, so that the next run finds what
// was compiled for these paths.
type workshop struct {
	root, folder string
	version      string // of the packed module
	// online is the environment of a go command that may download: this module from the
	// packed folder, others from the machine's module cache, else from where it always does.
	online []string
	// offline is that of one that may not.
	offline []string
}

func newWorkshop(root string) (*workshop, error) {
	w := &workshop{root: root, folder: filepath.Join(root, ".bin", "consumer")}
	values, err := w.command(root, nil, "go", "env", "GOMODCACHE", "GOPROXY")
	if err != nil {
		return nil, err
	}
	modcache, proxy, _ := strings.Cut(values, "\n")
	proxies := []string{
		"file://" + w.path("proxy"), "file://" + filepath.Join(modcache, "cache", "download"), proxy,
	}
	common := []string{"GOMODCACHE=" + w.modcache(), "GONOSUMDB=" + modulePath, "GOFLAGS=", "GOWORK=off"}
	w.online = append([]string{"GOPROXY=" + strings.Join(proxies, ",")}, common...)
	w.offline = append([]string{"GOPROXY=off"}, common...)
	return w, nil
}

func (w *workshop) path(elem ...string) string {
	return filepath.Join(append([]string{w.folder}, elem...)...)
}

func (w *workshop) modcache() string { return w.path("modcache") }

// clear removes what an earlier run made of this module. Modules of others are kept.
func (w *workshop) clear() error {
	if err := makeWritable(w.modcache()); err != nil {
		return err
	}
	unpacked, err := filepath.Glob(filepath.Join(w.modcache(), filepath.FromSlash(modulePath)+"@*"))
	if err != nil {
		return err
	}
	for _, folder := range append(unpacked, w.path("proxy"), w.path("cached"), w.path("vendored"),
		filepath.Join(w.modcache(), "cache", "download", filepath.FromSlash(modulePath))) {
		if err := os.RemoveAll(folder); err != nil {
			return err
		}
	}
	return os.MkdirAll(w.folder, 0o755)
}

// command runs a program in a folder of the workshop and returns what it prints.
func (w *workshop) command(folder string, env []string, name string, args ...string) (string, error) {
	command := exec.CommandContext(context.Background(), name, args...)
	command.Dir = folder
	command.Env = append(os.Environ(), env...)
	var stderr bytes.Buffer
	command.Stderr = &stderr
	out, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, stderr.String())
	}
	return strings.TrimSpace(string(out)), nil
}
