package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A figure with a goal says whether it is met and how far from it, in the table and as JSON.
func TestReport(t *testing.T) {
	var out bytes.Buffer
	path := filepath.Join(t.TempDir(), "bench.json")
	r, err := newReport(&out, path)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		report func()
		end    string // of the line in the table
		json   string // the line without the measure and the unit
	}{
		{func() { r.info("names", 3, "") }, "3", `"value":3,"goal":null,"met":null`},
		{func() { r.atMost("scan", 1.2, "x", 1) }, "goal 1        MISSED by 20 %", `"value":1.2,"goal":1,"met":false,"distance":20`},
		{func() { r.atMost("scan", 0.5, "x", 2) }, "goal 2        met by 75 %", `"value":0.5,"goal":2,"met":true,"distance":-75`},
		{func() { r.atLeast("speed", 3, "x", 4) }, "goal 4        MISSED by 25 %", `"value":3,"goal":4,"met":false,"distance":25`},
		{func() { r.atLeast("speed", 5, "x", 4) }, "goal 4        met by 25 %", `"value":5,"goal":4,"met":true,"distance":-25`},
		{func() { r.atMost("rows", 0, "", 0) }, "goal 0        met", `"value":0,"goal":0,"met":true`},
		{func() { r.atMost("rows", 2, "", 0) }, "goal 0        MISSED", `"value":2,"goal":0,"met":false`},
	} {
		out.Reset()
		test.report()
		if line := strings.TrimSpace(out.String()); !strings.HasSuffix(line, test.end) {
			t.Errorf("the table has %q, want %q at its end", line, test.end)
		}
		if got := lastLine(t, path); got != test.json {
			t.Errorf("the JSON is %s, want %s", got, test.json)
		}
	}
}

// lastLine returns the last measure in a file, without its words.
func lastLine(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	var m struct {
		Value    json.RawMessage `json:"value"`
		Goal     json.RawMessage `json:"goal"`
		Met      json.RawMessage `json:"met"`
		Distance json.RawMessage `json:"distance,omitempty"`
	}
	if err := json.Unmarshal(lines[len(lines)-1], &m); err != nil {
		t.Fatal(err)
	}
	got, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Trim(string(got), "{}")
}
