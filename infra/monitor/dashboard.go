package monitor

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/metric"
)

// Metrics of the parts that tell people.
const (
	alertSendFailed  = "AlertSendFailed"
	alertsSent       = "AlertsSent"
	alertsSuppressed = "AlertsSuppressed"
	eventsFailed     = "EventsFailed"
	noticesFailed    = "NoticesFailed"
	findingsFailed   = "FindingsFailed"
	huntSucceeded    = "HuntSucceeded"
	huntFailed       = "HuntFailed"
	eventSendFailed  = "EventSendFailed"
)

// widget is a graph of the dashboard.
type widget struct {
	Title   string
	Metrics []Metric
	Labels  []string // of the metrics
	Stacked bool
	Period  time.Duration
}

// row is a row of the dashboard, with a heading that asks a question.
type row struct {
	Question string
	Widgets  []widget
	// Alarms says that the row also shows the states of all alarms.
	Alarms bool
}

// dashboard returns the rows of the dashboard. None of them queries logs, which would cost money
// on every view.
func dashboard(p *Parts) []row {
	return []row{
		{Question: "What is wrong?", Alarms: true, Widgets: p.failing()},
		{Question: "Do logs arrive, and are they marked?", Widgets: p.arriving()},
		{Question: "Is the list fresh?", Widgets: p.fresh()},
		{Question: "What was found?", Widgets: p.found()},
		{Question: "Which traffic costs money?", Widgets: p.cost()},
	}
}

// graph returns a graph of some of the functions' own metrics.
func (p *Parts) graph(title, statistic string, names ...string) widget {
	w := widget{Title: title, Period: fiveMinutes, Labels: names}
	for _, name := range names {
		w.Metrics = append(w.Metrics, p.own("", name, statistic))
	}
	return w
}

func stacked(w widget) widget {
	w.Stacked = true
	return w
}

func hourly(w widget) widget {
	w.Period = time.Hour
	return w
}

func (p *Parts) failing() []widget {
	errors, letters := widget{Title: "Errors of functions", Period: fiveMinutes}, widget{Title: "Messages in queues", Period: fiveMinutes}
	for _, f := range p.Functions {
		errors.Metrics = append(errors.Metrics, of(lambda, "Errors", "FunctionName", f.Name, sum))
		errors.Labels = append(errors.Labels, f.Role)
	}
	for _, q := range p.Queues {
		letters.Metrics = append(letters.Metrics, of(sqs, "ApproximateNumberOfMessagesVisible", "QueueName", q.Name, maximum))
		letters.Labels = append(letters.Labels, q.Role)
	}
	return []widget{errors, letters}
}

func (p *Parts) arriving() []widget {
	arriving := p.graph("Records", sum, metric.Records, metric.ProcessingFailed)
	if s := p.Stream; s != nil {
		arriving.Metrics = append(arriving.Metrics, of(firehose, "IncomingRecords", streamName, s.Name, sum))
		arriving.Labels = append(arriving.Labels, "IncomingRecords")
	}
	return []widget{
		arriving,
		stacked(p.graph("Verdicts", sum, metric.Malicious, metric.Allowed, metric.Clean, metric.Unknown, metric.AlreadyMarked)),
		stacked(p.graph("Unknown by reason", sum, metric.UnknownNoIndex, metric.UnknownStaleIndex, metric.UnknownBadName, metric.UnknownTimeout)),
	}
}

func (p *Parts) fresh() []widget {
	return []widget{
		hourly(p.graph("Age of the oldest list (s)", maximum, metric.ListAge)),
		p.graph("Age of the index in use (s)", maximum, metric.IndexAge),
		hourly(p.graph("Entries of the index", maximum, metric.IndexEntries)),
		hourly(p.graph("Generation: published, in use", maximum, metric.Generation, metric.IndexGeneration)),
	}
}

func (p *Parts) found() []widget {
	found := []widget{p.graph("Malicious records", sum, metric.Malicious)}
	if p.Alerts != nil {
		found = append(found, p.graph("Alerts", sum, alertsSent, alertsSuppressed, alertSendFailed))
	}
	if p.Hunts != nil {
		found = append(found, hourly(p.graph("Scheduled queries", sum, huntSucceeded, huntFailed)))
	}
	return found
}

func (p *Parts) cost() []widget {
	var all []widget
	if s := p.Stream; s != nil {
		all = append(all, widget{Title: "Bytes into the stream", Period: time.Hour, Labels: []string{"IncomingBytes"},
			Metrics: []Metric{of(firehose, "IncomingBytes", streamName, s.Name, sum)}})
	}
	runs := widget{Title: "Run time of functions (ms)", Period: time.Hour}
	for _, f := range p.Functions {
		runs.Metrics = append(runs.Metrics, of(lambda, "Duration", "FunctionName", f.Name, sum))
		runs.Labels = append(runs.Labels, f.Role)
	}
	all = append(all, runs)
	if p.WorkGroup != "" {
		scanned := of(athena, "ProcessedBytes", "WorkGroup", p.WorkGroup, sum)
		scanned.Dimensions = append([]Dimension{{"QueryState", "SUCCEEDED"}, {"QueryType", "DML"}}, scanned.Dimensions...)
		all = append(all, widget{Title: "Bytes scanned by queries", Period: time.Hour, Labels: []string{"ProcessedBytes"}, Metrics: []Metric{scanned}})
	}
	return all
}

// Sizes of the dashboard, in the units of its grid.
const (
	gridWidth     = 24
	headingHeight = 1
	widgetHeight  = 6
	alarmsHeight  = 4
)

// Dashboard returns the body of the dashboard of a deployment in a Region. It shows the states of
// alarms by their ARNs.
func Dashboard(p *Parts, region string, alarms []string) string {
	var widgets []any
	y := 0
	place := func(x, width, height int, kind string, properties map[string]any) {
		widgets = append(widgets, map[string]any{
			"type": kind, "x": x, "y": y, "width": width, "height": height, "properties": properties})
	}
	for _, row := range dashboard(p) {
		place(0, gridWidth, headingHeight, "text", map[string]any{"markdown": "## " + row.Question})
		y += headingHeight
		if row.Alarms {
			place(0, gridWidth, alarmsHeight, "alarm", map[string]any{"title": "Alarms: each has an entry in the runbook", "alarms": alarms})
			y += alarmsHeight
		}
		width := gridWidth / max(1, len(row.Widgets))
		for i, w := range row.Widgets {
			place(i*width, width, widgetHeight, "metric", w.properties(region))
		}
		y += widgetHeight
	}
	text, err := json.Marshal(map[string]any{"widgets": widgets})
	if err != nil {
		panic(fmt.Errorf("encoding text and numbers: %w", err))
	}
	return string(text)
}

// properties returns what the body says about a graph.
func (w widget) properties(region string) map[string]any {
	var lines []any
	for i, m := range w.Metrics {
		line := []any{m.Namespace, m.Name}
		for _, d := range m.Dimensions {
			line = append(line, d.Name, d.Value)
		}
		lines = append(lines, append(line, map[string]any{"stat": m.Statistic, "label": w.Labels[i]}))
	}
	return map[string]any{"title": w.Title, "region": region, "view": "timeSeries", "stacked": w.Stacked,
		"period": int(w.Period.Seconds()), "metrics": lines}
}

func number(n int) string { return strconv.Itoa(n) }
