//go:build e2e

package e2e_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/resolverwatch/resolverwatch/internal/localaws/sample"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// TestTemplate deploys the published template with the commands of docs/template.md, drives
// the deployment, updates it, deploys a second stack next to it, and deletes the second
// stack.
func TestTemplate(t *testing.T) {
	folder, r := filepath.Join(output(t), "template"), &report{}
	check(t, os.MkdirAll(folder, 0o755))
	defer func() { r.write(t, filepath.Join(output(t), "report-template.txt")) }()
	r.titlef("The published template, deployed to an emulator of AWS with the commands of its documentation")
	e := startEmulator(t, filepath.Join(folder, "moto.log"))
	p := newPublished(t, e, folder)

	r.stage(t, "make template", func(t *testing.T) { r.detailf("%s", strings.Join(p.make(t), ", ")) })
	r.stage(t, "upload", func(t *testing.T) { p.follow(t, shellUpload) })
	r.stage(t, "deploy", func(t *testing.T) { p.follow(t, shellDeploy) })
	var d *deployed
	r.stage(t, "read back", func(t *testing.T) {
		d = p.read(t, firstStack)
		r.detailf("%s", d.inventory())
	})
	r.part(t, "compare the code", func(t *testing.T) { p.checkCode(t, d) })
	s := &story{deployed: d, generator: sample.New(1, time.Now().Add(-time.Hour)), ledger: sample.NewLedger(), guest: &guest{}}
	if driven := t.Run("drive", func(t *testing.T) { s.drive(t, r) }); !driven {
		return
	}
	r.stage(t, "update", func(t *testing.T) { d = p.update(t, d) })
	r.stage(t, "mark after the update", func(t *testing.T) { p.markOwnFeed(t, s, d) })

	var second *deployed
	r.stage(t, "deploy a second stack", func(t *testing.T) { second = p.deploySecond(t, d) })
	r.stage(t, "delete the second stack", func(t *testing.T) {
		p.follow(t, removal)
		r.detailf("retained, with their content: %s", strings.Join(second.checkDestroyed(t), ", "))
	})
	r.part(t, "the emulator's log", func(t *testing.T) {
		for _, problem := range e.problems(t) {
			t.Errorf("reports problems:\n%s", problem)
		}
	})
}

// Names in the commands of the documentation.
const (
	firstStack  = "resolverwatch"
	secondStack = "resolverwatch-lab"
)

// published is the template as deployed by somebody who follows its documentation.
type published struct {
	e          *emulator
	folder     string // dist/ is under it
	vpc, other string
	commands   map[documented]string
}

// documented is a block of commands in docs/template.md: its section, and its number within
// the section.
type documented struct {
	section string
	number  int
}

// The blocks that the test runs.
var (
	shellUpload = documented{"From a shell", 1}
	shellDeploy = documented{"From a shell", 2}
	shellList   = documented{"From a shell", 3}
	shellUpdate = documented{"From a shell", 4}
	shellSecond = documented{"From a shell", 5}
	feedSetting = documented{"What is fixed", 0}
	removal     = documented{"Removal", 0}
)

var shellBlock = regexp.MustCompile("(?ms)^```sh\n(.*?)^```$")

func newPublished(t *testing.T, e *emulator, folder string) *published {
	t.Helper()
	p := &published{e: e, folder: folder, vpc: e.newVPC(t, "10.1.0.0/16"), other: e.newVPC(t, "10.2.0.0/16"),
		commands: map[documented]string{}}
	text := string(readFile(t, filepath.Join(root(t), "docs", "template.md")))
	for _, part := range strings.Split("\n"+text, "\n## ")[1:] {
		heading, body, _ := strings.Cut(part, "\n")
		for i, block := range shellBlock.FindAllStringSubmatch(body, -1) {
			p.commands[documented{heading, i}] = block[1]
		}
	}
	return p
}

// make builds the files as `make template` does, and returns their names.
func (p *published) make(t *testing.T) (names []string) {
	t.Helper()
	dist := filepath.Join(p.folder, "dist")
	command := exec.Command("go", "run", "./infra/template/publish", "-out", dist)
	command.Dir = root(t)
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	files, err := os.ReadDir(dist)
	check(t, err)
	for _, file := range files {
		names = append(names, file.Name())
	}
	sums := exec.Command("sha256sum", "-c", "SHA256SUMS")
	sums.Dir = dist
	if out, err := sums.CombinedOutput(); err != nil {
		t.Errorf("the checksums are wrong: %v\n%s", err, out)
	}
	return names
}

// follow runs a block of commands in a shell, with the real AWS command line.
func (p *published) follow(t *testing.T, block documented) string {
	t.Helper()
	commands, found := p.commands[block]
	if !found {
		t.Fatalf("docs/template.md has no block %d of commands in %q", block.number, block.section)
	}
	shell := exec.Command("sh", "-e", "-u", "-c", commands)
	shell.Dir = p.folder
	shell.Env = []string{"PATH=" + filepath.Dir(needed(t, "E2E_PYTHON")) + ":" + os.Getenv("PATH"), "HOME=" + p.folder,
		// The emulator finds a template in a bucket only under the name "localhost".
		"AWS_ENDPOINT_URL=" + strings.Replace(p.e.URL.String(), "127.0.0.1", "localhost", 1),
		"AWS_ACCESS_KEY_ID=OWNER", "AWS_SECRET_ACCESS_KEY=local", "AWS_EC2_METADATA_DISABLED=true",
		"AWS_CONFIG_FILE=" + os.DevNull, "AWS_SHARED_CREDENTIALS_FILE=" + os.DevNull,
		"AWS_REGION=" + region, "BUCKET=resolverwatch-code", "VPC=" + p.vpc, "OTHER_VPC=" + p.other}
	out, err := shell.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n$ %s\n%s", block.section, err, commands, out)
	}
	return string(out)
}

// read reads a stack of the template.
func (p *published) read(t *testing.T, stack string) *deployed {
	t.Helper()
	return read(t, p.e, variant{name: "template", stack: stack, rating: " medium 50",
		listKey: "config/all-malicious-domains.txt", settings: map[string]any{}}, p.folder)
}

// checkCode checks that the functions run the code in the zip files, and that this tree
// builds the same code.
func (p *published) checkCode(t *testing.T, d *deployed) {
	t.Helper()
	for name, c := range d.functions() {
		found, err := filepath.Glob(filepath.Join(p.folder, "dist", name+"-*.zip"))
		check(t, err)
		if len(found) != 1 {
			t.Fatalf("zip files of the %s: %q", name, found)
		}
		packed := readFile(t, found[0])
		sum := sha256.Sum256(packed)
		if want := fmt.Sprintf("%s-%x.zip", name, sum); filepath.Base(found[0]) != want {
			t.Errorf("the zip file is %s, want %s", filepath.Base(found[0]), want)
		}
		if want := base64.StdEncoding.EncodeToString(sum[:]); c.CodeSha256 != want {
			t.Errorf("%s: Lambda has code with the hash %s, want %s", name, c.CodeSha256, want)
		}
		if fresh := d.build(t, name, "linux", "arm64"); !bytes.Equal(readFile(t, fresh), unzip(t, packed, "bootstrap")) {
			t.Errorf("%s: the program in the zip file is not the one that this tree builds", name)
		}
	}
}

// update changes parameters. No resource is replaced except the association, whose VPC is a
// different one.
func (p *published) update(t *testing.T, before *deployed) *deployed {
	t.Helper()
	p.follow(t, shellUpdate)
	after := p.read(t, firstStack)
	if got := after.transformer.MemorySize; got != 512 {
		t.Errorf("after the update, the transformer has %d MiB, want 512", got)
	}
	for _, was := range before.resources {
		if !slices.Contains(after.resources, was) && !strings.HasSuffix(was.kind, "ConfigAssociation") {
			t.Errorf("%s %s was replaced or is gone: %s", was.kind, was.logical, was.id)
		}
	}
	if got, want := len(after.resources), len(before.resources); got != want {
		t.Errorf("%d resources after the update, %d before", got, want)
	}
	return after
}

// markOwnFeed uploads the list in the documentation to a feed with settings created by
// hand, and checks that records are marked with both.
func (p *published) markOwnFeed(t *testing.T, s *story, d *deployed) {
	t.Helper()
	m := startMachine(t, d)
	p.follow(t, feedSetting)
	if out := p.follow(t, shellList); !strings.Contains(out, d.outputs["ListBucketName"]) {
		t.Errorf("the outputs are not shown:\n%s", out)
	}
	key := settings.BlockPrefix + "my-feed/list.txt"
	m.deliver(t, objectEvent("Object Created", d.outputs["ListBucketName"], key, ""), key)
	m.settle(t)

	record := s.generator.Ask("www.evil.example.", sample.Want{Verdict: sample.Malicious, Indicator: "evil.example",
		Part: "query_name", Feeds: []string{"my-feed"}})
	m.send(t, s.ledger, []sample.Record{record})
	m.checkRating(t, m.audit(t, s.ledger), "my-feed", "phishing high 50")
	m.reportOnly(t, "evil.example")
}

// deploySecond deploys the template again, and checks that the two stacks have nothing in
// common.
func (p *published) deploySecond(t *testing.T, first *deployed) *deployed {
	t.Helper()
	p.follow(t, shellSecond)
	second := p.read(t, secondStack)
	if status, reasons := p.e.status(t, secondStack); status != "CREATE_COMPLETE" {
		t.Fatalf("the second stack is %s:\n%s", status, reasons)
	}
	p.checkCode(t, second)
	for key, want := range map[string]string{"DatabaseName": "resolverwatch_lab", "WorkGroupName": secondStack} {
		if got := second.outputs[key]; got != want {
			t.Errorf("%s of the second stack is %q, want %q", key, got, want)
		}
	}
	for _, one := range first.resources {
		for _, other := range second.resources {
			if one.kind == other.kind && one.id == other.id && one.kind != "AWS::Glue::Table" { // each database has its own tables
				t.Errorf("both stacks have the %s %s", one.kind, one.id)
			}
		}
	}
	again := p.read(t, firstStack)
	if !slices.Equal(again.resources, first.resources) {
		t.Errorf("the first stack has changed:\ngot  %v\nwant %v", again.resources, first.resources)
	}
	return second
}
