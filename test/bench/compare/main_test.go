package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// repository returns a repository with two commits, base and head, whose bench writes the
// given reports.
func repository(t *testing.T, base, head string) string {
	t.Helper()
	folder := t.TempDir()
	git(t, folder, "init", "--quiet")
	for tag, report := range map[string]string{"base": base, "head": head} {
		git(t, folder, "checkout", "--quiet", "--orphan", tag)
		write(t, filepath.Join(folder, "go.mod"), "module example.com/benched\n\ngo 1.26\n")
		write(t, filepath.Join(folder, "test", "bench", "main.go"), fmt.Sprintf(`package main

import "os"

func main() {
	if err := os.WriteFile(os.Getenv("BENCH_JSON"), []byte(%q), 0o600); err != nil {
		panic(err)
	}
}
`, report))
		git(t, folder, "add", ".")
		git(t, folder, "commit", "--quiet", "-m", "the bench of "+tag)
	}
	return folder
}

func git(t *testing.T, folder string, args ...string) string {
	t.Helper()
	command := exec.Command("git", append([]string{"-c", "user.name=Test", "-c", "user.email=test@resolverwatch.example"}, args...)...)
	command.Dir = folder
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return string(out)
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// Two commits are checked out, built, run in turn and compared. Nothing stays behind.
func TestRun(t *testing.T) {
	folder := repository(t,
		`{"measure":"speed","value":100,"unit":"MB/s"}`+"\n"+`{"measure":"old name","value":7,"unit":"s"}`+"\n",
		`{"measure":"new name","value":8,"unit":"s"}`+"\n"+`{"measure":"speed","value":80,"unit":"MB/s"}`+"\n")
	var out, log bytes.Buffer
	c := config{repository: folder, base: "base", head: "head", runs: 3}
	if err := run(t.Context(), c, &out, &log); err != nil {
		t.Fatal(err)
	}
	const want = `
 MEASURE   UNIT  BASE  QUARTILES  HEAD  QUARTILES  CHANGE   DIFFERENCE
 new name  s                         8  8..8                only in head
 speed     MB/s   100  100..100     80  80..80     -20.0 %  BEYOND THE SPREAD
 old name  s        7  7..7                                 only in base
`
	if got := "\n" + trimLines(out.String()); got != want {
		t.Errorf("got:%s\nwant:%s", got, want)
	}
	var order []string
	for line := range strings.Lines(log.String()) {
		if name, ok := strings.CutPrefix(line, "run "); ok {
			order = append(order, strings.Fields(name)[3])
		}
	}
	if got := strings.Join(order, " "); got != "base: head: head: base: base: head:" {
		t.Errorf("order %q", got)
	}
	if trees := git(t, folder, "worktree", "list"); strings.Count(trees, "\n") != 1 {
		t.Errorf("checkouts stay behind:\n%s", trees)
	}
}

// trimLines removes the space at the end of each line.
func trimLines(text string) string {
	var lines []string
	for line := range strings.Lines(text) {
		lines = append(lines, strings.TrimRight(line, " \n"))
	}
	return strings.Join(lines, "\n") + "\n"
}

func TestRun_errors(t *testing.T) {
	folder := repository(t, "", "not JSON")
	git(t, folder, "checkout", "--quiet", "--orphan", "broken")
	write(t, filepath.Join(folder, "test", "bench", "main.go"), "package main\n")
	git(t, folder, "add", ".")
	git(t, folder, "commit", "--quiet", "-m", "a bench that does not compile")
	for name, c := range map[string]config{
		"no base":            {head: "head", runs: 1},
		"no such commit":     {base: "nowhere", head: "head", runs: 1},
		"no runs":            {base: "base", head: "head"},
		"does not compile":   {base: "broken", head: "head", runs: 1},
		"unreadable figures": {base: "base", head: "head", runs: 1},
	} {
		t.Run(name, func(t *testing.T) {
			c.repository = folder
			if err := run(t.Context(), c, io.Discard, io.Discard); err == nil {
				t.Error("got no error")
			}
			if trees := git(t, folder, "worktree", "list"); strings.Count(trees, "\n") != 1 {
				t.Errorf("checkouts stay behind:\n%s", trees)
			}
		})
	}
}
