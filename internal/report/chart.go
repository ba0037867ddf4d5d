package report

import (
	"fmt"
	"html/template"
	"math"
	"strings"
)

// Sizes of the pictures, in units of their view boxes.
const (
	chartWidth   = 960
	chartHeight  = 180
	chartLeft    = 56
	chartBottom  = 24
	rowHeight    = 16
	timelineWide = 240
)

// verdictChart draws two bars for each hour. The upper one has all records; those without a verdict
// are at its bottom. The lower one has the malicious records. It has another scale, because a few
// malicious records would be invisible among the others.
func verdictChart(hours []Hour) template.HTML {
	if len(hours) == 0 {
		return ""
	}
	var most, worst int
	for _, h := range hours {
		most, worst = max(most, h.total()), max(worst, h.Malicious)
	}
	var out strings.Builder
	fmt.Fprintf(&out, `<svg viewBox="0 0 %d %d" role="img" class="chart"><title>Queries and malicious queries over time</title>`,
		chartWidth, chartHeight+chartBottom)
	half := chartHeight / 2
	step := float64(chartWidth-chartLeft) / float64(len(hours))
	wide := math.Max(step-math.Min(step/5, 2), 0.5)
	for i, h := range hours {
		x := chartLeft + float64(i)*step
		bar(&out, "other", x, half, wide, scaled(h.total(), most, half-14), tally(h))
		bar(&out, "unknown", x, half, wide, scaled(h.Unknown, most, half-14), tally(h))
		bar(&out, "malicious", x, chartHeight, wide, scaled(h.Malicious, worst, half-14), fmt.Sprintf("%s: %s malicious", moment(h.Start), thousands(h.Malicious)))
	}
	axis(&out, half, "queries", most)
	axis(&out, chartHeight, "malicious", worst)
	fmt.Fprintf(&out, `<text x="%d" y="%d">%s</text><text x="%d" y="%d" class="end">%s</text></svg>`,
		chartLeft, chartHeight+18, moment(hours[0].Start), chartWidth, chartHeight+18, moment(hours[len(hours)-1].Start))
	return template.HTML(out.String()) //nolint:gosec // numbers, times and words of ours
}

// tally returns the numbers of an hour as text.
func tally(h Hour) string {
	text := fmt.Sprintf("%s: %s queries", moment(h.Start), thousands(h.total()))
	for _, part := range []struct {
		count int
		word  string
	}{{h.Allowed, "allowed"}, {h.Unknown, "unknown"}} {
		if part.count > 0 {
			text += ", " + thousands(part.count) + " " + part.word
		}
	}
	return text
}

// scaled returns the height of a bar. What is there is always visible.
func scaled(n, most, height int) float64 {
	if n == 0 || most == 0 {
		return 0
	}
	return math.Max(1.5, float64(n)/float64(most)*float64(height))
}

func bar(out *strings.Builder, class string, x float64, base int, wide, high float64, title string) {
	if high > 0 {
		fmt.Fprintf(out, `<rect class="%s" x="%.1f" y="%.1f" width="%.1f" height="%.1f"><title>%s</title></rect>`,
			class, x, float64(base)-high, wide, high, title)
	}
}

// axis draws the line under bars, with the largest number.
func axis(out *strings.Builder, base int, what string, most int) {
	fmt.Fprintf(out, `<line x1="%d" x2="%d" y1="%d" y2="%d"/><text x="0" y="%d">%s</text><text x="0" y="%d" class="small">%s</text>`,
		chartLeft, chartWidth, base, base, base-chartHeight/2+24, thousands(most), base-2, what)
}

// timeline draws the hours in which a host asked.
func timeline(host Host, hours []Hour) template.HTML {
	if len(hours) == 0 || len(host.Hours) == 0 {
		return ""
	}
	var out strings.Builder
	fmt.Fprintf(&out, `<svg viewBox="0 0 %d %d" class="timeline" role="img"><title>When the host asked</title><line x1="0" x2="%d" y1="%d" y2="%d"/>`,
		timelineWide, rowHeight, timelineWide, rowHeight/2, rowHeight/2)
	step := float64(timelineWide) / float64(len(hours))
	wide := int(math.Max(math.Ceil(step), 2))
	out.WriteString(`<path class="malicious" d="`) // one path for all hours: a report has many hosts
	for _, at := range host.Hours {
		fmt.Fprintf(&out, "M%d 2h%dv%dh-%dz", int(float64(at)*step), wide, rowHeight-4, wide)
	}
	out.WriteString(`"/>`)
	out.WriteString("</svg>")
	return template.HTML(out.String()) //nolint:gosec // numbers and times
}
