package gofunction

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
)

// build builds the function inside folder and returns the folder of the asset, which
// contains only the program.
func (p *Props) build(folder string) (string, error) {
	if _, err := exec.LookPath("go"); err != nil {
		return "", fmt.Errorf("building %s: %w: install Go, or give the function's Code", p.Entry, err)
	}

	module := p.ModuleDir
	if p.Module != nil {
		module = filepath.Join(folder, "module")
		if err := os.CopyFS(module, p.Module); err != nil {
			return "", fmt.Errorf("writing the source of %s: %w", p.Entry, err)
		}
	}
	environment, err := p.environment(module)
	if err != nil {
		return "", err
	}

	asset := filepath.Join(folder, "asset")
	if err := os.Mkdir(asset, 0o755); err != nil { //nolint:gosec // readable, as all of cdk.out is
		return "", err
	}
	flags := p.BuildFlags
	if flags == nil {
		flags = ReproducibleFlags()
	}
	args := slices.Concat([]string{"build"}, flags, []string{"-o", filepath.Join(asset, "bootstrap"), p.Entry})
	command := exec.CommandContext(context.Background(), "go", args...) //nolint:gosec // the app chooses what it builds
	command.Dir = module
	command.Env = append(os.Environ(), environment...)
	if out, err := command.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building %s: go build: %w\n%s", p.Entry, err, bytes.TrimSpace(out))
	}
	return asset, nil
}

// environment returns the variables that the build adds to the machine's environment. Go
// flags and experiments of the machine are meant for the user's own app.
func (p *Props) environment(module string) ([]string, error) {
	goMod, err := os.ReadFile(filepath.Join(module, "go.mod"))
	if err != nil {
		return nil, fmt.Errorf("building %s: the module has no go.mod: %w", p.Entry, err)
	}

	environment := append([]string{
		"GOOS=linux",
		"CGO_ENABLED=0",
		"GO111MODULE=on",
		"GOWORK=off",
		"GOFLAGS=",
		"GOEXPERIMENT=",
		"GOFIPS140=off",
		"GOTOOLCHAIN=" + toolchain(string(goMod)),
	}, goarch[*p.Architecture.Name()]...)
	for _, name := range slices.Sorted(maps.Keys(p.BuildEnvironment)) {
		environment = append(environment, name+"="+p.BuildEnvironment[name])
	}
	return environment, nil
}

// writePlaceholder writes a file in place of code that is not built.
func (p *Props) writePlaceholder(folder string) (string, error) {
	text := p.Entry + " was not built, because its stack is not bundled.\n"
	return folder, os.WriteFile(filepath.Join(folder, "NOT-BUILT.txt"), []byte(text), 0o600)
}
