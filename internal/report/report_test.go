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
	page := write(t, found(3))
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
	page := write(t, found(10_000))
	if len(page) > limit {
		t.Errorf("%d bytes, want at most %d", len(page), limit)
	}
	for _, want := range []string{"10,000 hosts", "The report shows 2,000 of 10,000 matches."} {
		if !bytes.Contains(page, []byte(want)) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if empty := write(t, &report.Data{Title: "x"}); !bytes.Contains(empty, []byte("No host asked for a malicious name")) {
		t.Error("the page without matches does not say so")
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
		path := filepath.Join(folder, fmt.Sprintf("%d.html", matches))
		if err := os.WriteFile(path, write(t, found(matches)), 0o600); err != nil {
			t.Fatal(err)
		}
		dom, log := browse(t, browser, "file://"+path, "--dump-dom", "--enable-logging=stderr")
		if strings.Contains(log, "CONSOLE") {
			t.Errorf("%d matches: the console says\n%s", matches, log)
		}
		if got, want := strings.Contains(dom, `<button type="button">Host</button>`), matches > 0; got != want {
			t.Errorf("%d matches: sortable tables are %v", matches, got)
		}
		if pictures := os.Getenv("RESOLVERWATCH_PICTURES"); pictures != "" {
			name := filepath.Join(pictures, fmt.Sprint(matches))
			browse(t, browser, "file://"+path, "--window-size=1280,1800", "--screenshot="+name+"-light.png")
			browse(t, browser, "file://"+path, "--window-size=1280,1800", "--blink-settings=preferredColorScheme=0", "--screenshot="+name+"-dark.png")
			browse(t, browser, "file://"+path, "--no-pdf-header-footer", "--print-to-pdf="+name+".pdf")
		}
	}
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
