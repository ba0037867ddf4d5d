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

// command returns the command as a process with standard input from a pipe.
func command(t *testing.T, args ...string) (process *exec.Cmd, input io.WriteCloser, output *bufio.Reader) {
	t.Helper()
	list := filepath.Join(t.TempDir(), "list.txt")
	if err := os.WriteFile(list, []byte("evil.example\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	process = exec.CommandContext(t.Context(), self)
	process.Args = append([]string{"resolverwatch"}, args...) // the name says what to run, see TestMain
	process.Args = append(process.Args, "--feed", list, "-q")
	process.Stderr = os.Stderr
	input, inErr := process.StdinPipe()
	out, outErr := process.StdoutPipe()
	if inErr != nil || outErr != nil {
		t.Fatal(inErr, outErr)
	}
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	return process, input, bufio.NewReader(out)
}

// A record is written as soon as it is read, although more may come: `tail -f log | scan -`.
func TestLiveInput(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		args     []string
		in, want string
	}{
		{[]string{"scan", "-"}, `{"query_name":"www.evil.example"}`, `"verdict":"malicious"`},
		{[]string{"check", "-o", "json", "-"}, "www.evil.example", `"verdict":"malicious"`},
	} {
		process, input, output := command(t, tt.args...)
		for range 2 {
			if _, err := io.WriteString(input, tt.in+"\n"); err != nil {
				t.Fatal(err)
			}
			if line, err := output.ReadString('\n'); err != nil || !strings.Contains(line, tt.want) {
				t.Fatalf("%v: got %q and error %v", tt.args, line, err)
			}
		}
		_ = input.Close()
		if err := process.Wait(); err != nil {
			t.Errorf("%v: %v", tt.args, err)
		}
	}
}

// A signal ends a command that waits for input, with the exit code by which a shell ends its loop.
func TestSignals(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"scan", "-"}, {"check", "-o", "json", "-"}} {
		for signal, code := range map[syscall.Signal]int{syscall.SIGINT: 130, syscall.SIGTERM: 143} {
			process, input, output := command(t, args...)
			text := "www.evil.example\n"
			if args[0] == "scan" {
				text = `{"query_name":"www.evil.example"}` + "\n"
			}
			if _, err := io.WriteString(input, text); err != nil {
				t.Fatal(err)
			}
			if _, err := output.ReadString('\n'); err != nil { // it reads now
				t.Fatal(err)
			}
			if err := process.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			timer := time.AfterFunc(20*time.Second, func() { _ = process.Process.Kill() })
			_ = process.Wait()
			timer.Stop()
			if got := process.ProcessState.ExitCode(); got != code {
				t.Errorf("%v: exit code %d after %v, want %d", args, got, signal, code)
			}
			_ = input.Close()
		}
	}
}
