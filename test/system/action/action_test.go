package action

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

const folder = "../../../.github/actions/resolverwatch"

// action is what a runner reads of an action.
type action struct {
	Inputs map[string]struct {
		Default  string
		Required bool
	}
	Runs struct {
		Using string
		Steps []step
	}
}

type step struct {
	ID, Name, Shell, Run, Uses string
	Env                        map[string]string
}

func read(t *testing.T) *action {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(folder, "action.yml"))
	if err != nil {
		t.Fatal(err)
	}
	var a action
	if err := yaml.Unmarshal(text, &a); err != nil {
		t.Fatal(err)
	}
	return &a
}

// A script that contains an expression can be changed by whoever can change its value. So
// expressions are values of variables only. Each step runs in bash and uses no other action.
func TestAction_safe(t *testing.T) {
	t.Parallel()
	a := read(t)
	if a.Runs.Using != "composite" || len(a.Runs.Steps) == 0 {
		t.Fatalf("%+v", a.Runs)
	}
	for _, s := range a.Runs.Steps {
		if s.Shell != "bash" || s.Uses != "" || strings.Contains(s.Run, "${{") {
			t.Errorf("the step %q has another shell, uses an action, or has an expression in its script", s.Name)
		}
	}
}

var expression = regexp.MustCompile(`\$\{\{ *(inputs|steps)\.([a-z0-9-]+)(?:\.outputs\.([a-z0-9-]+))? *\}\}`)

// runner runs an action.
type runner struct {
	t       *testing.T
	action  *action
	folder  string                       // the workspace
	outputs map[string]map[string]string // of steps
	output  bytes.Buffer
	summary string
}

func newRunner(t *testing.T) *runner {
	if _, err := exec.LookPath("bash"); err != nil {
		t.Skip("skipped: no bash on the PATH")
	}
	return &runner{t: t, action: read(t), folder: t.TempDir(), outputs: map[string]map[string]string{}}
}

// run runs the steps that were not run before, until one fails, and returns its exit code.
func (r *runner) run(inputs map[string]string) int {
	r.t.Helper()
	given := map[string]string{}
	for name, input := range r.action.Inputs {
		given[name] = input.Default
	}
	for name := range inputs {
		if _, known := r.action.Inputs[name]; !known {
			r.t.Fatalf("the action has no input %s", name)
		}
	}
	maps.Copy(given, inputs)
	for _, s := range r.action.Runs.Steps {
		if r.outputs[s.ID] != nil {
			continue // done before
		}
		if code := r.step(&s, given); code != 0 {
			return code
		}
	}
	return 0
}

func (r *runner) step(s *step, inputs map[string]string) int {
	r.t.Helper()
	place := r.t.TempDir()
	files := map[string]string{"GITHUB_OUTPUT": filepath.Join(place, "output"), "GITHUB_STEP_SUMMARY": filepath.Join(place, "summary")}
	cmd := exec.CommandContext(r.t.Context(), "bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", s.Run)
	cmd.Dir, cmd.Stdout, cmd.Stderr = r.folder, &r.output, &r.output
	absolute, err := filepath.Abs(folder)
	if err != nil {
		r.t.Fatal(err)
	}
	cmd.Env = append(os.Environ(), "GITHUB_ACTION_PATH="+absolute, "RUNNER_TEMP="+place)
	for name, file := range files {
		cmd.Env = append(cmd.Env, name+"="+file)
	}
	for name, value := range s.Env {
		cmd.Env = append(cmd.Env, name+"="+expression.ReplaceAllStringFunc(value, func(text string) string {
			part := expression.FindStringSubmatch(text)
			if part[1] == "steps" {
				return r.outputs[part[2]][part[3]]
			}
			return inputs[part[2]]
		}))
	}
	err = cmd.Run()
	r.outputs[s.ID] = map[string]string{}
	written, _ := os.ReadFile(files["GITHUB_OUTPUT"]) // a step without outputs writes no file
	for line := range strings.Lines(string(written)) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		r.outputs[s.ID][name] = value
	}
	summary, _ := os.ReadFile(files["GITHUB_STEP_SUMMARY"]) // likewise
	r.summary += string(summary)
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode()
	}
	if err != nil {
		r.t.Fatal(err)
	}
	return 0
}

// write writes a file of the workspace.
func (r *runner) write(name, text string) {
	r.t.Helper()
	if err := os.WriteFile(filepath.Join(r.folder, name), []byte(text), 0o600); err != nil {
		r.t.Fatal(err)
	}
}

const record = `{"version":"1.100000","account_id":"111122223333","region":"eu-west-1","vpc_id":"vpc-0a1b2c3d4e5f60001",` +
	`"query_timestamp":"2026-11-01T10:00:00Z","query_name":"%s.","query_type":"A","query_class":"IN","rcode":"NOERROR",` +
	`"answers":[],"srcaddr":"10.0.1.5","srcport":"53000","transport":"UDP","srcids":{}}` + "\n"

// The command is built from the checkout.
func TestAction(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the command")
	}
	built := newRunner(t) // once for all: a build links for seconds
	if code := built.step(&built.action.Runs.Steps[0], nil); code != 0 {
		t.Fatalf("exit code %d; printed:\n%s", code, &built.output)
	}
	for _, test := range []struct {
		name     string
		inputs   map[string]string
		exit     int
		code     string // the output exit-code
		printed  string
		summary  string
		notThere string // in the summary
	}{
		{name: "a match fails the job", inputs: map[string]string{"paths": "bad logs.json\nfine.json", "feeds": "ours=list.txt"},
			exit: 3, code: "3", printed: "::error::a malicious name was found", summary: "evil.example"},
		{name: "a match is reported", inputs: map[string]string{"paths": "bad logs.json", "feeds": "list.txt", "fail-on-match": "false"},
			code: "0", summary: "evil.example"},
		{name: "an exception", inputs: map[string]string{"paths": "bad logs.json", "feeds": "list.txt", "allow": "allow.txt"}, code: "0"},
		{name: "no match", inputs: map[string]string{"paths": "fine.json\n\n", "feeds": "list.txt"}, code: "0"},
		{name: "names with markup", inputs: map[string]string{"paths": "markup.json", "feeds": "list.txt"}, exit: 3, code: "3",
			notThere: "<b>"},
		{name: "a list in order", inputs: map[string]string{"command": "lint", "paths": "list.txt"}, code: "0", summary: "list.txt"},
		{name: "a list that is refused", inputs: map[string]string{"command": "lint", "paths": "list.txt\npage.html"},
			exit: 1, code: "1", printed: "::error::resolverwatch lint ended with exit code 1", summary: "page.html"},
		{name: "a path like a flag", inputs: map[string]string{"command": "lint", "paths": "--help"}, exit: 1, code: "1"},
		{name: "no list", inputs: map[string]string{"paths": "fine.json"}, exit: 2, code: "2"},
		{name: "another command", inputs: map[string]string{"command": "publish", "paths": "x"}, exit: 2, printed: "::error::the input command is neither"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newRunner(t)
			r.outputs["get"] = built.outputs["get"]
			r.write("list.txt", "evil.example\nworse.example\n")
			r.write("allow.txt", "evil.example\n")
			r.write("page.html", "<!DOCTYPE html><html><body>Not found</body></html>\n")
			r.write("bad logs.json", fmt.Sprintf(record, "www.evil.example"))
			r.write("fine.json", fmt.Sprintf(record, "fine.example"))
			r.write("markup.json", fmt.Sprintf(record, "<b>x.evil.example"))
			if exit := r.run(test.inputs); exit != test.exit || r.outputs["run"]["exit-code"] != test.code {
				t.Errorf("exit code %d and output %q, want %d and %q", exit, r.outputs["run"]["exit-code"], test.exit, test.code)
			}
			if !strings.Contains(r.output.String(), test.printed) || !strings.Contains(r.summary, test.summary) ||
				test.notThere != "" && strings.Contains(r.summary, test.notThere) {
				t.Errorf("printed:\n%s\nsummary:\n%s", &r.output, r.summary)
			}
		})
	}
}

// An archive is run only if it has the checksum that the workflow names.
func TestAction_archive(t *testing.T) {
	archive := packed(t, "#!/bin/sh\necho ran \"$@\"\n")
	sum := fmt.Sprintf("%x", sha256.Sum256(archive))
	for _, test := range []struct {
		name, sha256 string
		exit         int
		printed      string
	}{
		{"the checksum", sum, 0, "ran scan -o summary --fail-on-match --feed=list.txt -- logs"},
		{"another checksum", strings.Repeat("0", 64), 1, "has the SHA-256 checksum " + sum},
		{"no checksum", "", 2, "the input sha256 is missing"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newRunner(t)
			r.write("archive.tar.gz", string(archive))
			exit := r.run(map[string]string{"paths": "logs", "feeds": "list.txt", "sha256": test.sha256,
				"archive": "file://" + filepath.Join(r.folder, "archive.tar.gz")})
			if exit != test.exit || !strings.Contains(r.output.String(), test.printed) {
				t.Errorf("exit code %d, want %d; printed:\n%s", exit, test.exit, &r.output)
			}
			if test.exit != 0 && strings.Contains(r.output.String(), "ran scan") {
				t.Error("the command ran")
			}
		})
	}
}

// packed returns an archive as `make release` builds them, with a script as the command.
func packed(t *testing.T, script string) []byte {
	t.Helper()
	var out bytes.Buffer
	packer := gzip.NewWriter(&out)
	archive := tar.NewWriter(packer)
	for name, text := range map[string]string{"resolverwatch": script, "README.md": "read me"} {
		header := &tar.Header{Typeflag: tar.TypeReg, Name: "resolverwatch_v1_linux_amd64/" + name, Mode: 0o755, Size: int64(len(text))}
		if err := archive.WriteHeader(header); err != nil {
			t.Fatal(err)
		}
		if _, err := archive.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(archive.Close(), packer.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
