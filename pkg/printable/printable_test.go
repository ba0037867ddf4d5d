package printable_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/resolverwatch/resolverwatch/pkg/printable"
)

func TestLine(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, in, want string }{
		{"a name", "evil.example", "evil.example"},
		{"other scripts", "bücher.example 例え.テスト 😀", "bücher.example 例え.テスト 😀"},
		{"an escape", "\x1b[31mred\x00", `\x1b[31mred\x00`},
		{"lines and tabs", "a\r\nb\tc", `a\r\nb\tc`},
		{"DEL and C1", "a\x7fb\u009b2Jc", `a\u007fb\u009b2Jc`},
		{"C1 as one byte", "a\x9b2J", `a\x9b2J`},
		{"bidi", "exe\u202egpj.\u2066x\u200f", `exe\u202egpj.\u2066x\u200f`},
		{"marks that do not show", "a\u200b\ufeff\u2028b", `a\u200b\ufeff\u2028b`},
		{"tags beyond the first plane", "a\U000e0041b", `a\udb40\udc41b`},
		{"quotes and backslashes", `say "a\.b"`, `say "a\.b"`},
		{"half a rune", "a\xe4\xbe", `a\xe4\xbe`},
	} {
		if got := printable.Line(tc.in); got != tc.want {
			t.Errorf("%s: Line(%q) = %q, want %q", tc.name, tc.in, got, tc.want)
		}
		want := tc.want
		if tc.name == "lines and tabs" {
			want = "a\\r\nb\tc"
		}
		if got := printable.Text(tc.in); got != want {
			t.Errorf("%s: Text(%q) = %q, want %q", tc.name, tc.in, got, want)
		}
	}
}

// JSON that passes through a writer has the same meaning, and nothing that a terminal obeys.
func TestText_json(t *testing.T) {
	t.Parallel()
	in := map[string]string{"na\u202eme\x7f": "a\x1b[2J\u009b\U000e0041\u2028 ü"}
	text, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]string
	if err := json.Unmarshal([]byte(printable.Text(string(text))), &out); err != nil {
		t.Fatal(err)
	}
	for key, value := range in {
		if out[key] != value {
			t.Errorf("%q became %q", in, out)
		}
	}
}

// hasHidden reports whether a text has a character that a terminal could obey, or that does not
// show.
func hasHidden(text string, keep string) bool {
	if !utf8.ValidString(text) {
		return true
	}
	return strings.ContainsFunc(text, func(r rune) bool {
		return !strings.ContainsRune(keep, r) && (unicode.In(r, unicode.C, unicode.Zl, unicode.Zp))
	})
}

// However output is cut into writes, the same text comes out, and nothing hidden is in it.
func FuzzWriter(f *testing.F) {
	f.Add("a\x1b[31m\u202e例え\x9b\U000e0041\r\n", 1)
	f.Add("\xe4\xbe", 2)
	f.Fuzz(func(t *testing.T, text string, step int) {
		step = max(1, step)
		var out bytes.Buffer
		w := printable.NewWriter(&out)
		for rest := []byte(text); len(rest) > 0; rest = rest[min(step, len(rest)):] {
			part := rest[:min(step, len(rest))]
			if n, err := w.Write(part); n != len(part) || err != nil {
				t.Fatal(n, err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if want := printable.Text(text); out.String() != want {
			t.Errorf("in writes of %d bytes %q, at once %q", step, out.String(), want)
		}
		if hasHidden(out.String(), "\n\t") || hasHidden(printable.Line(text), "") {
			t.Errorf("%q becomes %q and %q", text, out.String(), printable.Line(text))
		}
		if !hasHidden(text, "") && printable.Line(text) != text {
			t.Errorf("%q becomes %q", text, printable.Line(text))
		}
	})
}
