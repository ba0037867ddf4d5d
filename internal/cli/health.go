package cli

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/resolverwatch/resolverwatch/internal/operator/health"
	"github.com/resolverwatch/resolverwatch/internal/operator/stack"
	"github.com/resolverwatch/resolverwatch/internal/term"
	"github.com/resolverwatch/resolverwatch/pkg/printable"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// deadLetterSuffix ends the keys of all outputs with the URL of a queue of dead letters.
const deadLetterSuffix = "DeadLetterQueueUrl"

// health returns the parts of the stack whose health status shows.
func (o *statusOptions) health(ctx context.Context) *health.Stack {
	metrics := stack.NewMetrics(o.config)
	h := &health.Stack{
		Name:         o.stack,
		MetricStack:  o.metricStack,
		Metrics:      metrics,
		Alarms:       metrics,
		Queues:       stack.NewQueues(o.config),
		QueryLogging: stack.NewQueryLogging(o.config),
		Missing:      stack.MissingAction,
		Now:          time.Now,
	}
	if h.MetricStack == "" {
		h.MetricStack = o.stack
	}
	if err := readOutputs(ctx, &o.deployment); err != nil {
		h.Unknown = stack.Explain(err)
		return h
	}

	h.Stream = o.outputs.Of(o.pipeline, settings.OutputDeliveryStreamName)
	for _, key := range slices.Sorted(maps.Keys(o.outputs)) {
		name, isOurs := strings.CutPrefix(key, o.pipeline)
		if isOurs && strings.HasSuffix(key, deadLetterSuffix) {
			h.DeadLetters = append(h.DeadLetters, health.Queue{Name: name, URL: o.outputs[key]})
		}
	}
	return h
}

func printProblems(out io.Writer, problems []string) {
	if len(problems) == 0 {
		fmt.Fprintln(out, term.ColorsOf(out).Good("healthy"))
		return
	}
	fmt.Fprintln(out, term.ColorsOf(out).Bad("NOT HEALTHY"))
	for _, problem := range problems {
		fmt.Fprintln(out, "  "+printable.Line(problem))
	}
}

// printHealth prints one or a few lines for each section.
func printHealth(out io.Writer, r *health.Report, now time.Time) {
	fmt.Fprintln(out)
	printSection(out, "arriving", &r.Arriving.Section, arrivingLines(&r.Arriving))
	printSection(out, "marked", &r.Marked.Section, markedLines(&r.Marked))
	printSection(out, "alarms", &r.Alarms.Section, alarmLines(&r.Alarms, now))
	printSection(out, "dead letters", &r.DeadLetters.Section, deadLetterLines(&r.DeadLetters))
	printSection(out, "query logging", &r.QueryLogging.Section, loggingLines(&r.QueryLogging))
	fmt.Fprintln(out)
}

// printSection prints what a section says: why it has nothing to say, or its lines.
func printSection(out io.Writer, name string, section *health.Section, lines []string) {
	switch {
	case section.Off != "":
		lines = []string{"off: " + section.Off}
	case section.Error != "":
		lines = []string{"not shown: " + section.Error}
	}
	for _, line := range lines {
		fmt.Fprintf(out, "%-15s%s\n", name, printable.Line(line))
		name = ""
	}
}

func arrivingLines(a *health.Arriving) []string {
	line := fmt.Sprintf("%d records in the last hour", a.Records)
	if a.OldestSeconds != nil {
		line += fmt.Sprintf(", stored when at most %s old", age(time.Duration(*a.OldestSeconds*float64(time.Second))))
	}
	return []string{line}
}

func markedLines(m *health.Marked) []string {
	line := fmt.Sprintf("%d malicious, %d allowed, %d clean, %d unknown", m.Malicious, m.Allowed, m.Clean, m.Unknown)
	var reasons []string
	for _, reason := range slices.Sorted(maps.Keys(m.UnknownReasons)) {
		reasons = append(reasons, fmt.Sprintf("%s %d", reason, m.UnknownReasons[reason]))
	}
	if len(reasons) > 0 {
		line += " (" + strings.Join(reasons, ", ") + ")"
	}
	if m.Failed > 0 {
		line += fmt.Sprintf(", %d could not be marked", m.Failed)
	}
	return []string{line + " in the last hour"}
}

func alarmLines(a *health.AlarmState, now time.Time) []string {
	lines := []string{fmt.Sprintf("%d in ALARM, %d others", len(a.InAlarm), a.Others)}
	for _, alarm := range a.InAlarm {
		line := alarm.Name
		if !alarm.Since.IsZero() {
			line += ", since " + age(now.Sub(alarm.Since))
		}
		if alarm.Description != "" {
			line += ": " + alarm.Description
		}
		lines = append(lines, line)
	}
	return lines
}

func deadLetterLines(d *health.DeadLetters) (lines []string) {
	for _, queue := range d.Queues {
		if queue.Messages == nil {
			continue // the section has an error
		}
		lines = append(lines, fmt.Sprintf("%d in %s", *queue.Messages, queue.Name))
	}
	return lines
}

// loggingLines counts the VPCs that are logged and lists the others.
func loggingLines(l *health.Logging) []string {
	counts := map[string]int{}
	var others []string
	for _, vpc := range l.VPCs {
		counts[vpc.Status]++
		if vpc.Status == "ACTIVE" {
			continue
		}
		line := vpc.VPC + " is " + vpc.Status
		for _, detail := range []string{vpc.Error, vpc.Message} {
			if detail != "" {
				line += ": " + detail
			}
		}
		others = append(others, line)
	}

	line := fmt.Sprintf("%d VPCs", len(l.VPCs))
	for _, status := range slices.Sorted(maps.Keys(counts)) {
		line += fmt.Sprintf(", %d %s", counts[status], status)
	}
	return append([]string{line}, others...)
}
