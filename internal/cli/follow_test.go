package cli

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// followed is a scan that follows a file.
type followed struct {
	t       *testing.T
	process *exec.Cmd
	out     *bufio.Reader
	err     *bufio.Reader
	path    string
}

// follow starts a scan that follows the file log.json in a new folder.
func follow(t *testing.T, begin func(path string), flags ...string) *followed {
	t.Helper()
	folder := t.TempDir()
	list, path := filepath.Join(folder, "list.txt"), filepath.Join(folder, "log.json")
	if err := os.WriteFile(list, []byte("evil.example\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	begin(path)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	process := exec.CommandContext(t.Context(), self)
	process.Args = append([]string{"resolverwatch", "scan", "--feed", list, "--follow", path}, flags...)
	out, outErr := process.StdoutPipe()
	messages, errErr := process.StderrPipe()
	if outErr != nil || errErr != nil {
		t.Fatal(outErr, errErr)
	}
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(time.Minute, func() { _ = process.Process.Kill() }) // a test that hangs
	t.Cleanup(func() { timer.Stop() })
	return &followed{t, process, bufio.NewReader(out), bufio.NewReader(messages), path}
}

// expect reads a line and checks that it contains the text.
func expect(t *testing.T, from *bufio.Reader, want string) {
	t.Helper()
	if line, err := from.ReadString('\n'); err != nil || !strings.Contains(line, want) {
		t.Fatalf("got %q and error %v, want %q", line, err, want)
	}
}

// interrupt sends a signal and returns the rest of the output, after the exit code was checked.
func (f *followed) interrupt(signal syscall.Signal, code int) (out, messages string) {
	f.t.Helper()
	if err := f.process.Process.Signal(signal); err != nil {
		f.t.Fatal(err)
	}
	rest, outErr := io.ReadAll(f.out)
	noted, errErr := io.ReadAll(f.err)
	_ = f.process.Wait() // the exit code tells more
	if outErr != nil || errErr != nil {
		f.t.Fatal(outErr, errErr)
	}
	if got := f.process.ProcessState.ExitCode(); got != code {
		f.t.Errorf("exit code %d after %v, want %d\n%s", got, signal, code, noted)
	}
	return string(rest), string(noted)
}

func write(t *testing.T, path, text string, flags int) {
	t.Helper()
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|flags, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.WriteString(text); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
}

const evilRecord = `{"query_timestamp":"2026-11-01T10:00:00Z","query_name":"www.evil.example","srcaddr":"10.0.0.1"}` + "\n"

// Records of a followed file are written as they come, whatever happens to the file, until the scan
// is interrupted.
func TestFollow(t *testing.T) {
	t.Parallel()
	f := follow(t, func(path string) { write(t, path, evilRecord, os.O_APPEND) })
	expect(t, f.err, "feed list: 1 entries")
	expect(t, f.out, `"verdict":"malicious"`)

	write(t, f.path, strings.Replace(evilRecord, "www", "appended", 1), os.O_APPEND)
	expect(t, f.out, "appended.evil.example")

	if err := os.Rename(f.path, f.path+".1"); err != nil {
		t.Fatal(err)
	}
	write(t, f.path, strings.Replace(evilRecord, "www", "rotated", 1), os.O_APPEND)
	expect(t, f.err, "was replaced by another file")
	expect(t, f.out, "rotated.evil.example")

	write(t, f.path, "{}\n", os.O_TRUNC)
	expect(t, f.err, "was truncated")
	write(t, f.path, strings.Replace(evilRecord, "www", "again", 1), os.O_APPEND)
	expect(t, f.out, "{")
	expect(t, f.out, "again.evil.example")

	out, messages := f.interrupt(syscall.SIGINT, 130)
	if out != "" || !strings.Contains(messages, "5 logged queries\n  malicious             4\n") {
		t.Errorf("output %q, messages %q", out, messages)
	}
}

// A followed file may not exist yet. With a summary, matches are lines, and the summary comes last.
func TestFollow_summary(t *testing.T) {
	t.Parallel()
	f := follow(t, func(string) {}, "-o", "summary", "--vpc", "vpc-1")
	expect(t, f.err, "log.json does not exist yet: waiting for it")
	expect(t, f.err, "feed list")
	write(t, f.path, evilRecord+strings.Replace(evilRecord, "{", `{"vpc_id":"vpc-1",`, 1), os.O_APPEND)
	expect(t, f.out, "www.evil.example  evil.example (subtree)  list")
	out, messages := f.interrupt(syscall.SIGTERM, 143)
	for _, want := range []string{"\n1 logged queries\n", "Hosts that asked for malicious names"} {
		if !strings.Contains(out, want) {
			t.Errorf("the summary has no %q:\n%s", want, out)
		}
	}
	if !strings.Contains(messages, "1 records skipped: 1 of other VPCs\n") {
		t.Errorf("messages %q", messages)
	}
}

// A scan that is interrupted before there is a record says so.
func TestFollow_nothing(t *testing.T) {
	t.Parallel()
	f := follow(t, func(string) {}, "-q")
	expect(t, f.err, "does not exist yet")
	_, messages := f.interrupt(syscall.SIGINT, 130)
	if !strings.Contains(messages, "nothing was scanned: there is no record in the input") {
		t.Errorf("messages %q", messages)
	}
}
