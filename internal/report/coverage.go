package report

import (
	"fmt"
	"html/template"
	"slices"
	"strings"
	"time"
)

// AddVPCs adds the VPCs that should have logs and have none.
func (d *Data) AddVPCs(ids []string) {
	known := map[string]bool{}
	for _, vpc := range d.Coverage {
		known[vpc.ID] = true
	}
	var days []Day
	if len(d.Coverage) > 0 {
		for _, day := range d.Coverage[0].Days {
			days = append(days, Day{Date: day.Date})
		}
	}
	for _, id := range ids {
		if !known[id] {
			known[id] = true
			d.Coverage = append(d.Coverage, VPC{ID: id, Days: days})
		}
	}
}

// MaxDays bounds the days of a VPC. The last ones are shown.
const MaxDays = 92

// CoverFrom adds the days without logs between the start of a chosen period and the first log. It
// adds none if the period has no start, or too many days to show.
func (d *Data) CoverFrom(start time.Time) {
	if start.IsZero() || len(d.Coverage) == 0 {
		return
	}
	for i := range d.Coverage {
		days := d.Coverage[i].Days
		at := start.UTC().Truncate(day)
		if earliest := days[len(days)-1].Date.Add(-(MaxDays - 1) * day); at.Before(earliest) {
			at = earliest
		}
		var before []Day
		for ; at.Before(days[0].Date); at = at.Add(day) {
			before = append(before, Day{Date: at})
		}
		d.Coverage[i].Days = slices.Concat(before, days)
	}
}

// day is the length of a day in UTC.
const day = 24 * time.Hour

// coverage draws a square for each day of a VPC, empty if it has no logs.
func coverage(vpc VPC) template.HTML {
	const square = 12
	var out strings.Builder
	fmt.Fprintf(&out, `<svg viewBox="0 0 %d %d" class="coverage" style="width:%dpx" role="img"><title>Days with logs</title>`,
		len(vpc.Days)*square, square, len(vpc.Days)*square)
	for i, day := range vpc.Days {
		class, what := "logged", thousands(day.Records)+" queries"
		switch day.Records {
		case 0:
			class, what = "gap", "no logs"
		case Logged:
			what = "logs"
		}
		fmt.Fprintf(&out, `<rect class="%s" x="%d" y="1" width="%d" height="%d"><title>%s: %s</title></rect>`,
			class, i*square+1, square-2, square-2, day.Date.Format("2006-01-02"), what)
	}
	out.WriteString("</svg>")
	return template.HTML(out.String()) //nolint:gosec // numbers and times
}

// missing returns the days without logs of a VPC as text, days that follow each other as one.
func missing(vpc VPC) string {
	const most = 6 // periods
	var periods []string
	for i := 0; i < len(vpc.Days); i++ {
		if vpc.Days[i].Records != 0 {
			continue
		}
		first := i
		for i+1 < len(vpc.Days) && vpc.Days[i+1].Records == 0 {
			i++
		}
		text := vpc.Days[first].Date.Format("2006-01-02")
		if i > first {
			text += " to " + vpc.Days[i].Date.Format("2006-01-02")
		}
		periods = append(periods, text)
	}
	switch {
	case len(vpc.Days) == 0:
		return "no logs"
	case len(periods) == 0:
		return "–"
	case len(periods) > most:
		return fmt.Sprintf("%s and %d more", strings.Join(periods[:most], ", "), len(periods)-most)
	}
	return strings.Join(periods, ", ")
}
