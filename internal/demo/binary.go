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

// Binaries are the executable files of the two functions.
type Binaries struct {
	Importer, Transformer string
	folder                string // temporary, if they were built for this run
}

// Remove removes binaries that were built for this run.
func (b *Binaries) Remove() {
	if b.folder != "" {
		_ = os.RemoveAll(b.folder) // only temporary files
	}
}

// modulePath identifies the go.mod file of this module.
const modulePath = "github.com/resolverwatch/resolverwatch"

// FindBinaries returns the functions to run. It tries three places in this order: the options,
// importer/bootstrap and transformer/bootstrap next to this executable (where `make build`
// puts them), and a checkout. If the working directory is in a checkout and Go is installed,
// it builds them.
func FindBinaries(ctx context.Context, o Options) (*Binaries, error) {
	if o.ImporterBinary != "" || o.TransformerBinary != "" {
		if o.ImporterBinary == "" || o.TransformerBinary == "" {
			return nil, errors.New("--importer and --transformer must be used together")
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
	folder := filepath.Dir(executable)
	found := &Binaries{Importer: bootstrap(folder, "importer"), Transformer: bootstrap(folder, "transformer")}
	if isFile(found.Importer) && isFile(found.Transformer) {
		return found, nil
	}

	root, err := sourceFolder()
	if err == nil {
		return buildBinaries(ctx, o, root)
	}
	return nil, fmt.Errorf("finding the importer and transformer functions: %s does not exist, and they cannot be "+
		"built: %w. Run `make demo` in a checkout of %s, or use --importer and --transformer",
		found.Importer, err, modulePath)
}

// bootstrap returns the path of a function's program. Windows runs files with an extension only.
func bootstrap(folder, function string) string {
	name := "bootstrap"
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	return filepath.Join(folder, function, name)
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// sourceFolder returns the root of the checkout that the working directory is in.
func sourceFolder() (string, error) {
	if _, err := exec.LookPath("go"); err != nil {
		return "", errors.New("the Go toolchain is not installed")
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
			return "", errors.New("the working directory is not in a checkout")
		}
		folder = filepath.Dir(folder)
	}
}

// buildBinaries builds both functions for this machine in a temporary folder.
func buildBinaries(ctx context.Context, o Options, root string) (*Binaries, error) {
	fmt.Fprintf(o.Stderr, "building the importer and the transformer from %s\n", root)
	folder, err := os.MkdirTemp("", "resolverwatch-functions-")
	if err != nil {
		return nil, err
	}
	built := &Binaries{
		Importer:    bootstrap(folder, "importer"),
		Transformer: bootstrap(folder, "transformer"),
		folder:      folder,
	}
	for function, binary := range map[string]string{"importer": built.Importer, "transformer": built.Transformer} {
		if err := buildFunction(ctx, root, function, binary); err != nil {
			built.Remove()
			return nil, fmt.Errorf("building the %s: %w", function, err)
		}
	}
	return built, nil
}

// buildFunction builds one function with the flags of a deployment, but for this machine.
func buildFunction(ctx context.Context, root, function, binary string) error {
	var output bytes.Buffer
	cmd := exec.CommandContext(ctx, "go", "build", //nolint:gosec // both paths are ours
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
