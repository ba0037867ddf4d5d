package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// Binaries are the two functions, ready to run.
type Binaries struct {
	Importer, Transformer string
	folder                string // of what was built for this run
}

// Remove removes what was built for this run.
func (b *Binaries) Remove() {
	if b.folder != "" {
		_ = os.RemoveAll(b.folder) // a temporary folder
	}
}

// modulePath is how the functions' source is told from other people's.
const modulePath = "github.com/resolverwatch/resolverwatch"

// FindBinaries returns the functions to run: those that the options name; else
// importer/bootstrap and transformer/bootstrap beside this executable, where `make
// build` puts them; else they are built from the source if the working folder is in
// it and there is a Go toolchain.
func FindBinaries(ctx context.Context, o Options) (*Binaries, error) {
	if o.ImporterBinary != "" || o.TransformerBinary != "" {
		if o.ImporterBinary == "" || o.TransformerBinary == "" {
			return nil, errors.New("the importer and the transformer must be given together")
		}
		return &Binaries{Importer: o.ImporterBinary, Transformer: o.TransformerBinary}, nil
	}
	executable, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("finding this executable: %w", err)
	}
	if resolved, err := filepath.EvalSymlinks(executable); err == nil {
		executable = resolved
	}
	beside := filepath.Dir(executable)
	found := &Binaries{Importer: bootstrap(beside, "importer"), Transformer: bootstrap(beside, "transformer")}
	if isFile(found.Importer) && isFile(found.Transformer) {
		return found, nil
	}
	root, err := sourceFolder()
	if err == nil {
		return buildBinaries(ctx, o, root)
	}
	return nil, fmt.Errorf("finding the importer and transformer functions: %s is not there, and they cannot be "+
		"built: %w. Run `make demo` in a checkout of %s, or name both by --importer and --transformer",
		found.Importer, err, modulePath)
}

func bootstrap(folder, function string) string { return filepath.Join(folder, function, "bootstrap") }

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// sourceFolder returns the root of the module that the working folder is in, if it is
// this one.
func sourceFolder() (string, error) {
	if _, err := exec.LookPath("go"); err != nil {
		return "", errors.New("there is no Go toolchain")
	}
	folder, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		text, err := os.ReadFile(filepath.Join(folder, "go.mod"))
		switch {
		case err == nil && strings.HasPrefix(string(text), "module "+modulePath+"\n"):
			return folder, nil
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			return "", err
		case folder == filepath.Dir(folder):
			return "", errors.New("the working folder is not in their source")
		}
		folder = filepath.Dir(folder)
	}
}

// buildBinaries builds both functions for this machine into a temporary folder.
func buildBinaries(ctx context.Context, o Options, root string) (*Binaries, error) {
	fmt.Fprintf(o.Stderr, "building the importer and the transformer from %s\n", root)
	folder, err := os.MkdirTemp("", "resolverwatch-functions-")
	if err != nil {
		return nil, err
	}
	built := &Binaries{folder: folder,
		Importer: bootstrap(folder, "importer"), Transformer: bootstrap(folder, "transformer")}
	for function, binary := range map[string]string{"importer": built.Importer, "transformer": built.Transformer} {
		if err := buildFunction(ctx, root, function, binary); err != nil {
			built.Remove()
			return nil, fmt.Errorf("building the %s: %w", function, err)
		}
	}
	return built, nil
}

// buildFunction builds as a deployment does, for this machine.
func buildFunction(ctx context.Context, root, function, binary string) error {
	var output bytes.Buffer
	cmd := exec.CommandContext(ctx, "go", "build", //nolint:gosec // both names are ours
		"-trimpath", "-buildvcs=false", "-mod=readonly", "-tags=lambda.norpc",
		"-ldflags=-s -w -buildid=", "-o", binary, "./lambdas/"+function)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+runtime.GOOS, "GOARCH="+runtime.GOARCH)
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%w\n%s", err, output.Bytes())
	}
	return nil
}
