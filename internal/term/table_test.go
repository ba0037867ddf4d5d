package term

import (
	"bytes"
	"strings"
	"testing"

	"github.com/jedib0t/go-pretty/v6/text"
)

// rendered returns a table of two hosts on a screen of a width, 0 for a pipe.
func rendered(width int, colored bool) string {
	var out bytes.Buffer
	w := NewWriter(&out)
	w.SetColors(colored)
	t := NewTable(w, Text("Host"), Text("Indicator"), Rating("Worst"), Number("Queries"), Word("First"), Prose("Note"), Word("Feed").Spare())
	t.screen = width
	t.Add("10.0.0.1", "a-very-long-label-that-a-program-made.of-many-characters.evil.example", "critical", "1,200", "2026-11-01",
		"it asked before the list had the name", "urlhaus")
	t.Add("2001:db8::1", "bücher.例え.example", "low", "7", "2026-11-02", "")
	t.Render()
	_ = w.Close()
	return out.String()
}

// A pipe gets every character. A terminal gets rows that fit it: first the middle of names is cut and
// sentences get several lines, then columns are left out.
func TestTable(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		width int
		want  string
	}{
		{"a pipe", 0, `
HOST         INDICATOR                                                              WORST     QUERIES  FIRST       NOTE                                   FEED
10.0.0.1     a-very-long-label-that-a-program-made.of-many-characters.evil.example  critical    1,200  2026-11-01  it asked before the list had the name  urlhaus
2001:db8::1  bücher.例え.example                                                    low             7  2026-11-02
`}, {"a wide terminal", 120, `
HOST         INDICATOR                         WORST     QUERIES  FIRST       NOTE                               FEED
10.0.0.1     a-very-lo…haracters.evil.example  critical    1,200  2026-11-01  it asked before the list had the   urlhaus
                                                                              name
2001:db8::1  bücher.例え.example               low             7  2026-11-02
`}, {"a narrow terminal", 96, `
HOST         INDICATOR          WORST     QUERIES  FIRST       NOTE                      FEED
10.0.0.1     a-ve…evil.example  critical    1,200  2026-11-01  it asked before the list  urlhaus
                                                               had the name
2001:db8::1  büch…例え.example  low             7  2026-11-02
`}, {"hardly a terminal", 20, `
HOST         INDICATOR        WORST     QUERIES  FIRST       NOTE
10.0.0.1     a-ve…il.example  critical    1,200  2026-11-01  it asked before the list
                                                             had the name
2001:db8::1  büch…え.example  low             7  2026-11-02
(too narrow for FEED; a wider terminal or a pipe shows all columns)
`},
	} {
		got := rendered(test.width, false)
		if got != strings.TrimPrefix(test.want, "\n") {
			t.Errorf("%s:\n%s", test.name, got)
		}
		if test.width < 90 {
			continue
		}
		for line := range strings.Lines(got) {
			if width := text.StringWidth(strings.TrimSpace(line)); width > test.width {
				t.Errorf("%s: a line is %d wide: %s", test.name, width, line)
			}
		}
	}
}

// Colors do not move columns, and only ratings have them.
func TestTable_colors(t *testing.T) {
	t.Parallel()
	plain, colored := rendered(96, false), rendered(96, true)
	if !strings.Contains(colored, boldRed.sequence()+"critical"+reset.sequence()) || strings.Count(colored, "\x1b") != 2 {
		t.Errorf("%q", colored)
	}
	if got := strings.NewReplacer(boldRed.sequence(), "", reset.sequence(), "").Replace(colored); got != plain {
		t.Errorf("without colors:\n%s\nwith them:\n%s", plain, got)
	}
}

// A cell cannot color itself, break its line or move the cursor.
func TestTable_hostile(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	w := NewWriter(&out)
	w.SetColors(true)
	table := NewTable(w, Text("Name"), Rating("Verdict"))
	table.Add("a"+boldRed.sequence()+"b\nc", "mali\x1b[2Jcious")
	table.Render()
	if got := out.String(); strings.Contains(got, "\x1b") || strings.Count(got, "\n") != 2 {
		t.Errorf("%q", got)
	}
}
