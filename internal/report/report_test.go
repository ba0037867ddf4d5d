package report_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/resolverwatch/resolverwatch/internal/report"
)

var monday = time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)

// found returns the content of a report with matches, all by attackers who know HTML.
func found(matches int) *report.Data {
	const hostile = `<script>alert(1)</script>"'><img src=https://evil.example/x>` + "\x1b[31m\u202e"
	d := &report.Data{
		Title: "Malicious DNS queries", Version: "test", At: monday, Sources: []string{"logs " + hostile}, Lists: []string{"list.txt"},
		Records: 3 * matches, Verdict: report.Counts{Malicious: matches, Clean: 2 * matches},
		Reasons: []report.Reason{{Name: "no_index", Records: 3}},
	}
	for hour := range 7 * 24 {
		d.Hours = append(d.Hours, report.Hour{Start: monday.Add(time.Duration(hour) * time.Hour), Counts: report.Counts{Clean: 900 + hour, Malicious: hour % 5}})
	}
	for i := range matches {
		at := monday.Add(time.Duration(i%168) * time.Hour)
		address, value, severity := fmt.Sprintf("10.0.%d.%d", i/250%250, i%250), fmt.Sprintf("n%d.evil.example", i), []string{"low", "medium", "high", "critical"}[i%4]
		d.Hosts = append(d.Hosts, report.Host{
			Address: address, VPC: "vpc-0a1b2c3d4e5f60001", Account: "111122223333", Instance: "i-000000000abcde001", Severity: severity,
			Indicators: 1, Queries: i + 1, First: at, Last: at, Hours: []int{i % 168},
		})
		d.Indicators = append(d.Indicators, report.Indicator{
			Value: value, Scope: "subtree", Feeds: "urlhaus", Category: hostile, Severity: severity, Hosts: 1, Queries: i + 1, InQuery: i + 1, First: at, Last: at,
		})
		d.Matches = append(d.Matches, report.Match{
			Address: address, VPC: "vpc-0a1b2c3d4e5f60001", Indicator: value, Feeds: "urlhaus", Severity: severity, Name: "www." + value + hostile,
			Part: "answers[0]", Queries: i + 1, First: at, Last: at,
		})
	}
	vpc := report.VPC{ID: "vpc-0a1b2c3d4e5f60001", Account: "111122223333"}
	for day := range 7 {
		vpc.Days = append(vpc.Days, report.Day{Date: monday.AddDate(0, 0, day), Records: day % 3})
	}
	d.Coverage = []report.VPC{vpc}
	return d
}

// hunted returns the content of a report of a hunt.
func hunted(rows int) *report.Data {
	d := found(rows)
	d.Title, d.Hunt = "Who asked before the lists knew", true
	for i, m := range d.Matches {
		early := report.Early{
			Address: m.Address, VPC: m.VPC, Instance: "i-000000000abcde001", Account: "111122223333", Indicator: m.Indicator, Scope: "subtree",
			Feeds: m.Feeds, Category: d.Indicators[i].Category, Severity: m.Severity, Name: m.Name, Queries: m.Queries, Unmarked: m.Queries,
			First: m.First, Last: m.First.Add(40 * time.Hour), Added: monday.AddDate(0, 0, 8),
		}
		for hour := range 1 + i%40 {
			early.Hours = append(early.Hours, m.First.Add(time.Duration(hour)*time.Hour))
		}
		d.Early = append(d.Early, early)
	}
	return d
}

func write(t *testing.T, data *report.Data) []byte {
	t.Helper()
	var page bytes.Buffer
	if err := report.Write(&page, data); err != nil {
		t.Fatal(err)
	}
	return page.Bytes()
}

// Texts of attackers are text in the page, and nothing in it asks for anything.
func TestWrite_hostile(t *testing.T) {
	t.Parallel()
	page := write(t, hunted(3))
	for _, tag := range regexp.MustCompile(`<(script|img|iframe|link|object|form)[^>]*>`).FindAll(page, -1) {
		if got := string(tag); got != "<script>" && got != `<link rel="icon" href="data:,">` {
			t.Errorf("the page has %s", tag)
		}
	}
	if bytes.Count(page, []byte("<script>")) != 1 || bytes.Contains(page, []byte("\x1b")) || bytes.Contains(page, []byte("\u202e")) {
		t.Error("the page has a script, an escape or a change of direction of an attacker")
	}
	if found := regexp.MustCompile(`(?i)<[^>]*\b(src|href|action|url)\s*[=(]\s*["']?\s*(https?:|//)`).Find(page); found != nil {
		t.Errorf("the page refers to %s", found)
	}
}

// The page stays small, says what it leaves out, and counts what it does not show.
func TestWrite_size(t *testing.T) {
	t.Parallel()
	const limit = 2 << 20
	for name, page := range map[string][]byte{"scan": write(t, found(10_000)), "hunt": write(t, hunted(10_000))} {
		if len(page) > limit {
			t.Errorf("%s: %d bytes, want at most %d", name, len(page), limit)
		}
		for _, want := range []string{"10,000 hosts", "The report shows 2,000 of 10,000 matches."} {
			if !bytes.Contains(page, []byte(want)) {
				t.Errorf("%s: the page does not say %q", name, want)
			}
		}
	}
	if clean := write(t, &report.Data{Title: "x", Records: 7}); !bytes.Contains(clean, []byte("No host asked for a malicious name")) {
		t.Error("the page without matches does not say so")
	}
}

// A page about no query must not look like good news.
func TestWrite_nothing(t *testing.T) {
	t.Parallel()
	page := write(t, &report.Data{Title: "x"})
	if !bytes.Contains(page, []byte("No query was looked at")) {
		t.Error("the page does not say that nothing was looked at")
	}
	for _, wrong := range []string{"No host asked", "Every query has a verdict"} {
		if bytes.Contains(page, []byte(wrong)) {
			t.Errorf("the page says %q", wrong)
		}
	}
}

// A chosen period begins before the first log, so the days between them are days without logs.
func TestData_CoverFrom(t *testing.T) {
	t.Parallel()
	first := time.Date(2026, 11, 28, 0, 0, 0, 0, time.UTC)
	d := &report.Data{Coverage: []report.VPC{{ID: "vpc-1", Days: []report.Day{{Date: first, Records: 3}}}}}
	d.CoverFrom(time.Date(2026, 11, 26, 9, 30, 0, 0, time.UTC))
	var days []string
	for _, day := range d.Coverage[0].Days {
		days = append(days, fmt.Sprint(day.Date.Format(time.DateOnly), " ", day.Records))
	}
	if got := strings.Join(days, ", "); got != "2026-11-26 0, 2026-11-27 0, 2026-11-28 3" {
		t.Errorf("got %s", got)
	}

	d.CoverFrom(time.Time{})               // no bound
	d.CoverFrom(first.Add(24 * time.Hour)) // after the first log
	(&report.Data{}).CoverFrom(first)      // no logs
	d.CoverFrom(first.AddDate(-3, 0, 0))
	if days := d.Coverage[0].Days; len(days) != 92 || !days[91].Date.Equal(first) || !days[90].Date.Equal(first.AddDate(0, 0, -1)) {
		t.Errorf("%d days until %v, want the 92 until %v", len(days), days[len(days)-1].Date, first)
	}
}

// A browser shows the page without an error, and its script makes the tables sortable. The
// pictures go to the folder RESOLVERWATCH_PICTURES, if it is set.
func TestWrite_browser(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a browser")
	}
	browser, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("needs chromium on the PATH")
	}
	folder := t.TempDir()
	for _, matches := range []int{0, 1, 100, 10_000} {
		for kind, data := range map[string]*report.Data{"scan": found(matches), "hunt": hunted(matches)} {
			name := fmt.Sprintf("%s-%d", kind, matches)
			path := filepath.Join(folder, name+".html")
			if err := os.WriteFile(path, write(t, data), 0o600); err != nil {
				t.Fatal(err)
			}
			dom, log := browse(t, browser, "file://"+path, "--dump-dom", "--enable-logging=stderr")
			if strings.Contains(log, "CONSOLE") {
				t.Errorf("%s: the console says\n%s", name, log)
			}
			if got, want := strings.Contains(dom, `<button type="button">Host</button>`), matches > 0; got != want {
				t.Errorf("%s: sortable tables are %v", name, got)
			}
			if pictures := os.Getenv("RESOLVERWATCH_PICTURES"); pictures != "" {
				photograph(t, browser, "file://"+path, filepath.Join(pictures, name))
			}
		}
	}
}

// The script sorts a table by a column, and leaves the rows that a filter matches.
func TestWrite_script(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a browser")
	}
	browser, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("needs chromium on the PATH")
	}
	const use = `<script>
const table = document.querySelector("table.sortable");
const shown = () => [...table.tBodies[0].rows].filter(row => !row.hidden).map(row => row.cells[0].textContent);
const click = text => [...table.querySelectorAll("th button")].find(button => button.textContent === text).click();
const result = [];
click("Queries"); result.push(shown()[0]);
click("Queries"); result.push(shown()[0]);
click("Worst"); result.push(shown()[0].length > 0 ? table.tBodies[0].rows[0].cells[2].textContent : "");
const search = document.querySelector("input[type=search]");
search.value = "10.0.1.24"; search.dispatchEvent(new Event("input")); result.push(shown().length);
document.title = result.join(" | ");
</script>`
	path := filepath.Join(t.TempDir(), "page.html")
	if err := os.WriteFile(path, append(write(t, found(1_200)), use...), 0o600); err != nil {
		t.Fatal(err)
	}
	dom, log := browse(t, browser, "file://"+path, "--dump-dom", "--enable-logging=stderr")
	// The page has 500 hosts; the last one has the most queries. Eleven addresses begin with 10.0.1.24.
	want := "<title>10.0.1.249i-000000000abcde001 | 10.0.0.0i-000000000abcde001 | critical | 11</title>"
	if !strings.Contains(dom, want) {
		t.Errorf("the title is %s, want %s\n%s", regexp.MustCompile("<title>.*</title>").FindString(dom), want, log)
	}
}

// photograph writes pictures of a page in light, dark and on paper.
func photograph(t *testing.T, browser, url, name string) {
	t.Helper()
	browse(t, browser, url, "--window-size=1280,1800", "--screenshot="+name+"-light.png")
	browse(t, browser, url, "--window-size=1280,1800", "--blink-settings=preferredColorScheme=0", "--screenshot="+name+"-dark.png")
	browse(t, browser, url, "--no-pdf-header-footer", "--print-to-pdf="+name+".pdf")
}

func browse(t *testing.T, browser, url string, flags ...string) (dom, log string) {
	t.Helper()
	args := append([]string{"--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--user-data-dir=" + t.TempDir()}, flags...)
	process := exec.CommandContext(t.Context(), browser, append(args, url)...)
	var out, messages bytes.Buffer
	process.Stdout, process.Stderr = &out, &messages
	if err := process.Run(); err != nil {
		t.Fatalf("%v\n%s", err, messages.String())
	}
	return out.String(), messages.String()
}

// The days without logs are listed as periods.
func TestWrite_coverage(t *testing.T) {
	t.Parallel()
	days := func(records ...int) (all []report.Day) {
		for i, count := range records {
			all = append(all, report.Day{Date: monday.AddDate(0, 0, i), Records: count})
		}
		return all
	}
	d := &report.Data{Coverage: []report.VPC{
		{ID: "vpc-1", Days: days(1, 0, 0, 3, 0)},
		{ID: "vpc-2", Days: days(report.Logged, 1, 1, 1, 1)},
		{ID: "vpc-3", Days: days(0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0)},
	}}
	d.AddVPCs([]string{"vpc-2", "vpc-4", "vpc-4"})
	page := string(write(t, d))
	for _, want := range []string{
		"<td>2026-11-24 to 2026-11-25, 2026-11-27</td>", "<td>–</td>", "2026-11-23: logs<", "2026-11-23: no logs<",
		"2026-11-23, 2026-11-25, 2026-11-27, 2026-11-29, 2026-12-01, 2026-12-03 and 2 more", "<td>2026-11-23 to 2026-11-27</td>",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page has no %q", want)
		}
	}
	if rows := strings.Count(page, "<tr><td>vpc-"); rows != 4 {
		t.Errorf("%d VPCs, want 4", rows)
	}
	empty := &report.Data{}
	empty.AddVPCs([]string{"vpc-1"})
	if page := string(write(t, empty)); !strings.Contains(page, "<td>no logs</td>") {
		t.Error("without any logs, the page does not say so")
	}
}
