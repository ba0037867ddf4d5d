package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestPlatforms(t *testing.T) {
	t.Parallel()
	want := "[darwin/amd64 darwin/arm64 linux/amd64 linux/arm64 windows/amd64 windows/arm64]"
	if got := fmt.Sprint(platforms); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// The archive for this machine has a command that says what it was built from, runs the demo
// with the functions next to it, and is listed with its checksum.
func TestBuilder(t *testing.T) {
	if testing.Short() {
		t.Skip("builds three programs")
	}
	t.Parallel()
	b := &builder{
		stamp:  stamp{"v1.2.3-test", "4f0c1e2", time.Unix(1793534402, 0)},
		source: "../..",
		materials: func(_ context.Context, _ platform, program, file string) error {
			return os.WriteFile(file, []byte(filepath.Base(program)), 0o600)
		},
	}
	out := t.TempDir()
	if err := b.writeAll(t.Context(), out, []platform{host}); err != nil {
		t.Fatal(err)
	}
	folder := "resolverwatch_v1.2.3-test_" + host.os + "_" + host.arch
	name, unpack := folder+".tar.gz", untar
	if host.os == "windows" {
		name, unpack = folder+".zip", unzip
	}
	packed := checked(t, out, name)
	files, err := unpack(packed)
	if err != nil {
		t.Fatal(err)
	}
	wantNames(t, folder, files)

	place := t.TempDir()
	for _, f := range files {
		path := filepath.Join(place, filepath.FromSlash(f.name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, f.content, f.mode); err != nil {
			t.Fatal(err)
		}
	}
	command := filepath.Join(place, folder, host.executable("resolverwatch"))
	said := output(t, command, "version")
	for _, want := range []string{"v1.2.3-test", "4f0c1e2", "2026-11-01T12:00:02Z"} {
		if !strings.Contains(said, want) {
			t.Errorf("version printed %q, want %q in it", said, want)
		}
	}
	output(t, command, "demo", "--records", "60", "--out", filepath.Join(place, "demo")) // fails if a record is marked wrong
	if marked, err := filepath.Glob(filepath.Join(place, "demo/resolverwatch-logs/dns-query-logs/*/*/*/*.json.gz")); err != nil || len(marked) == 0 {
		t.Errorf("the demo wrote no marked logs: %v", err)
	}
	checkCompletions(t, filepath.Join(place, folder))
}

// checked returns a file whose checksum is listed.
func checked(t *testing.T, folder, name string) []byte {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(folder, name))
	if err != nil {
		t.Fatal(err)
	}
	sums, err := os.ReadFile(filepath.Join(folder, sumsFile))
	if err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("%x  %s\n", sha256.Sum256(content), name); string(sums) != want {
		t.Errorf("%s has %q, want %q", sumsFile, sums, want)
	}
	return content
}

func wantNames(t *testing.T, folder string, files []unpacked) {
	t.Helper()
	var got []string
	for _, f := range files {
		got = append(got, f.name)
	}
	want := []string{
		"LICENSE", "README.md",
		"completions/_resolverwatch", "completions/resolverwatch.bash", "completions/resolverwatch.fish", "completions/resolverwatch.ps1",
		host.executable("importer/bootstrap"), host.executable("resolverwatch"),
		"sbom/importer.cdx.json", "sbom/resolverwatch.cdx.json", "sbom/transformer.cdx.json",
		host.executable("transformer/bootstrap"),
	}
	for i := range want {
		want[i] = folder + "/" + want[i]
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
}

// checkCompletions has each shell that is installed read its script.
func checkCompletions(t *testing.T, folder string) {
	t.Helper()
	for _, c := range completions {
		script := filepath.Join(folder, filepath.FromSlash(c.file))
		text, err := os.ReadFile(script)
		if err != nil || !strings.Contains(string(text), "resolverwatch") {
			t.Errorf("%s does not complete resolverwatch: %v", c.file, err)
		}
		if _, err := exec.LookPath(c.shell); err != nil || c.shell == "powershell" {
			continue
		}
		if said, err := exec.CommandContext(t.Context(), c.shell, "-n", script).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", c.file, err, said)
		}
	}
}

func output(t *testing.T, command string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), command, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", command, args[0], err, out)
	}
	return string(out)
}

func TestReadStamp(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	t.Setenv("GIT_CONFIG_GLOBAL", os.DevNull)
	t.Setenv("GIT_COMMITTER_DATE", "2026-11-01T12:30:02+02:00")
	for _, args := range []string{"init -q", "-c user.name=a -c user.email=a@corp.example commit -q --allow-empty -m one"} {
		output(t, "git", strings.Fields(args)...)
	}
	s, err := readStamp(t.Context(), "HEAD", "")
	if err != nil {
		t.Fatal(err)
	}
	if len(s.commit) != 40 || !strings.HasPrefix(s.commit, s.version) || s.at.UTC().Format(time.RFC3339) != "2026-11-01T10:30:02Z" {
		t.Errorf("without a tag: %+v", s)
	}
	output(t, "git", "-c", "user.name=a", "-c", "user.email=a@corp.example", "tag", "-m", "v1.2.3", "v1.2.3")
	if s, err = readStamp(t.Context(), "v1.2.3", ""); err != nil || s.version != "v1.2.3" || len(s.commit) != 40 {
		t.Errorf("with a tag: %+v, %v", s, err)
	}
	if s, err = readStamp(t.Context(), "HEAD", "v9"); err != nil || s.version != "v9" {
		t.Errorf("with a version: %+v, %v", s, err)
	}
	for _, bad := range []string{"v1 -X main.commit=x", "../v1", "v1/2"} {
		if _, err := readStamp(t.Context(), "HEAD", bad); err == nil {
			t.Errorf("version %q is accepted", bad)
		}
	}
	if _, err := readStamp(t.Context(), "nothing", ""); err == nil {
		t.Error("a commit that does not exist is accepted")
	}
}
