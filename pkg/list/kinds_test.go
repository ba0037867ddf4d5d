package list_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/resolverwatch/resolverwatch/pkg/feed"
	"github.com/resolverwatch/resolverwatch/pkg/list"
)

// The names of the reasons in a report are ours: no text of a list becomes part of them, and
// there are at most 64, however hostile the list is.
func TestReport_kindsAreOurs(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	secret := func() string { // a text that no reason of ours has
		return fmt.Sprintf("q%dz%s", r.IntN(1<<30), strings.Repeat("q", r.IntN(9)))
	}
	const rows = 2_000
	lists := map[feed.Format]func() string{
		feed.Plain:   func() string { return secret() + ": " + secret() + "\n" },
		feed.Hosts:   func() string { return "0.0.0.0 " + secret() + "`\"'..x\n" },
		feed.Adblock: func() string { return "||" + secret() + "..x^\n" },
		feed.Dnsmasq: func() string { return secret() + "=/a.example/" + secret() + "\n" },
		feed.Unbound: func() string { return secret() + ": \"" + secret() + "\"\n" },
		feed.BIND:    func() string { return "zone \"" + secret() + "..x\" { type master; };\n" },
		feed.RPZ:     func() string { return secret() + ".. CNAME .\n32." + secret() + ".rpz-ip CNAME .\n" },
		feed.CSV:     func() string { return "xn--" + secret() + ": \x80..x," + secret() + "\n" },
	}
	for _, format := range feed.Formats() {
		row := lists[format]
		if row == nil {
			continue
		}
		text := "a.example\n"
		if format == feed.CSV {
			text = "domain,category\na.example,b\n"
		}
		for range rows {
			text += row()
		}
		checkKinds(t, string(format), text, list.Options{Format: format})
	}

	objects := map[feed.Format]func() string{
		feed.STIX: func() string {
			return fmt.Sprintf(`{"type":"indicator","pattern_type":"stix","pattern":%q},
				{"type":"indicator","pattern":"[domain-name:value %s 'x']"},
				{"type":"indicator","pattern":"x","%[2]s: ":1,"pattern":"y"}`, secret(), secret())
		},
		feed.JSON: func() string {
			return fmt.Sprintf(`{"domain":"a.example","domain":"%s"},{"domain":{"%s":1}},{"domain":"%[1]s: ..x"}`, secret(), secret())
		},
	}
	for format, object := range objects {
		var all []string
		for range rows {
			all = append(all, object())
		}
		text := "[" + strings.Join(all, ",") + "]"
		if format == feed.STIX {
			text = `{"type":"bundle","objects":` + text + "}"
		}
		checkKinds(t, string(format), text, list.Options{Format: format})
	}
}

func checkKinds(t *testing.T, name, text string, options list.Options) {
	t.Helper()
	var report list.Report
	_, summary, err := list.Read(strings.NewReader(text), options, defaultGuards(), report.Hooks())
	report.AddSummary(&summary)
	if report.Rejected == 0 {
		t.Errorf("%s: nothing was rejected, error %v", name, err)
	}
	total := 0
	for kind, n := range report.Rejects {
		total += n
		if strings.Contains(kind, "qq") || strings.ContainsFunc(kind, func(r rune) bool { return r > '~' || r < ' ' }) || strings.Contains(kind, "z") && strings.Contains(kind, "q") {
			t.Errorf("%s: a reason has text of the list: %q", name, kind)
		}
	}
	if total != report.Rejected || len(report.Rejects) > 20 {
		t.Errorf("%s: %d of %d in %d reasons", name, total, report.Rejected, len(report.Rejects))
	}
	if size := len(report.JSON()); size > 64<<10 {
		t.Errorf("%s: the report has %d KiB", name, size>>10)
	}
}

type oddError int

func (e oddError) Error() string { return fmt.Sprintf("odd reason %d", int(e)) }

// If a reader breaks the rule after all, the report stays short and counts every line.
func TestReport_otherKinds(t *testing.T) {
	t.Parallel()
	var report list.Report
	hooks := report.Hooks()
	for i := range 1_000 {
		hooks.OnReject(feed.LineError{Line: i, Err: oddError(i)})
	}
	if len(report.Rejects) != 64 || report.Rejects["other"] != 1_000-63 {
		t.Errorf("%d reasons, other: %d", len(report.Rejects), report.Rejects["other"])
	}
	if slices.Contains([]int{0}, report.Rejects["odd reason 0"]) {
		t.Error("the first reason is not named")
	}
}
