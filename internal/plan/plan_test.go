package plan

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the tables of docs/cost.md and docs/scale.md")

const docsPath = "../../docs/cost.md"

// aBillion is the volume of the tables in the documents.
var aBillion = Volume{Queries: 1e9, Names: 1e6, HitRate: DefaultHitRate}

// The tables of docs/cost.md are those that the command prints. -update rewrites them.
func TestDocs(t *testing.T) {
	page := checkTables(t, docsPath, map[string]string{"costs": costTable(), "prices": priceTable()})
	if !strings.Contains(page, Date) {
		t.Errorf("docs/cost.md does not say that its prices are of %s", Date)
	}
}

// checkTables compares the generated blocks of a page with the tables, or writes them with -update.
// It returns the page as it should be.
func checkTables(t *testing.T, path string, tables map[string]string) string {
	t.Helper()
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := string(page)
	for name, table := range tables {
		begin, end := "<!-- generated: "+name+" -->\n", "<!-- end -->\n"
		before, rest, found := strings.Cut(want, begin)
		_, after, ended := strings.Cut(rest, end)
		if !found || !ended {
			t.Fatalf("%s has no block %q", path, name)
		}
		want = before + begin + table + end + after
	}
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
		return want
	}
	if diff := cmp.Diff(string(page), want); diff != "" {
		t.Errorf("%s (-document +code): `go test ./internal/plan -update` rewrites it\n%s", path, diff)
	}
	return want
}

func costTable() string {
	var out strings.Builder
	out.WriteString("| part | default | $ a month | arithmetic |\n| --- | --- | ---: | --- |\n")
	lines := New(aBillion)
	for _, line := range lines {
		state, upTo, star := "on", "", ""
		if !line.On {
			state = "off"
		}
		if line.UpTo {
			upTo = "up to "
		}
		if line.Unconfirmed {
			star = " *"
		}
		fmt.Fprintf(&out, "| `%s` | %s | %s%.2f%s | %s |\n", line.Part, state, upTo, line.USD, star, line.Arithmetic)
	}
	fmt.Fprintf(&out, "| total | on | %.2f | |\n", Total(lines))
	return out.String()
}

func priceTable() string {
	var out strings.Builder
	out.WriteString("| price | $ | for a | source |\n| --- | ---: | --- | --- |\n")
	for _, price := range allPrices() {
		fmt.Fprintf(&out, "| %s | %v | %s | %s |\n", price.name, price.usd, price.unit, price.source)
	}
	return out.String()
}

// find returns the cost of a part.
func find(t *testing.T, lines []Line, part string) Line {
	t.Helper()
	for _, line := range lines {
		if line.Part == part {
			return line
		}
	}
	t.Fatalf("no part %s", part)
	return Line{}
}

// An hourly hunt is as expensive as its partitions are long: a look-back of 26 hours reads two and
// a half days. A retro-hunt for every hour would cost some 270 dollars; once a day it costs 12.
func TestNew_hunts(t *testing.T) {
	t.Parallel()
	lines := New(aBillion)
	for part, want := range map[string]float64{"hunts/tunnels": 23.25, "hunts/retro-hunt": 11.81, "hunts/nxdomain-domains": 0.97} {
		if got := find(t, lines, part).USD; got != want {
			t.Errorf("%s: %v, want %v", part, got, want)
		}
	}
	perRun := find(t, lines, "hunts/retro-hunt").USD / days
	if hourly := perRun * hours; hourly < 250 || hourly > 300 {
		t.Errorf("hourly retro-hunts: %v", hourly)
	}
	if got := partitionDays(26 * time.Hour); got < 2.5 || got > 2.6 {
		t.Errorf("%v days", got)
	}
}

// Costs grow with the volume and are never negative. Athena bills at least 10 MB for a query.
func TestNew_volumes(t *testing.T) {
	t.Parallel()
	var before []Line
	for _, queries := range []float64{0, 1, 1e5, 1e7, 1e9, 1e12} {
		lines := New(Volume{Queries: queries, Names: 1e6})
		for i, line := range lines {
			if line.USD < 0 || before != nil && line.USD < before[i].USD {
				t.Errorf("%v queries: %s costs %v", queries, line.Part, line.USD)
			}
		}
		before = lines
	}
	if got := find(t, New(Volume{}), "hunts/tunnels").USD; got != 0.04 {
		t.Errorf("720 runs over nothing: %v, want 0.04", got)
	}
}

// The total is that of the parts that are on.
func TestSwitch(t *testing.T) {
	t.Parallel()
	lines := New(aBillion)
	all := Total(lines)
	if !Switch(lines, "hunts/tunnels", false) || all-Total(lines) < 23.2 || all-Total(lines) > 23.3 {
		t.Errorf("%v without tunnels, %v with them", Total(lines), all)
	}
	for _, group := range []string{"pipeline", "hunts", "alerts", "monitoring"} {
		if !Switch(lines, group, false) {
			t.Errorf("no parts of %s", group)
		}
	}
	if got := Total(lines); got != 0 {
		t.Errorf("%v with everything off", got)
	}
	if Switch(lines, "hunt", true) || Switch(lines, "", true) {
		t.Error("a part that does not exist was turned on")
	}
}

// The number of metrics covers those that the functions write, and is not far above it.
func TestMetrics(t *testing.T) {
	t.Parallel()
	names, err := os.ReadFile("../../pkg/metric/names.go")
	if err != nil {
		t.Fatal(err)
	}
	const byQuery = 2 * 4  // HuntSucceeded and HuntFailed, by the scheduled queries that are on
	const ofCompaction = 3 // it is off unless somebody asks for it
	written := len(regexp.MustCompile(`(?m)^\t[A-Z]\w+ +=\s+"`).FindAll(names, -1)) + byQuery - ofCompaction
	if metricCount < written || metricCount > written+25 {
		t.Errorf("%d metrics are priced, %d are written", metricCount, written)
	}
}
