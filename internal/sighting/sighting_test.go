package sighting

import (
	"fmt"
	"strings"
	"testing"

	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/verdict"
)

func seen(address, name, time string) *Sighting {
	return &Sighting{
		host: Host{Account: "123456789012", VPC: "vpc-1", Address: address},
		time: time, name: name, verdict: "malicious", severity: indicator.SeverityHigh,
		threat: matchedThreat{indicator: "evil.example", scope: "subtree", feeds: "alpha"},
	}
}

// The summary does not depend on how the input is cut into parts.
func TestSummary_Merge_partsAddUp(t *testing.T) {
	whole, parts := NewSummary(), NewSummary()
	for i := range 30 {
		part := NewSummary()
		record := seen(fmt.Sprintf("192.0.2.%d", i%3), fmt.Sprintf("n%d.evil.example.", i), fmt.Sprintf("2026-01-01T00:00:%02dZ", 59-i))
		for _, summary := range []*Summary{whole, part} {
			summary.countVerdict(verdict.Malicious, "")
			summary.countVerdict(verdict.Unknown, verdict.BadName)
			summary.Add(record, "")
		}
		parts.Merge(part)
	}
	print := func(s *Summary) string {
		var out strings.Builder
		s.Print(&out)
		return out.String()
	}
	if print(whole) != print(parts) {
		t.Errorf("whole:\n%s\nparts:\n%s", print(whole), print(parts))
	}
	first := whole.sortedTallies()[0]
	if len(whole.sortedTallies()) != 3 || first.Records != 10 || first.First >= first.Last || first.Name != "n27.evil.example." {
		t.Errorf("the first of %d tallies is %+v", len(whole.sortedTallies()), first)
	}
}

func TestPrintable(t *testing.T) {
	for in, want := range map[string]string{
		"evil.example":             "evil.example",
		"\x1b[31mred.example":      `\x1b[31mred.example`,
		"a\nb":                     `a\nb`,
		`evil\.example`:            `evil\.example`,
		`say "x"`:                  `say "x"`,
		strings.Repeat("long", 50): strings.Repeat("long", 15)[:59] + "…",
	} {
		if got := Printable(in); got != want {
			t.Errorf("Printable(%q) = %q, want %q", in, got, want)
		}
	}
}
