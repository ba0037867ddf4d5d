package athena_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	"github.com/resolverwatch/resolverwatch/internal/hunt"
	"github.com/resolverwatch/resolverwatch/pkg/verdict"
	athena "github.com/resolverwatch/resolverwatch/test/localathena"
)

// command builds the command and returns a function that runs it against a fake Athena
// whose engine is Trino.
func (r *rig) command(t *testing.T) func(arguments ...string) string {
	t.Helper()
	engine := athena.New(athena.Config{WorkGroup: "Resolverwatch", Database: database, Queries: r.queries,
		Execute: func(_ context.Context, sql string) (*athena.Result, error) {
			got, err := r.trino.query(native, database, sql)
			if err != nil {
				return nil, err
			}
			return asAthena(got), nil
		}})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		if strings.HasPrefix(request.Header.Get("X-Amz-Target"), athena.TargetPrefix) {
			engine.ServeHTTP(w, request)
		} else {
			r.objects.ServeHTTP(w, request)
		}
	}))
	t.Cleanup(server.Close)
	binary := filepath.Join(t.TempDir(), "resolverwatch")
	build := exec.Command("go", "build", "-o", binary, "./cmd/resolverwatch")
	build.Dir = root
	if printed, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, printed)
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

// read returns the unzipped objects of a bucket.
func (r *rig) read(t *testing.T, bucket string) map[string]string {
	t.Helper()
	listed, err := r.client.ListObjectsV2(context.Background(), &awss3.ListObjectsV2Input{Bucket: &bucket})
	if err != nil {
		t.Fatal(err)
	}
	objects := map[string]string{}
	for _, object := range listed.Contents {
		out, err := r.client.GetObject(context.Background(), &awss3.GetObjectInput{Bucket: &bucket, Key: object.Key})
		if err != nil {
			t.Fatal(err)
		}
		unpacked, err := gzip.NewReader(out.Body)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(unpacked)
		if err != nil {
			t.Fatal(err)
		}
		objects[*object.Key] = string(text)
	}
	return objects
}

// asAthena converts cells to text, as Athena does.
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

// jsonRows converts each object in a line to a row of its values.
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

// `resolverwatch query` returns the rows that Trino returns, and `resolverwatch hunt` finds
// the same in Athena and in local files.
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

// The records written under retro/ are those that were not marked as malicious, marked as
// the transformer would mark them now.
func TestCommand_huntWrite(t *testing.T) {
	r := newRig(t, wayJSON, "2006/01/02", map[string]any{})
	run := r.command(t)
	// Since the hunted indicators were published, a list got a deeper entry.
	grown := october + added + "other block name drop.newbad.example phishing low 10 2026-10-12\n"
	output, indexes := r.bucket(t, nil), r.bucket(t, grown.bucket(t, secondGeneration))
	call := []string{"hunt", "--since", "2026-10-20", "--days", "3650", "--write", "--workgroup", "Resolverwatch", "--database", database,
		"--output-bucket", output, "--index-bucket", indexes, "-o", "csv"}
	run(call...)
	marker := verdict.NewMarker(grown.index(t, secondGeneration), verdict.Options{})
	want := map[string][]string{} // by day
	for _, before := range records(t, r.lines, nil) {
		now, hit := remark(t, marker, &before)
		if hit && before.Verdict != "malicious" &&
			slices.Contains([]string{"newbad.example", "198.51.100.0/28", "drop.newbad.example"}, now.Threat.Indicator) {
			want[before.asked.Format("retro/2006/01/02")] = append(want[before.asked.Format("retro/2006/01/02")], sameJSON(t, now.text))
		}
	}
	got := map[string][]string{}
	written := r.read(t, output)
	for key, text := range written {
		for line := range strings.Lines(text) {
			got[key[:len("retro/2006/01/02")]] = append(got[key[:len("retro/2006/01/02")]], sameJSON(t, line))
		}
	}
	if diff := cmp.Diff(want, got); diff != "" || len(want) != 7 {
		t.Errorf("%d days; records (-marked again +written):\n%s", len(want), diff)
	}
	run(call...)
	if diff := cmp.Diff(written, r.read(t, output)); diff != "" {
		t.Errorf("objects (-written +written again):\n%s", diff)
	}
}

// sameJSON formats JSON so that equal objects give equal texts.
func sameJSON(t *testing.T, line string) string {
	t.Helper()
	var value any
	if err := json.Unmarshal([]byte(line), &value); err != nil {
		t.Fatal(err)
	}
	return text(value)
}
