package list_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"github.com/resolverwatch/resolverwatch/pkg/list"
)

// A report shows what a list, a key or a reason says, and no terminal obeys it. The JSON of the
// report has the same meaning as before.
func TestReport_hostileText(t *testing.T) {
	t.Parallel()
	const hostile = "x\x1b[31m\u009b2J\u202e\x7f\u200by"
	report := list.Report{
		Feed:          "f",
		Key:           "feeds/f/" + hostile,
		Version:       hostile,
		Force:         hostile,
		Refusals:      list.Refusals{{Code: list.RefusedUnreadable, What: hostile, Where: hostile, Todo: hostile}},
		Rejects:       map[string]int{hostile: 1},
		RejectedLines: []list.SampleLine{{Line: 1, Text: hostile, Why: hostile}},
	}
	for name, text := range map[string]string{"text": string(report.Text()), "JSON": string(report.JSON())} {
		if i := strings.IndexFunc(text, func(r rune) bool { return r != '\n' && r != '\t' && unicode.In(r, unicode.C) }); i >= 0 {
			t.Errorf("%s has %q", name, text[i:])
		}
	}
	var decoded list.Report
	if err := json.Unmarshal(report.JSON(), &decoded); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(report.RejectedLines, decoded.RejectedLines); diff != "" || decoded.Key != report.Key {
		t.Errorf("key %q, lines (-want +got):\n%s", decoded.Key, diff)
	}
}
