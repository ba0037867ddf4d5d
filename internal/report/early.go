package report

import (
	"fmt"
	"html/template"
	"math"
	"strings"
	"time"
)

// Early is a host that asked for a name before a list had it, as a hunt finds it.
type Early struct {
	Address, VPC, Account, Instance             string
	Indicator, Scope, Feeds, Category, Severity string
	Name                                        string    // that matched
	Queries, Unmarked                           int       // Unmarked: not marked as malicious when they were logged
	Added                                       time.Time // to the list; zero if unknown
	First, Last                                 time.Time
	Hours                                       []time.Time // in which the host asked, if they are known
}

// maxEarly limits the rows of a hunt in the page.
const maxEarly = 200

// earlyTotals sums up what a hunt found, for a sentence.
type earlyTotals struct{ Hosts, Entries, Queries, Unmarked int }

func totalsOf(all []Early) (t earlyTotals) {
	hosts, entries := map[[3]string]bool{}, map[[2]string]bool{}
	for _, e := range all {
		hosts[[3]string{e.Account, e.VPC, e.Address}] = true
		entries[[2]string{e.Indicator, e.Scope}] = true
		t.Queries += e.Queries
		t.Unmarked += e.Unmarked
	}
	t.Hosts, t.Entries = len(hosts), len(entries)
	return t
}

// span is the time that the pictures of all rows of a hunt show.
type span struct{ first, last time.Time }

func spanOf(all []Early) (s span) {
	for _, e := range all {
		for _, at := range []time.Time{e.First, e.Last, e.Added} {
			if at.IsZero() {
				continue
			}
			if s.first.IsZero() || at.Before(s.first) {
				s.first = at
			}
			if at.After(s.last) {
				s.last = at
			}
		}
	}
	return s
}

// place returns where a time is in a picture.
func (s span) place(at time.Time) float64 {
	whole := s.last.Sub(s.first)
	if whole <= 0 {
		return 0
	}
	return float64(at.Sub(s.first)) / float64(whole) * (timelineWide - 4)
}

// earlyTimeline draws when a host asked, and when the entry was added to the list.
func earlyTimeline(e Early, s span) template.HTML {
	if e.First.IsZero() || s.first.IsZero() {
		return ""
	}
	var out strings.Builder
	fmt.Fprintf(&out, `<svg viewBox="0 0 %d %d" class="timeline" role="img"><title>When the host asked`, timelineWide, rowHeight)
	if !e.Added.IsZero() {
		out.WriteString(", and when the list got the entry")
	}
	fmt.Fprintf(&out, `</title><line x1="0" x2="%d" y1="%d" y2="%d"/><path class="malicious" d="`, timelineWide, rowHeight/2, rowHeight/2)
	wide := 2.0
	if whole := s.last.Sub(s.first).Hours(); whole > 0 {
		wide = math.Max(wide, math.Ceil((timelineWide-4)/whole))
	}
	if len(e.Hours) == 0 { // only the first and the last time are known
		fmt.Fprintf(&out, "M%.0f 6h%.0fv4h-%.0fz", s.place(e.First), math.Max(2, s.place(e.Last)-s.place(e.First)), math.Max(2, s.place(e.Last)-s.place(e.First)))
	}
	for _, at := range e.Hours {
		fmt.Fprintf(&out, "M%.0f 2h%.0fv%dh-%.0fz", math.Max(0, s.place(at)), wide, rowHeight-4, wide)
	}
	out.WriteString(`"/>`)
	if !e.Added.IsZero() {
		fmt.Fprintf(&out, `<path class="listed" d="M%.0f 0v%d"/>`, s.place(e.Added)+2, rowHeight)
	}
	out.WriteString("</svg>")
	return template.HTML(out.String()) //nolint:gosec // numbers and words of ours
}
