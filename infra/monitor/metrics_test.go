package monitor

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// used returns every metric of the alarms and the dashboard.
func used(p *Parts) []Metric {
	var all []Metric
	for _, a := range Alarms(p) {
		all = append(all, a.Metrics...)
	}
	for _, s := range Silences(p) {
		all = append(all, s.Recent.Metrics...)
		all = append(all, s.FirstDay.Metrics...)
	}
	for _, row := range dashboard(p) {
		for _, widget := range row.Widgets {
			all = append(all, widget.Metrics...)
		}
	}
	return all
}

// source is the root of the module.
const source = "../.."

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// ofAWS returns the metrics in the dated list: "namespace name dimensions".
func ofAWS(t *testing.T) []string {
	t.Helper()
	var listed []string
	var namespace, dimensions string
	for line := range strings.Lines(read(t, "testdata/aws-metrics.txt")) {
		fields := strings.Fields(line)
		switch {
		case len(fields) == 0 || strings.HasPrefix(line, "#"):
		case line[0] != ' ':
			namespace, dimensions = fields[0], strings.Join(fields[1:], " ")
		default:
			for _, name := range fields {
				listed = append(listed, namespace+" "+name+" "+dimensions)
			}
		}
	}
	return listed
}

// written returns the names of the metrics that the code of the functions writes with the
// dimension Stack alone.
func written(t *testing.T) []string {
	t.Helper()
	var code strings.Builder
	err := fs.WalkDir(os.DirFS(source), "pkg", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") {
			code.WriteString(read(t, source+"/"+path))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, match := range regexp.MustCompile(`(?m)^\t([A-Z]\w+) += +"(\w+)"`).FindAllStringSubmatch(read(t, source+"/pkg/metric/names.go"), -1) {
		if regexp.MustCompile(`\bmetric\.` + match[1] + `\b`).MatchString(code.String()) {
			names = append(names, match[2])
		}
	}
	return names
}

// Every metric, with its dimensions, is one that our code writes or that the dated list of AWS's
// metrics has.
func TestMetrics_exist(t *testing.T) {
	t.Parallel()
	theirs, ours := ofAWS(t), written(t)
	if len(theirs) < 20 || len(ours) < 40 {
		t.Fatalf("only %d metrics of AWS and %d of ours", len(theirs), len(ours))
	}
	for _, m := range used(everything()) {
		var dimensions []string
		for _, d := range m.Dimensions {
			dimensions = append(dimensions, d.Name)
			if d.Value == "" {
				t.Errorf("%s: the dimension %s has no value", m.Name, d.Name)
			}
		}
		slices.Sort(dimensions)
		set := strings.Join(dimensions, " ")
		exists := slices.Contains(theirs, m.Namespace+" "+m.Name+" "+set)
		if m.Namespace == settings.MetricNamespace {
			exists = set == settings.MetricDimensionStack && slices.Contains(ours, m.Name)
		}
		if !exists {
			t.Errorf("nothing writes %s %s with the dimensions %q", m.Namespace, m.Name, set)
		}
	}
}

// A description fits (PutMetricAlarm in the API reference of CloudWatch), and says what the alarm
// means and where to read on.
func TestAlarms_descriptions(t *testing.T) {
	t.Parallel()
	p := everything()
	texts := map[string]string{}
	for _, a := range Alarms(p) {
		texts[a.ID] = a.Description()
		if a.says == "" && !strings.HasSuffix(a.ID, "DeadLetters") && a.ID != "AlertsBehind" {
			t.Errorf("%s says nothing", a.ID)
		}
	}
	for _, s := range Silences(p) {
		texts[s.ID] = s.Description()
	}
	for id, text := range texts {
		if len(text) > 1024 || !strings.HasSuffix(text, Runbook+"#"+strings.ToLower(id)) {
			t.Errorf("%s: %q", id, text)
		}
	}
}

// Ids are those of constructs and of entries in the runbook, so each is unique in both.
func TestAlarms_ids(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, id := range ids(everything()) {
		if key := strings.ToLower(id); seen[key] {
			t.Errorf("%s twice", id)
		} else {
			seen[key] = true
		}
	}
}

// The bounds of CloudWatch: a period is whole minutes, an alarm looks at most a day back, or a
// week if its period is an hour or more, and an expression has at most ten metrics.
func TestAlarms_bounds(t *testing.T) {
	t.Parallel()
	p := everything()
	all := Alarms(p)
	for _, s := range Silences(p) {
		all = append(all, s.Recent, s.FirstDay)
	}
	for _, a := range all {
		limit := day
		if a.Period.Hours() >= 1 {
			limit = 7 * day
		}
		if int(a.Period.Seconds())%60 != 0 || a.Period.Seconds() <= 0 {
			t.Errorf("%s: period %v", a.ID, a.Period)
		}
		if length := a.Period.Minutes() * float64(a.Points); length > limit.Minutes() || a.Breaches > a.Points || a.Breaches < 1 {
			t.Errorf("%s: %d of %d points of %v", a.ID, a.Breaches, a.Points, a.Period)
		}
		if len(a.Metrics) > 10 || len(a.Metrics) > 1 && a.Expression == "" {
			t.Errorf("%s: %d metrics", a.ID, len(a.Metrics))
		}
	}
}

// The dashboard queries no logs, fits its grid, and shows the state of every alarm.
func TestDashboard_body(t *testing.T) {
	t.Parallel()
	p := everything()
	text := Dashboard(p, "eu-west-1", ids(p))
	var body struct {
		Widgets []struct {
			Type                string
			X, Y, Width, Height int
			Properties          struct {
				Alarms  []string
				Metrics []any
				Region  string
			}
		}
	}
	if err := json.Unmarshal([]byte(text), &body); err != nil {
		t.Fatal(err)
	}
	kinds, bottom := map[string]int{}, 0
	for _, w := range body.Widgets {
		kinds[w.Type]++
		if w.X+w.Width > gridWidth || w.Height < 1 || w.Width < 3 || w.Y < 0 || w.Type == "metric" && (len(w.Properties.Metrics) == 0 || w.Properties.Region != "eu-west-1") {
			t.Errorf("widget %+v", w)
		}
		if w.Type == "alarm" && !slices.Equal(w.Properties.Alarms, ids(p)) {
			t.Errorf("alarms %v", w.Properties.Alarms)
		}
		bottom = max(bottom, w.Y+w.Height)
	}
	if kinds["log"] > 0 || kinds["alarm"] != 1 || kinds["text"] != len(dashboard(p)) || kinds["metric"] < 14 {
		t.Errorf("widgets %v", kinds)
	}
}

// cost returns how many metrics the alarms look at, and how many alarms are about silence.
func cost(p *Parts) (metrics, silences int) {
	for _, a := range Alarms(p) {
		metrics += len(a.Metrics)
	}
	silences = len(Silences(p))
	return metrics + 2*silences, silences
}

// The figures of docs/monitoring.md are those of a deployment with default settings.
func TestDocs_cost(t *testing.T) {
	t.Parallel()
	p := everything()
	p.Stream.Converts, p.Stream.OwnKey, p.Alerts.Findings, p.Objects, p.Hunts.Compacts = false, false, false, false, false
	p.Functions, p.Queues = p.Functions[:4], p.Queues[:4]
	for i := range p.Functions {
		p.Functions[i].Reserved = 0
	}
	allMetrics, allSilences := cost(p)
	p.Functions, p.Queues, p.Rule, p.Alerts, p.Hunts = p.Functions[:2], p.Queues[:1], "", nil, nil
	metrics, silences := cost(p)
	page := read(t, source+"/docs/monitoring.md")
	for _, row := range []string{
		fmt.Sprintf("| 0.10 each | %d; %d with alerts and hunts | %.2f; %.2f |", metrics, allMetrics, float64(metrics)*0.1, float64(allMetrics)*0.1),
		fmt.Sprintf("| 0.50 each | %d; %d with hunts | %.2f; %.2f |", silences, allSilences, float64(silences)*0.5, float64(allSilences)*0.5),
	} {
		if !strings.Contains(page, row) {
			t.Errorf("docs/monitoring.md lacks %s", row)
		}
	}
}

// Each alarm has an entry in the runbook with the parts that a person on call needs, under the
// address in its description, and is named on the page about monitoring.
func TestDocs_alarms(t *testing.T) {
	t.Parallel()
	runbook, page := read(t, source+"/docs/runbook.md"), read(t, source+"/docs/monitoring.md")
	entries := map[string]string{}
	heading := regexp.MustCompile(`(?m)^#### (.+)$`)
	bounds := append(heading.FindAllStringSubmatchIndex(runbook, -1), []int{len(runbook)})
	for i, at := range bounds[:len(bounds)-1] {
		names := strings.Split(runbook[at[2]:at[3]], ", ")
		for _, name := range names {
			entries[name] = runbook[at[1]:bounds[i+1][0]]
			if anchor := fmt.Sprintf(`<a id="%s"></a>`, strings.ToLower(name)); len(names) > 1 && !strings.Contains(runbook, anchor) {
				t.Errorf("the runbook lacks %s", anchor)
			}
		}
	}
	all := append(ids(everything()), "QueryLoggingChanged")
	shared := regexp.MustCompile(`(Errors|Throttles|Slow|Concurrency)$|^StreamKey`)
	for _, id := range all {
		for _, part := range []string{"**Meaning.** ", "**Check.** ", "**Repair.** "} {
			if !strings.Contains(entries[id], "\n- "+part) {
				t.Errorf("the entry of %s in the runbook lacks %s", id, part)
			}
		}
		if !shared.MatchString(id) && !strings.Contains(page, id) {
			t.Errorf("docs/monitoring.md does not name %s", id)
		}
	}
	for name := range entries {
		if !slices.Contains(all, name) {
			t.Errorf("the runbook has an entry of %s, which does not exist", name)
		}
	}
}
