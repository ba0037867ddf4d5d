package term

import (
	"bytes"
	"strings"
	"testing"

	"github.com/resolverwatch/resolverwatch/pkg/printable"
)

// With colors, our own sequences pass, however output is cut into writes; everything else is escaped.
func FuzzWriter(f *testing.F) {
	f.Add("a"+boldRed+"critical"+reset+"b\x1b[2J\x1b]0;title\x07\x1b[", 1)
	f.Add("\xe4\xbe"+red+"\x1b\x1b[31", 2)
	f.Fuzz(func(t *testing.T, in string, step int) {
		step = max(1, step)
		var out bytes.Buffer
		w := NewWriter(&out)
		w.SetColors(true)
		for rest := in; rest != ""; {
			n := min(step, len(rest))
			if written, err := w.Write([]byte(rest[:n])); written != n || err != nil {
				t.Fatal(written, err)
			}
			rest = rest[n:]
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if want := slowly(in); out.String() != want {
			t.Errorf("%q in writes of %d bytes: %q, want %q", in, step, out.String(), want)
		}
	})
}

// slowly is a plain version of what a writer with colors does.
func slowly(in string) string {
	first, length := len(in), 0
	for _, sequence := range sequences {
		if at := strings.Index(in, sequence); at >= 0 && at < first {
			first, length = at, len(sequence)
		}
	}
	if length == 0 {
		return printable.Text(in)
	}
	return printable.Text(in[:first]) + in[first:first+length] + slowly(in[first+length:])
}

// Without colors, not even our own sequences pass.
func TestWriter_plain(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	w := NewWriter(&out)
	if _, err := w.Write([]byte(red + "a" + reset)); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); got != `\x1b[31ma\x1b[0m` {
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
