package cli

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/resolverwatch/resolverwatch/pkg/awsio/athena"
)

// csvLine writes cells and returns their line.
func csvLine(t *testing.T, cells ...string) string {
	t.Helper()
	var out bytes.Buffer
	var row athena.Row
	for i := range cells {
		row = append(row, &cells[i])
	}
	if err := newResultWriter(formCSV, &out).row(row); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// No cell begins a formula, for any reader. Other cells stay as they are.
func TestCSVWriter_formulas(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ in, want string }{
		{"evil.example", "evil.example"},
		{"", ""},
		{"-42", "-42"},
		{"-1.5e3", "-1.5e3"},
		{"a=b", "a=b"},
		{"a; b", "a; b"},
		{`say "x"`, `say "x"`},
		{"=1+1", "'=1+1"},
		{"+1+1", "'+1+1"},
		{"-1+1", "'-1+1"},
		{"@SUM(1)", "'@SUM(1)"},
		{"\t=1", "'\t'=1"},
		{"\r\n=1", "'\r\n'=1"},
		{" =1", "' =1"},
		{"\u00a0=1", "'\u00a0=1"},
		{`"=1`, `'"=1`},
		{"＝1+1", "'＝1+1"},
		{"＋1", "'＋1"},
		{"－1", "'－1"},
		{"＠SUM(1)", "'＠SUM(1)"},
		{"\u200b=1", "'\u200b=1"},
		{"\ufeff\u202e=1", "'\ufeff\u202e=1"},
		{"\u0301=1", "'\u0301=1"},
		{"\u3164=1", "'\u3164=1"},
		{"\x00=1", "'\x00=1"},
		{"\xff=1", "'\xff=1"},
		{"a;=1", "a;'=1"},
		{"a\t=1", "a\t'=1"},
		{"a\n=1;@x", "a\n'=1;'@x"},
		{"a| ＝1", "a|' ＝1"},
		{"-1;=1", "'-1;'=1"},
	} {
		line := csvLine(t, tc.in)
		if want := `"` + strings.ReplaceAll(tc.want, `"`, `""`) + "\"\n"; line != want {
			t.Errorf("%q becomes %q, want %q", tc.in, line, want)
		}
	}
}

// The name of a column is a cell, and NULL is not an empty text.
func TestCSVWriter(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	w, empty := newResultWriter(formCSV, &out), ""
	if err := w.begin([]athena.Column{{Name: "=a"}, {Name: "b"}, {Name: "c"}}); err != nil {
		t.Fatal(err)
	}
	if err := w.row(athena.Row{nil, &empty, nil}); err != nil {
		t.Fatal(err)
	}
	if want := "\"'=a\",\"b\",\"c\"\n,\"\",\n"; out.String() != want {
		t.Errorf("wrote %q, want %q", out.String(), want)
	}
}

// beginsFormula is what a careless reader could take for a formula. It is written in another way
// than the code.
var beginsFormula = regexp.MustCompile(`^[\pZ\pC\pM\s"\x{FFFD}\x{115F}\x{1160}\x{2800}\x{3164}\x{FFA0}]*[=+@\-＝＋－＠﹦﹢﹣﹫−]`)

// A reader of CSV gets the cells back, but for apostrophes. A reader with any other separator,
// which ignores quotes, finds no formula.
func FuzzCSVWriter(f *testing.F) {
	f.Add("=1;=2", "a\t\u200b＝1")
	f.Add("-1", "\"\"=1")
	f.Add("\r\r\n", "")
	f.Fuzz(func(t *testing.T, one, two string) {
		line := csvLine(t, one, two)
		rows, err := csv.NewReader(strings.NewReader(line)).ReadAll()
		if err != nil || len(rows) != 1 || len(rows[0]) != 2 {
			t.Fatalf("%q, %q become %q: %v", one, two, line, err)
		}
		for i, in := range []string{one, two} {
			got := rows[0][i]
			read := strings.ReplaceAll(in, "\r\n", "\n") // encoding/csv changes these line ends
			if strings.ReplaceAll(got, "'", "") != strings.ReplaceAll(read, "'", "") {
				t.Errorf("%q becomes %q", in, got)
			}
			for _, part := range strings.FieldsFunc(got, func(r rune) bool { return strings.ContainsRune(";|\t\r\n", r) }) {
				if part == got && strings.HasPrefix(got, "-") && json.Valid([]byte(got)) {
					continue
				}
				if beginsFormula.MatchString(part) {
					t.Errorf("%q becomes %q, where %q begins a formula", in, got, part)
				}
			}
			if got != "" && strings.ContainsRune("\t\r\n", rune(got[0])) {
				t.Errorf("%q becomes %q", in, got)
			}
		}
	})
}
