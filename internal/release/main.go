// Command release builds the archives of a release from a commit: for each platform one with the
// command, the functions of its demo, their bills of materials, the completions of shells, the
// licence and the README. It also writes SHA256SUMS. The same commit and version of Go give the
// same bytes; changes that are not committed are not part of a release.
package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// sumsFile has the checksums in the format of the command sha256sum.
const sumsFile = "SHA256SUMS"

func main() {
	log.SetFlags(0)
	commit := flag.String("commit", "HEAD", "what to build")
	version := flag.String("version", "", "version of the release (default: from the tags, by git describe)")
	out := flag.String("out", "build/release", "folder for the archives")
	tool := flag.String("sbom", "", "path of cyclonedx-gomod, which writes the bills of materials (default: there are none)")
	verify := flag.Bool("verify", true, "build the archive for this machine again, in another folder, and compare them")
	flag.Parse()
	if flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := release(ctx, *commit, *version, *out, *tool, *verify)
	stop()
	if err != nil {
		log.Fatalf("release: %v", err)
	}
}

func release(ctx context.Context, commit, version, out, tool string, verify bool) error {
	from, err := readStamp(ctx, commit, version)
	if err != nil {
		return err
	}
	b := &builder{stamp: from}
	if tool != "" {
		if tool, err = filepath.Abs(tool); err != nil {
			return err
		}
		b.materials = cyclonedx(tool, from.version)
	}
	if b.source, err = export(ctx, from.commit); err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(b.source) }() // a leftover temporary folder does no harm

	if err := b.writeAll(ctx, out, platforms); err != nil {
		return err
	}
	if !verify {
		return nil
	}
	return verifyHost(ctx, *b, out)
}

// versionForm is what a version may look like: it is part of file names and of linker flags.
var versionForm = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z.+_-]*$`)

// readStamp returns what is stamped into a build of a commit.
func readStamp(ctx context.Context, commit, version string) (stamp, error) {
	var s stamp
	seconds, err := git(ctx, "show", "-s", "--format=%ct", commit+"^{commit}")
	if err != nil {
		return s, err
	}
	at, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return s, fmt.Errorf("reading the time of %s: %w", commit, err)
	}
	s.at, s.version = time.Unix(at, 0), version
	if s.commit, err = git(ctx, "rev-parse", commit+"^{commit}"); err != nil {
		return s, err
	}
	if version == "" {
		if s.version, err = git(ctx, "describe", "--tags", "--always", s.commit); err != nil {
			return s, err
		}
	}
	if !versionForm.MatchString(s.version) {
		return s, fmt.Errorf("version %q: must have only letters, digits and . + _ -, as in v1.2.3", s.version)
	}
	return s, nil
}

// git runs a git command in the working directory and returns its output.
func git(ctx context.Context, args ...string) (string, error) {
	var out strings.Builder
	cmd := exec.CommandContext(ctx, "git", args...) //nolint:gosec // arguments of whoever makes the release
	cmd.Stdout = &out
	if err := run(cmd); err != nil {
		return "", fmt.Errorf("git %s: %w", args[0], err)
	}
	return strings.TrimSpace(out.String()), nil
}

// export writes the files of a commit into a temporary folder and returns its name.
func export(ctx context.Context, commit string) (folder string, err error) {
	folder, err = os.MkdirTemp("", "resolverwatch-source-")
	if err != nil {
		return "", err
	}
	archive := filepath.Join(folder, "source.tar")
	root, err := git(ctx, "rev-parse", "--show-toplevel")
	if err == nil {
		_, err = git(ctx, "-C", root, "archive", "--format=tar", "--output="+archive, commit)
	}
	if err == nil {
		err = run(exec.CommandContext(ctx, "tar", "-xf", archive, "-C", folder)) //nolint:gosec // both paths are ours
	}
	if err == nil {
		err = os.Remove(archive)
	}
	if err != nil {
		return "", errors.Join(fmt.Errorf("exporting %s: %w", commit, err), os.RemoveAll(folder))
	}
	return folder, nil
}

// writeAll writes the archives of some platforms and their checksums.
func (b *builder) writeAll(ctx context.Context, out string, platforms []platform) error {
	if err := os.MkdirAll(out, 0o755); err != nil { //nolint:gosec // the files are public
		return err
	}
	var sums strings.Builder
	for _, p := range platforms {
		name, content, err := b.archive(ctx, p)
		if err != nil {
			return err
		}
		if err := write(out, name, content); err != nil {
			return err
		}
		fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(content), name)
		fmt.Printf("%9d bytes  %s\n", len(content), filepath.Join(out, name))
	}
	return write(out, sumsFile, []byte(sums.String()))
}

func write(folder, name string, content []byte) error {
	return os.WriteFile(filepath.Join(folder, name), content, 0o644) //nolint:gosec // the files are public
}

// verifyHost builds the archive for this machine again, from another export of the commit, and
// compares it with the one that was written.
func verifyHost(ctx context.Context, b builder, out string) (err error) {
	if b.source, err = export(ctx, b.commit); err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(b.source) }() // a leftover temporary folder does no harm
	name, again, err := b.archive(ctx, host)
	if err != nil {
		return err
	}
	written, err := os.ReadFile(filepath.Join(out, name))
	if errors.Is(err, os.ErrNotExist) {
		fmt.Printf("not compared: there is no archive for %s\n", host)
		return nil
	}
	if err != nil {
		return err
	}
	if !bytes.Equal(again, written) {
		return fmt.Errorf("%s: a second build, from another folder, has other bytes", name)
	}
	fmt.Printf("%s: a second build, from another folder, has the same bytes\n", name)
	return nil
}
