package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	runtime "github.com/aws/aws-lambda-go/lambda"

	"github.com/resolverwatch/resolverwatch/internal/localaws"
	"github.com/resolverwatch/resolverwatch/internal/localaws/sample"
	"github.com/resolverwatch/resolverwatch/internal/report"
)

// TestMain lets the test binary act as a transformer that marks nothing, which the demo must
// detect.
func TestMain(m *testing.M) {
	if os.Getenv("AWS_LAMBDA_FUNCTION_NAME") == localaws.Transformer {
		runtime.Start(passThrough)
	}
	code := m.Run()
	if !testing.Short() {
		if built, err := buildOnce(); err == nil {
			built.Remove()
		}
	}
	os.Exit(code)
}

// buildOnce builds the real functions.
var buildOnce = sync.OnceValues(func() (*Binaries, error) {
	root, err := sourceFolder()
	if err != nil {
		return nil, err
	}
	return buildBinaries(context.Background(), Options{Stderr: io.Discard}, root)
})

func passThrough(_ context.Context, event json.RawMessage) (any, error) {
	var in struct {
		Records []map[string]any `json:"records"`
	}
	err := json.Unmarshal(event, &in)
	for _, record := range in.Records {
		record["result"] = "Ok"
	}
	return in, err
}

// functions returns the real functions.
func functions(t *testing.T) *Binaries {
	t.Helper()
	if testing.Short() {
		t.Skip("builds the functions and waits for buffers; run without -short")
	}
	built, err := buildOnce()
	if err != nil {
		t.Fatal(err)
	}
	return built
}

func TestRun(t *testing.T) {
	t.Parallel()
	built := functions(t)
	folder := t.TempDir()
	var printed, progress bytes.Buffer
	err := Run(t.Context(), Options{Out: folder, Records: 1500, Seed: 3, ImporterBinary: built.Importer, TransformerBinary: built.Transformer,
		Stdout: &printed, Stderr: &progress, buffer: 1})
	if err != nil {
		t.Fatalf("%v\n%s", err, &progress)
	}
	for _, want := range []string{"malware-hosts", "beacon.botnet.example", "loader.example is added to botnet-c2: index generation 5", "query x9.beacon.botnet.example.",
		"hunt --local " + filepath.ToSlash(folder) + " --since 20", "--report found.html", `deploy it: see "In AWS" in the README`} {
		if !strings.Contains(printed.String(), want) {
			t.Errorf("the report has no %q:\n%s", want, &printed)
		}
	}
	for _, pattern := range []string{"resolverwatch-logs/dns-query-logs/*/*/*/*.json.gz", "resolverwatch-logs/delivery-failures/processing-failed/*/*/*/*.json.gz",
		"resolverwatch-index/index/CURRENT", "resolverwatch-index/index/*.rwx", "resolverwatch-lists/feeds/botnet-c2/indicators.csv",
		"resolverwatch-lists/reports/phishing/*.txt", "query-logs.jsonl", "functions/resolverwatch-importer.log"} {
		if found, err := filepath.Glob(filepath.Join(folder, pattern)); err != nil || len(found) == 0 {
			t.Errorf("no file %s", pattern)
		}
	}
}

// The demo detects a transformer that marks nothing.
func TestRun_wrongMarks(t *testing.T) {
	t.Parallel()
	built := functions(t)
	fake, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	err = Run(t.Context(), Options{Out: t.TempDir(), Records: 50, ImporterBinary: built.Importer, TransformerBinary: fake,
		Stdout: io.Discard, Stderr: io.Discard, buffer: 1})
	if err == nil || !strings.Contains(err.Error(), "checking the delivered records") {
		t.Errorf("got %v, want an error about wrong records", err)
	}
}

// With Keep, the demo runs until it is interrupted, which is not an error.
func TestRun_keep(t *testing.T) {
	t.Parallel()
	built := functions(t)
	ctx, interrupt := context.WithCancel(t.Context())
	reader, report := io.Pipe()
	var done = make(chan error, 1)
	go func() {
		done <- Run(ctx, Options{Out: t.TempDir(), Records: 50, Keep: true, ImporterBinary: built.Importer, TransformerBinary: built.Transformer,
			Stdout: report, Stderr: io.Discard, buffer: 1})
		report.Close()
	}()
	var printed bytes.Buffer
	for buf := make([]byte, 4096); !strings.Contains(printed.String(), "Ctrl-C"); {
		n, err := reader.Read(buf)
		printed.Write(buf[:n])
		if err != nil {
			t.Fatalf("%v after %s", <-done, &printed)
		}
	}
	if !strings.Contains(printed.String(), "export AWS_ENDPOINT_URL=http://127.0.0.1:") {
		t.Errorf("no endpoint in %s", &printed)
	}
	interrupt()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestRun_interrupted(t *testing.T) {
	t.Parallel()
	built := functions(t)
	ctx, interrupt := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer interrupt()
	begin := time.Now()
	err := Run(ctx, Options{Out: t.TempDir(), ImporterBinary: built.Importer, TransformerBinary: built.Transformer,
		Stdout: io.Discard, Stderr: io.Discard})
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) > closeLimit {
		t.Errorf("got %v after %v", err, time.Since(begin))
	}
}

func TestFindBinaries(t *testing.T) {
	t.Parallel()
	given, err := FindBinaries(t.Context(), Options{ImporterBinary: "i", TransformerBinary: "t"})
	if err != nil || given.Importer != "i" || given.Transformer != "t" {
		t.Errorf("got %+v, %v", given, err)
	}
	if _, err := FindBinaries(t.Context(), Options{ImporterBinary: "i"}); err == nil {
		t.Error("a single binary was accepted")
	}
}

// docs/demo.md shows the output of the demo. The number and size of the files, and times, depend on
// the clock, so they are not compared.
func TestReadme(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/demo.md")
	if err != nil {
		t.Fatal(err)
	}
	_, shown, found := strings.Cut(string(text), "\n```\n2. Query logs")
	if !found {
		t.Fatal("docs/demo.md does not show the report")
	}
	shown, _, _ = strings.Cut("2. Query logs"+shown, "\n```\n")
	clock := regexp.MustCompile(`in \d+ files, \d+ KiB|\d{4}-\d\d-\d\d \d\d:\d\d`)
	printed := strings.Split(clock.ReplaceAllString(defaultReport(), "..."), "\n")
	at := 0
	for _, line := range strings.Split(clock.ReplaceAllString(shown, "..."), "\n") {
		if strings.TrimSpace(line) == "..." {
			continue // the page leaves out lines here
		}
		next := slices.IndexFunc(printed[at:], func(p string) bool { return strings.TrimRight(p, " ") == line })
		if next < 0 {
			t.Fatalf("the demo does not print %q; the rest of its output is:\n%s", line, strings.Join(printed[at:], "\n"))
		}
		at += next + 1
	}
}

// defaultReport returns the report about query logs, and about a name that enters a list, of a demo with
// the default options.
func defaultReport() string {
	var out bytes.Buffer
	d := &demo{Options: Options{Stdout: &out}, ledger: sample.NewLedger(), generator: sample.New(0, time.Unix(0, 0))}
	f := &findings{marked: map[string]sample.MarkedRecord{}, failed: map[string]int{}}
	for _, record := range makeRecords(d.generator, DefaultRecords) {
		d.ledger.Add(&record)
		if record.Failed != "" {
			f.failed[record.Failed]++
		}
	}
	for key, line := range d.ledger.Lines {
		f.marked[key] = sample.MarkedRecord{}
		if line.Want.Verdict == sample.Malicious {
			f.addSighting(line.Host, line.Want.Indicator, strings.Join(line.Want.Feeds, ", "))
		}
	}
	f.verdicts, f.dropped = d.ledger.Verdicts(), d.ledger.Dropped
	f.sort()
	d.reportLogs(f)

	host := d.generator.QuietHost()
	late := report.Early{Address: host.SrcAddr, Instance: host.Instance, VPC: host.VPCID, Indicator: sample.LateName, Queries: countLate(d.ledger)}
	(&entered{generation: 5, found: []report.Early{late}}).report(d)
	return out.String()
}

// The demo notices if the hunt finds another host, or not all queries.
func TestCheckFound(t *testing.T) {
	t.Parallel()
	generator, ledger := sample.New(0, time.Unix(0, 0)), sample.NewLedger()
	for _, record := range makeRecords(generator, 100) {
		ledger.Add(&record)
	}
	host, late := generator.QuietHost(), countLate(ledger)
	good := report.Early{Address: host.SrcAddr, Queries: late, Unmarked: late}
	if good.Queries < 2 {
		t.Errorf("%d records ask for the name that enters a list", good.Queries)
	}
	other, few, marked := good, good, good
	other.Address, few.Queries, marked.Unmarked = "10.0.0.10", 1, 0
	for name, test := range map[string]struct {
		found []report.Early
		ok    bool
	}{
		"as sent":        {[]report.Early{good}, true},
		"nothing":        {nil, false},
		"two hosts":      {[]report.Early{good, other}, false},
		"another host":   {[]report.Early{other}, false},
		"a query less":   {[]report.Early{few}, false},
		"marked already": {[]report.Early{marked}, false},
	} {
		if err := checkFound(test.found, host, late); (err == nil) != test.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}
