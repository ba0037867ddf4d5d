package cli

import (
	"bytes"
	"strings"
	"testing"

	"github.com/vbauerster/mpb/v8"

	"github.com/resolverwatch/resolverwatch/internal/logfile"
)

// Progress has a total only if it is known: standard input has none.
func TestNewBar(t *testing.T) {
	t.Parallel()
	file := logfile.Source{Name: "a.json", Size: 2048}
	for _, test := range []struct {
		name     string
		sources  []logfile.Source
		want     string
		hasTotal bool
	}{
		{"a file", []logfile.Source{file}, "reading 1.0 KiB / 2.0 KiB", true},
		{"standard input", []logfile.Source{logfile.Stdin(strings.NewReader(""))}, "read 1.0 KiB, ", false},
		{"a file and standard input", []logfile.Source{file, logfile.Stdin(strings.NewReader(""))}, "read 1.0 KiB, ", false},
	} {
		var out bytes.Buffer
		container := mpb.New(mpb.WithOutput(&out), mpb.WithWidth(40), mpb.WithAutoRefresh())
		bar := newBar(container, test.sources)
		bar.SetCurrent(1024)
		bar.Abort(false) // the last state stays
		container.Wait()
		if got := out.String(); !strings.Contains(got, test.want) || strings.Contains(got, " / ") != test.hasTotal {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}
