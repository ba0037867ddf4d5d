package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/resolverwatch/resolverwatch/test/records/check"
	"github.com/resolverwatch/resolverwatch/test/records/generate"
)

// transformer builds the transformer once, in a folder that TestMain removes.
var transformer = sync.OnceValues(func() (string, error) {
	binary := filepath.Join(folder, "bootstrap")
	return binary, buildTransformer(context.Background(), binary)
})

var folder string

func TestMain(m *testing.M) {
	var err error
	if folder, err = os.MkdirTemp("", "records"); err != nil {
		panic(err)
	}
	status := m.Run()
	_ = os.RemoveAll(folder) // a temporary folder
	os.Exit(status)
}

func TestRun(t *testing.T) {
	t.Parallel()
	report := runRecords(t, 3, nil) // three rounds have all faults
	if report.err != nil || report.Records < 2000 || report.Counts.Malicious == 0 || report.Counts.NoRoom == 0 ||
		report.Counts.Failed == 0 || report.Counts.Allowed == 0 || report.Counts.AlreadyMarked == 0 {
		t.Errorf("%+v: %v", report.Report, report.err)
	}
	if a := report.Alerts; a.Faults == 0 || a.Requests == a.Faults || a.Rows == 0 || a.Records < a.Rows {
		t.Errorf("alerts: %+v", a)
	}
	for _, f := range storeFaults {
		if !slices.ContainsFunc(report.Parts, func(p Part) bool { return p.Name == f.name && p.Records > 0 }) {
			t.Errorf("no records while %s", f.name)
		}
	}
}

type outcome struct {
	*Report
	err error
}

// runRecords streams some thousand records.
func runRecords(t *testing.T, rounds int, sabotage func([]check.Record, []byte) []byte) outcome {
	t.Helper()
	if testing.Short() {
		t.Skip("builds the transformer and waits for it to poll")
	}
	binary, err := transformer()
	if err != nil {
		t.Fatal(err)
	}
	report, err := run(t.Context(), Options{Binary: binary, Count: 2000, Seed: 1, First: 1, Rounds: rounds, sabotage: sabotage})
	return outcome{report, err}
}

// A transformer that does something wrong in one of some thousand records is found.
func TestRun_sabotage(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		do   func([]answer) []answer
		want string
	}{
		{"a malicious record is clean", replaceOnce(`"verdict":"malicious","index_generation":1,`, `"verdict":"clean","index_generation":1,`), "verdict is"},
		{"a clean record is malicious", replaceOnce(`"verdict":"clean","index_generation":1}`, `"verdict":"malicious","index_generation":1}`), "verdict is"},
		{"a stale index calls a record clean", replaceOnce(`"unknown","verdict_reason":"stale_index"`, `"clean"`), "verdict is"},
		{"without an index a record is clean", replaceOnce(`"unknown","verdict_reason":"no_index"`, `"clean"`), "verdict is"},
		{"a byte is changed", replaceOnce(`"srcport":"1`, `"srcport":"2`), "bytes of the object"},
		{"a byte is lost", replaceOnce(`"UDP"`, `"UD"`), "bytes of the object"},
		{"another feed", replaceOnce(`"feeds":["malware"]`, `"feeds":["phishing"]`), "threat.feeds"},
		{"another severity", replaceOnce(`"severity":"high"`, `"severity":"low"`), "threat.severity"},
		{"another part", replaceOnce(`"part":"answers[0]"`, `"part":"answers[1]"`), "threat.part"},
		{"a record is lost", func(a []answer) []answer { return a[:len(a)-min(1, len(a))] }, "answers to"},
		{"a record is there twice", func(a []answer) []answer { return append(a, a[:min(1, len(a))]...) }, "answers to"},
		{"two records are swapped", swapTwo, "answer is for the id"},
		{"a record fails without need", failOne, "not Ok"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := runRecords(t, 1, sabotaged(tt.do))
			if got.err == nil || !strings.Contains(got.err.Error(), tt.want) {
				t.Errorf("got %v, want an error with %q", got.err, tt.want)
			}
		})
	}
}

// answer is an answer as a saboteur sees it.
type answer struct {
	RecordID string `json:"recordId"`
	Result   string `json:"result"`
	Data     []byte `json:"data"`
}

// sabotaged lets do change the answers of each response.
func sabotaged(do func([]answer) []answer) func([]check.Record, []byte) []byte {
	return func(_ []check.Record, response []byte) []byte {
		var r struct {
			Records []answer `json:"records"`
		}
		if err := json.Unmarshal(response, &r); err != nil {
			return []byte(err.Error())
		}
		if r.Records = do(r.Records); r.Records == nil {
			r.Records = []answer{}
		}
		for i := range r.Records {
			if r.Records[i].Data == nil {
				r.Records[i].Data = []byte{}
			}
		}
		changed, err := json.Marshal(r)
		if err != nil {
			return []byte(err.Error())
		}
		return changed
	}
}

// replaceOnce replaces text in the first answer of a run that has it.
func replaceOnce(old, replacement string) func([]answer) []answer {
	done := false
	return func(answers []answer) []answer {
		for i := range answers {
			if !done && bytes.Contains(answers[i].Data, []byte(old)) {
				answers[i].Data = bytes.Replace(answers[i].Data, []byte(old), []byte(replacement), 1)
				done = true
			}
		}
		return answers
	}
}

func swapTwo(answers []answer) []answer {
	if len(answers) > 1 {
		answers[0], answers[1] = answers[1], answers[0]
	}
	return answers
}

func failOne(answers []answer) []answer {
	for i := range answers {
		if answers[i].Result == "Ok" {
			answers[i].Result, answers[i].Data = "ProcessingFailed", nil
			return answers
		}
	}
	return answers
}

// The same seed makes the same records, whatever records were made before.
func TestGenerator(t *testing.T) {
	t.Parallel()
	const first = 4990
	a, b := generate.New(3, 1), generate.New(3, first)
	records := a.Batch(5000)
	for i, record := range records {
		if text, err := base64.StdEncoding.DecodeString(record.Data); err == nil && len(text) > 1<<20 {
			t.Errorf("record %d has %d bytes, more than Firehose takes", i+1, len(text))
		}
	}
	if got, want := b.Batch(11), records[first-1:]; !slices.Equal(got, want) {
		t.Errorf("from record %d: %+v, then %+v", first, want, got)
	}
	if got, want := generate.New(3, 5001).Large()[0], a.Large()[0]; got != want {
		t.Errorf("the first record of a large event: %+v, then %+v", want, got)
	}
}

// A memory that grows with the records is found.
func TestReport_checkMemory(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name        string
		first, last Memory
		peak        float64
		fails       bool
	}{
		{"flat", Memory{10, 60, 90}, Memory{100, 62, 100}, 100, false},
		{"falls", Memory{10, 60, 90}, Memory{100, 20, 50}, 100, false},
		{"grows", Memory{10, 60, 90}, Memory{100, 150, 150}, 160, true},
		{"the peaks grow", Memory{10, 60, 90}, Memory{100, 60, 170}, 170, true},
		{"peak", Memory{10, 60, 90}, Memory{100, 60, 90}, 300, true},
		{"not measured", Memory{Percent: 10}, Memory{Percent: 100}, 0, false},
	} {
		r := Report{Memory: []Memory{tt.first, tt.last}, PeakMiB: tt.peak}
		if err := r.checkMemory(); (err != nil) != tt.fails {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}
