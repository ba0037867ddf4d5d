package importer

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// text returns the report for people: the decision, what to do, and what became of the
// lines. What comes out of a list is quoted.
func (r *Report) text() []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "Feed %s: %s\n%s\n", r.Feed, r.Outcome, r.decision())
	for _, refusal := range r.Refusals {
		where := ""
		if refusal.Where != "" {
			where = " (" + refusal.Where + ")"
		}
		fmt.Fprintf(&b, "\n%s: %s%s\n  what to do: %s\n", refusal.Code, refusal.What, where, refusal.Todo)
	}
	if r.Force != "" {
		fmt.Fprintf(&b, "\nforced by the reason %q\n", r.Force)
	}
	fmt.Fprintf(&b, "\nlist      %q\nversion   %s\nsize      %d bytes\nat        %s\n",
		r.Key, r.Version, r.Size, r.At.Format(time.RFC3339))
	r.writeCounts(&b)
	r.writeSamples(&b)
	return []byte(b.String())
}

// decision says in a sentence what serves now.
func (r *Report) decision() string {
	switch {
	case r.Outcome != OutcomeRefused:
		return fmt.Sprintf("The list is taken: %d entries, %d added and %d removed.", r.Names, r.Added, r.Removed)
	case r.Previous > 0:
		return fmt.Sprintf("The list is not taken. The one before, of %d entries, goes on serving.", r.Previous)
	default:
		return "The list is not taken. Nothing of this feed serves until one is."
	}
}

func (r *Report) writeCounts(b *strings.Builder) {
	fmt.Fprintf(b, "\nformat    %s\nlines     %d\nentries   %d", cmp.Or(string(r.Format), "unknown"), r.Lines, r.Entries)
	if r.Expected > 0 {
		fmt.Fprintf(b, " (the list says %d)", r.Expected)
	}
	b.WriteString("\n")
	for _, lost := range []struct {
		what    string
		all     int
		reasons map[string]int
	}{
		{"rejected", r.Rejected, r.Rejects},
		{"skipped", r.Skipped, r.Skips},
		{"dropped", r.dropped(), explained(r.Dropped)},
		{"repeats", r.Repeats, nil},
	} {
		fmt.Fprintf(b, "  %-8s%8d\n", lost.what, lost.all)
		for _, why := range slices.Sorted(maps.Keys(lost.reasons)) {
			fmt.Fprintf(b, "    %12d  %s\n", lost.reasons[why], why)
		}
	}
	fmt.Fprintf(b, "listed    %d (before: %d)\n", r.Names, r.Previous)
}

func explained(dropped map[DropReason]int) map[string]int {
	words := map[string]int{}
	for reason, n := range dropped {
		words[reason.Explain()] = n
	}
	return words
}

func (r *Report) writeSamples(b *strings.Builder) {
	sample := func(first bool, what string, line int, text, why string) {
		if first {
			b.WriteString("\n")
		}
		fmt.Fprintf(b, "%s line %d: %q: %s\n", what, line, text, why)
	}
	for i, line := range r.RejectedLines {
		sample(i == 0, "rejected", line.Line, line.Text, line.Why)
	}
	for i, drop := range r.Drops {
		sample(i == 0, "dropped", drop.Line, drop.Entry+" ("+drop.Scope+")", drop.Reason.Explain())
	}
	for i, line := range r.SkippedLines {
		sample(i == 0, "skipped", line.Line, line.Text, line.Why)
	}
}
