package term

import (
	"bytes"
	"strings"
	"testing"

	"github.com/resolverwatch/resolverwatch/pkg/printable"
)

// With colors, signed sequences pass as plain ones, however output is cut into writes; everything else is
// escaped, the plain ones of others too.
func FuzzWriter(f *testing.F) {
	f.Add("a", "critical", "b\x1b[2J\x1b]0;title\x07\x1b[", 1)
	f.Add("\xe4\xbe", "\x1b\x1b[31", "\x1b[31mred\x1b[0m\x1b[31;1m", 2)
	f.Fuzz(func(t *testing.T, before, word, after string, step int) {
		step = max(1, step)
		var out bytes.Buffer
		w := NewWriter(&out)
		w.SetColors(true)
		for rest := before + ColorsOf(w).Bad(word) + after; rest != ""; {
			n := min(step, len(rest))
			if written, err := w.Write([]byte(rest[:n])); written != n || err != nil {
				t.Fatal(written, err)
			}
			rest = rest[n:]
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		want := printable.Text(before) + "\x1b[1;31m" + printable.Text(word) + "\x1b[0m" + printable.Text(after)
		if out.String() != want {
			t.Errorf("in writes of %d bytes: %q, want %q", step, out.String(), want)
		}
	})
}

// Without colors, not even signed sequences pass.
func TestWriter_plain(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	w := NewWriter(&out)
	if _, err := w.Write([]byte(red.sequence() + ColorsOf(w).Bad("a") + w.signed(reset))); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); !strings.HasPrefix(got, `\x1b[31ma\x1b[0;`) {
		t.Errorf("%q", got)
	}
}

// A signature of one writer is nothing to another.
func TestWriter_signature(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	one, other := NewWriter(&bytes.Buffer{}), NewWriter(&out)
	one.SetColors(true)
	other.SetColors(true)
	if _, err := other.Write([]byte(ColorsOf(one).Bad("a"))); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); strings.Contains(got, "\x1b") {
		t.Errorf("%q", got)
	}
}

// The environment and the flag say whether there are colors; a buffer is no terminal.
func TestWhen_HasColors(t *testing.T) {
	for _, test := range []struct {
		when        When
		environment string
		want        bool
	}{
		{Auto, "", false},
		{Always, "NO_COLOR=1", true},
		{Never, "CLICOLOR_FORCE=1", false},
		{Auto, "CLICOLOR_FORCE=1", true},
		{Auto, "CLICOLOR_FORCE=0", false},
		{Auto, "CLICOLOR_FORCE=1 NO_COLOR=1", false},
	} {
		for _, name := range []string{"NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE"} {
			t.Setenv(name, "")
		}
		for _, setting := range strings.Fields(test.environment) {
			name, value, _ := strings.Cut(setting, "=")
			t.Setenv(name, value)
		}
		if got := test.when.HasColors(&bytes.Buffer{}); got != test.want {
			t.Errorf("--color %s with %q: %v", test.when, test.environment, got)
		}
	}
}
