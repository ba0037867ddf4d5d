package golden

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// file returns a golden with a content, and a function that reads what became of it.
func file(t *testing.T, content string, update bool) (f *File, read func() string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "golden.txt")
	if content != "" {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return New(path, &update), func() string {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
}

func TestFile_Compare(t *testing.T) {
	f, _ := file(t, "== TestFile_Compare 1\nfirst\n\n== TestFile_Compare 2\nsecond\nof two == lines\n\n== TestFile_Compare/sub_test 1\nthird\n", false)
	f.Compare(t, "first\n")
	f.Compare(t, "second\nof two == lines")
	t.Run("sub test", func(t *testing.T) { f.Compare(t, "third") })
	if err := f.Finish(); err != nil {
		t.Error(err)
	}
}

// A test that runs again, as with -count, has the same sections.
func TestFile_Compare_again(t *testing.T) {
	f, _ := file(t, "== TestFile_Compare_again 1\ntext\n", false)
	f.Compare(t, "text")
	f.forget(t.Name())
	f.Compare(t, "text")
}

func TestFile_Compare_updates(t *testing.T) {
	f, read := file(t, "== TestFile_Compare_updates 1\nearlier\n\n== TestGone 1\nx\n", true)
	f.Compare(t, "later")
	f.Compare(t, "more")
	if err := f.Finish(); err != nil {
		t.Fatal(err)
	}
	want := "== TestFile_Compare_updates 1\nlater\n\n== TestFile_Compare_updates 2\nmore\n"
	if !ranAll() {
		want += "\n== TestGone 1\nx\n"
	}
	if got := read(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestFile_Finish_namesWhatIsGone(t *testing.T) {
	if !ranAll() {
		t.Skip("only some tests run, so the others are not gone")
	}
	f, _ := file(t, "== TestGone 1\nx\n", false)
	if err := f.Finish(); err == nil || !strings.Contains(err.Error(), "TestGone 1") {
		t.Errorf("got %v, want the section TestGone 1", err)
	}
}
