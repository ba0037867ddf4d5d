package logfile

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// grown is a followed file in a test.
type grown struct {
	t        *testing.T
	path     string
	text     io.Reader
	stop     context.CancelFunc
	messages chan string
}

func grow(t *testing.T, begin string) *grown {
	t.Helper()
	g := &grown{t: t, path: filepath.Join(t.TempDir(), "log"), messages: make(chan string, 10)}
	if begin != "" {
		g.append(begin)
	}
	ctx, stop := context.WithCancel(t.Context())
	t.Cleanup(stop)
	source, err := Follow(ctx, g.path, func(message string) { g.messages <- strings.TrimPrefix(message, g.path) })
	if err != nil {
		t.Fatal(err)
	}
	if g.text, err = source.open(t.Context()); err != nil {
		t.Fatal(err)
	}
	g.stop = stop
	return g
}

func (g *grown) append(text string) {
	g.t.Helper()
	file, err := os.OpenFile(g.path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		g.t.Fatal(err)
	}
	_, err = file.WriteString(text)
	if err := errors.Join(err, file.Close()); err != nil {
		g.t.Fatal(err)
	}
}

// wants reads as much as it wants, and checks it.
func (g *grown) wants(want string) {
	g.t.Helper()
	got := make([]byte, len(want))
	if n, err := io.ReadFull(g.text, got); err != nil || string(got) != want {
		g.t.Fatalf("got %q and error %v, want %q", got[:n], err, want)
	}
}

func (g *grown) says(want string) {
	g.t.Helper()
	if got := <-g.messages; !strings.Contains(got, want) {
		g.t.Errorf("message %q, want %q", got, want)
	}
}

// ends stops to follow, and checks what comes last.
func (g *grown) ends(want string) {
	g.t.Helper()
	g.stop()
	if rest, err := io.ReadAll(g.text); err != nil || string(rest) != want {
		g.t.Errorf("at the end %q and error %v, want %q", rest, err, want)
	}
}

func TestFollow_lines(t *testing.T) {
	t.Parallel()
	g := grow(t, "{1}\n{2")
	g.wants("{1}\n") // the second line has no end yet
	g.append("}\n{3}\n")
	g.wants("{2}\n{3}\n")
	g.append("{4}\n{5}")
	g.wants("{4}\n")
	g.ends("{5}") // only its line end is missing
}

func TestFollow_missing(t *testing.T) {
	t.Parallel()
	g := grow(t, "")
	g.says(" does not exist yet: waiting for it")
	g.append("{1}\n")
	g.wants("{1}\n")
	g.append("{2")
	g.append("}\n{3")
	g.wants("{2}\n")
	g.ends("")
	g.says(": the last line is not complete")
}

// The rest of the old file comes before the new one, and its last line does not spoil the next.
func TestFollow_replaced(t *testing.T) {
	t.Parallel()
	g := grow(t, "{1}\n")
	g.wants("{1}\n")
	if err := os.Rename(g.path, g.path+".1"); err != nil {
		t.Fatal(err)
	}
	old, err := os.OpenFile(g.path+".1", os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := old.WriteString("{2}\n{3"); err != nil { // a writer that does not know yet
		t.Fatal(err)
	}
	g.wants("{2}\n")
	g.append("{4}\n")
	g.wants("{3\n{4}\n")
	g.says(" was replaced")
	if err := errors.Join(old.Close(), os.Remove(g.path)); err != nil {
		t.Fatal(err)
	}
	g.append("{5}\n")
	g.wants("{5}\n")
	g.says(" was replaced")
	g.ends("")
}

func TestFollow_truncated(t *testing.T) {
	t.Parallel()
	g := grow(t, "{1}\n{2}\n")
	g.wants("{1}\n{2}\n")
	if err := os.Truncate(g.path, 0); err != nil {
		t.Fatal(err)
	}
	g.says(" was truncated")
	g.append("{3}\n")
	g.wants("{3}\n")
	g.ends("")
}

// A line that is longer than a read is not held back.
func TestFollow_longLine(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 3*readBytes) + "\n"
	g := grow(t, long)
	g.wants(long)
	g.ends("")
}

// An interrupt ends a long file, and says how far it was read.
func TestFollow_stoppedEarly(t *testing.T) {
	t.Parallel()
	g := grow(t, strings.Repeat("{1}\n", 10*readBytes))
	g.wants("{1}\n")
	g.stop()
	if _, err := io.Copy(io.Discard, g.text); err != nil {
		t.Error(err)
	}
	g.says(" was read up to byte ")
}

func TestFollow_refused(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	packed := filepath.Join(folder, "log.gz")
	if err := os.WriteFile(packed, append(gzipMagic, 8, 0), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		path string
		want error
	}{
		{packed, errFollowPacked},
		{folder, errFollowFolder},
		{os.DevNull, errFollowPipe},
		{filepath.Join(folder, "none", "log"), os.ErrNotExist},
	} {
		if _, err := Follow(t.Context(), test.path, func(string) {}); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", test.path, err, test.want)
		}
	}

	g := grow(t, "{1}\n")
	g.wants("{1}\n")
	if err := os.Remove(g.path); err != nil {
		t.Fatal(err)
	}
	g.append(string(gzipMagic) + "\n")
	if _, err := io.ReadAll(g.text); !errors.Is(err, errFollowPacked) {
		t.Errorf("a file that was replaced by a compressed one: %v", err)
	}
}
