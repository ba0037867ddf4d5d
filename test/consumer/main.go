// Command consumer proves that another module can use the constructs. It packs this
// checkout as a module, serves it from a folder, and builds and synthesizes the app in
// test/consumer/app against it:
//
//   - from a read-only module cache, with the awscdk that this module pins
//   - from a vendor folder
//   - with later versions of awscdk, among them the newest
//
// The Lambdas must have the same asset hashes as in this checkout, the templates must be
// equal but for explained differences, and the app's go.mod must be complete and small.
//
// Modules are taken from the machine's own module cache if they are there. Without network,
// versions of awscdk that are not there are skipped.
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
	builds, err := w.plan()
	if err != nil {
		return err
	}
	if err := w.clear(builds); err != nil {
		return err
	}
	if err := w.packModule(); err != nil {
		return err
	}

	checkout, err := w.buildCheckout()
	if err != nil {
		return err
	}
	fmt.Printf("%-40s %s\n", "this checkout", strings.Join(checkout, " "))
	var first *assembly
	for _, build := range builds {
		got, err := w.try(build)
		if err != nil {
			return fmt.Errorf("%s: %w", build, err)
		}
		if got == nil {
			continue // skipped
		}
		if !slices.Equal(checkout, got.hashes) {
			return fmt.Errorf("%s: the asset hashes are %v", build, got.hashes)
		}
		if first == nil {
			first = got
			if err := w.runGate(build); err != nil {
				return err
			}
		}
		differences, err := compareTemplates(first, got)
		if err != nil {
			return fmt.Errorf("%s: %w", build, err)
		}
		fmt.Printf("%-40s %s  %s, %s\n", build, strings.Join(got.hashes, " "), got.times, differences)
	}
	return nil
}

// try builds and synthesizes the app in one way. If the version of awscdk does not resolve,
// it prints why and returns nil.
func (w *workshop) try(b build) (*assembly, error) {
	if err := w.resolve(b); err != nil {
		fmt.Printf("%-40s skipped, because it does not resolve: %v\n", b, err)
		return nil, nil //nolint:nilnil // a skipped build has no assembly
	}
	start := time.Now()
	app, err := w.buildApp(b)
	if err != nil {
		return nil, err
	}
	built := time.Now()
	got, err := w.synthesizeApp(b, app)
	if err != nil {
		return nil, err
	}
	got.times = fmt.Sprintf("built in %.1f s, synthesized in %.1f s", built.Sub(start).Seconds(), time.Since(built).Seconds())
	return got, nil
}

// runGate runs the command that docs/ci.md offers for pull requests in the app's module. It
// compares an assembly with itself.
func (w *workshop) runGate(b build) error {
	folder := w.path("apps", b.folder())
	_, err := w.command(folder, w.offline, "go", "run", modulePath+"/cmd/keptresources", "app.out", "app.out")
	return err
}

// workshop is the folder in which the app is built. It is kept for the next run, with the
// modules: about 400 MB for each version of awscdk.
type workshop struct {
	root, folder string
	version      string // of the packed module
	// online is the environment of a go command that may download. It takes this module from
	// the packed folder and others from the machine's module cache or the usual proxy.
	online []string
	// offline is the environment of a go command that must not download.
	offline []string
	// keepAll says that no version of awscdk is removed, because the newest is unknown.
	keepAll bool
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

// clear removes the results of earlier runs, and the versions of awscdk that no build uses
// any more. Other modules are kept.
func (w *workshop) clear(builds []build) error {
	if err := makeWritable(w.modcache()); err != nil {
		return err
	}
	unpacked, err := filepath.Glob(filepath.Join(w.modcache(), filepath.FromSlash(modulePath)+"@*"))
	if err != nil {
		return err
	}
	unused, err := w.unusedVersions(builds)
	if err != nil {
		return err
	}
	for _, path := range slices.Concat(unpacked, unused, []string{
		w.path("proxy"),
		w.path("apps"),
		filepath.Join(w.modcache(), "cache", "download", filepath.FromSlash(modulePath)),
	}) {
		if err := os.RemoveAll(path); err != nil {
			return err
		}
	}
	return os.MkdirAll(w.folder, 0o755)
}

// unusedVersions returns the paths of the versions of awscdk in the module cache that none
// of the builds uses.
func (w *workshop) unusedVersions(builds []build) ([]string, error) {
	if w.keepAll {
		return nil, nil
	}
	parent, base := filepath.Split(filepath.FromSlash(awscdkPath))
	var unused []string
	for _, pattern := range []string{
		filepath.Join(w.modcache(), parent, base+"@*"),
		filepath.Join(w.modcache(), "cache", "download", parent, base, "@v", "v*.*"),
	} {
		paths, err := filepath.Glob(pattern)
		if err != nil {
			return nil, err
		}
		for _, path := range paths {
			_, version, isFolder := strings.Cut(filepath.Base(path), "@")
			if !isFolder {
				version = strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
			}
			if !slices.ContainsFunc(builds, func(b build) bool { return b.awscdk == version }) {
				unused = append(unused, path)
			}
		}
	}
	return unused, nil
}

// command runs a program in a folder and returns its output.
func (w *workshop) command(folder string, env []string, name string, args ...string) (string, error) {
	return w.commandContext(context.Background(), folder, env, name, args...)
}

func (w *workshop) commandContext(ctx context.Context, folder string, env []string, name string, args ...string) (string, error) {
	command := exec.CommandContext(ctx, name, args...)
	command.Dir = folder
	command.Env = append(os.Environ(), env...)
	var stderr bytes.Buffer
	command.Stderr = &stderr
	out, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, strings.TrimSpace(stderr.String()))
	}
	return strings.TrimSpace(string(out)), nil
}
