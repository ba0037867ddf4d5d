package athena_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/resolverwatch/resolverwatch/cmd/resolverwatch/hunt"
	"github.com/resolverwatch/resolverwatch/pkg/localaws/athena"
)

// command builds the command and returns a function that runs it against an Athena whose
// engine is Trino.
func (r *rig) command(t *testing.T) func(arguments ...string) string {
	t.Helper()
	server := httptest.NewServer(athena.New(athena.Config{WorkGroup: "Resolverwatch", Database: database, Queries: r.queries,
		Execute: func(_ context.Context, sql string) (*athena.Result, error) {
			got, err := r.trino.query(native, database, sql)
			if err != nil {
				return nil, err
			}
			return asAthena(got), nil
		}}))
	t.Cleanup(server.Close)
	binary := filepath.Join(t.TempDir(), "resolverwatch")
	if said, err := exec.Command("go", "build", "-o", binary, "../../cmd/resolverwatch").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	return func(arguments ...string) string {
		t.Helper()
		run := exec.Command(binary, arguments...)
		run.Env = append(os.Environ(), "AWS_ENDPOINT_URL="+server.URL, "AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=key",
			"AWS_SECRET_ACCESS_KEY=secret")
		var stdout, stderr bytes.Buffer
		run.Stdout, run.Stderr = &stdout, &stderr
		if err := run.Run(); err != nil {
			t.Fatalf("%v: %v\n%s", arguments, err, stderr.String())
		}
		t.Logf("%s: %s", strings.Join(arguments[:2], " "), strings.TrimSpace(stderr.String()))
		return stdout.String()
	}
}

// asAthena writes cells as text, as Athena does.
func asAthena(got *result) *athena.Result {
	out := &athena.Result{Bytes: got.Bytes}
	for i, name := range got.Columns {
		typ, _, _ := strings.Cut(got.Types[i], "(")
		out.Columns = append(out.Columns, athena.Column{Name: name, Type: typ})
	}
	for _, row := range got.Rows {
		cells := make([]*string, len(row))
		for i, cell := range row {
			if cell != nil {
				text := fmt.Sprint(cell)
				cells[i] = &text
			}
		}
		out.Rows = append(out.Rows, cells)
	}
	return out
}

// jsonRows reads an object a line as a row of its values.
func jsonRows(t *testing.T, output string, columns []string) (rows []string) {
	t.Helper()
	for line := range strings.Lines(output) {
		var object map[string]any
		decoder := json.NewDecoder(strings.NewReader(line))
		decoder.UseNumber()
		if err := decoder.Decode(&object); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		var row []any
		for _, column := range columns {
			row = append(row, object[column])
		}
		rows = append(rows, text(row))
	}
	return rows
}

// `resolverwatch query` gives what Trino answers, and `resolverwatch hunt` finds the same
// in Athena and in files on this machine.
func TestCommand(t *testing.T) {
	r := newRig(t, wayJSON, "2006/01/02", map[string]any{})
	run := r.command(t)
	at := []string{"--workgroup", "Resolverwatch", "--database", database, "-o", "json"}

	direct := r.ask(t, "malicious-hosts", month)
	output := run(append([]string{"query", "malicious-hosts", "--param", "from=2026-10-01", "--param", "until=2026-10-31"}, at...)...)
	if diff := cmp.Diff(asLines(direct.Rows), jsonRows(t, output, direct.Columns)); diff != "" {
		t.Errorf("query (-Trino +command):\n%s", diff)
	}

	folder := t.TempDir()
	var logs []byte
	for _, line := range r.lines {
		if json.Valid(line.text) {
			logs = append(logs, line.text...)
		}
	}
	for name, body := range map[string][]byte{"logs.jsonl": logs, "indicators.gz": (october + added).published(t, secondGeneration)} {
		if err := os.WriteFile(filepath.Join(folder, name), body, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	local := run("hunt", "--local", filepath.Join(folder, "logs.jsonl"), "--indicators", filepath.Join(folder, "indicators.gz"),
		"--since", "2026-10-20", "-o", "json")
	deployed := run(append([]string{"hunt", "--since", "2026-10-20", "--days", "3650"}, at...)...)
	if diff := cmp.Diff(jsonRows(t, deployed, hunt.Columns), jsonRows(t, local, hunt.Columns)); diff != "" {
		t.Errorf("hunt (-in Athena +in files):\n%s", diff)
	}
	want := retroHunt(t, r.lines, asked["retro-hunt"])
	if got := jsonRows(t, deployed, hunt.Columns); !slices.Equal(got, asLines(want)) {
		t.Errorf("hunt: %s", cmp.Diff(asLines(want), got))
	}
}
