package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// platform is a system that a release is built for.
type platform struct{ os, arch string }

var platforms = []platform{
	{"darwin", "amd64"}, {"darwin", "arm64"},
	{"linux", "amd64"}, {"linux", "arm64"},
	{"windows", "amd64"}, {"windows", "arm64"},
}

// host is the platform of this machine.
var host = platform{runtime.GOOS, runtime.GOARCH}

func (p platform) String() string { return p.os + "/" + p.arch }

// executable returns the name of a program on the platform.
func (p platform) executable(name string) string {
	if p.os == "windows" {
		return name + ".exe"
	}
	return name
}

// program is a program of an archive.
type program struct {
	name    string // of its bill of materials
	source  string // folder of its package
	file    string // its name in the archive, without .exe
	tags    string
	stamped bool // whether it says its version
}

// programs are the command, and the functions that its demo runs, which it finds next to itself.
// The functions are built as they are deployed.
var programs = []program{
	{name: "resolverwatch", source: "./cmd/resolverwatch", file: "resolverwatch", stamped: true},
	{name: "importer", source: "./lambdas/importer", file: "importer/bootstrap", tags: "lambda.norpc"},
	{name: "transformer", source: "./lambdas/transformer", file: "transformer/bootstrap", tags: "lambda.norpc"},
}

// stamp describes the source of a release. It is part of the command.
type stamp struct {
	version, commit string
	at              time.Time // of the commit, and of all files in the archives
}

// ldflags returns the flags of the linker for a program.
func (s *stamp) ldflags(p *program) string {
	flags := "-s -w -buildid="
	if p.stamped {
		flags += fmt.Sprintf(" -X main.version=%s -X main.commit=%s -X main.date=%s", s.version, s.commit, s.at.UTC().Format(time.RFC3339))
	}
	return flags
}

// builder builds the archives of a release from the source in a folder.
type builder struct {
	stamp
	source string
	// materials writes the bills of materials. Nil leaves them out.
	materials writeMaterials
}

// archive returns the archive for a platform, and its name.
func (b *builder) archive(ctx context.Context, p platform) (name string, content []byte, err error) {
	work, err := os.MkdirTemp("", "resolverwatch-release-")
	if err != nil {
		return "", nil, err
	}
	defer func() { _ = os.RemoveAll(work) }() // a leftover temporary folder does no harm

	entries, err := b.programs(ctx, p, work)
	if err != nil {
		return "", nil, err
	}
	texts, err := b.texts(ctx, work)
	if err != nil {
		return "", nil, err
	}
	folder := fmt.Sprintf("resolverwatch_%s_%s_%s", b.version, p.os, p.arch)
	if p.os == "windows" {
		content, err = zipped(folder, b.at, append(entries, texts...))
		return folder + ".zip", content, err
	}
	content, err = tarGzip(folder, b.at, append(entries, texts...))
	return folder + ".tar.gz", content, err
}

// programs builds the programs for a platform, and their bills of materials.
func (b *builder) programs(ctx context.Context, p platform, work string) (entries []entry, err error) {
	for i := range programs {
		built := filepath.Join(work, p.executable(programs[i].name))
		if err := b.build(ctx, p, &programs[i], built); err != nil {
			return nil, fmt.Errorf("building %s for %s: %w", programs[i].name, p, err)
		}
		entries, err = addFile(entries, p.executable(programs[i].file), modeProgram, built)
		if err != nil {
			return nil, err
		}
		if b.materials == nil {
			continue
		}
		list := built + ".cdx.json"
		if err := b.materials(ctx, p, built, list); err != nil {
			return nil, fmt.Errorf("listing the modules of %s for %s: %w", programs[i].name, p, err)
		}
		entries, err = addFile(entries, "sbom/"+programs[i].name+".cdx.json", modeText, list)
		if err != nil {
			return nil, err
		}
	}
	return entries, nil
}

// build builds a program without cgo, so that it does not need libraries of the system.
func (b *builder) build(ctx context.Context, p platform, prog *program, out string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-mod=readonly", //nolint:gosec // arguments are ours
		"-tags="+prog.tags, "-ldflags="+b.ldflags(prog), "-o", out, prog.source)
	cmd.Dir = b.source
	// Variables of the machine that builds must not change the program.
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+p.os, "GOARCH="+p.arch,
		"GOFLAGS=", "GOWORK=off", "GOEXPERIMENT=", "GOAMD64=v1", "GOARM64=v8.0", "GOFIPS140=off")
	return run(cmd)
}

// completion is the completion script of a shell.
type completion struct{ shell, file string }

// completions have the names by which the shells find them.
var completions = []completion{
	{"bash", "completions/resolverwatch.bash"},
	{"fish", "completions/resolverwatch.fish"},
	{"powershell", "completions/resolverwatch.ps1"},
	{"zsh", "completions/_resolverwatch"},
}

// texts returns the files that are the same for all platforms: the licence, the README, and the
// completions, which a command for this machine writes.
func (b *builder) texts(ctx context.Context, work string) (entries []entry, err error) {
	for _, name := range []string{"LICENSE", "README.md"} {
		entries, err = addFile(entries, name, modeText, filepath.Join(b.source, name))
		if err != nil {
			return nil, err
		}
	}
	command := filepath.Join(work, "host", host.executable("resolverwatch"))
	if err := b.build(ctx, host, &programs[0], command); err != nil {
		return nil, fmt.Errorf("building the command for this machine: %w", err)
	}
	for _, c := range completions {
		script, err := exec.CommandContext(ctx, command, "completion", c.shell).Output() //nolint:gosec // the path is ours
		if err != nil {
			return nil, fmt.Errorf("writing the completions of %s: %w", c.shell, err)
		}
		entries = append(entries, entry{c.file, modeText, script})
	}
	return entries, nil
}

// addFile appends a file on disk to entries.
func addFile(entries []entry, name string, mode os.FileMode, path string) ([]entry, error) {
	content, err := os.ReadFile(path)
	return append(entries, entry{name, mode, content}), err
}

// run runs a command. Its output becomes part of the error.
func run(cmd *exec.Cmd) error {
	var output bytes.Buffer
	if cmd.Stdout == nil {
		cmd.Stdout = &output
	}
	cmd.Stderr = &output
	if err := cmd.Run(); err != nil {
		return errors.New(strings.TrimSpace(err.Error() + "\n" + output.String()))
	}
	return nil
}
