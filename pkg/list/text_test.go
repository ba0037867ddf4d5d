package list

import (
	"strings"
	"testing"
)

func TestCleanText(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"https://lists.example/?a=b": "https://lists.example/?a=b",
		"a\tb\r\nc\x00\x7f":          "abc",
		"bad \xff byte":              "bad  byte",
		strings.Repeat("ü", 400):     strings.Repeat("ü", 256),
	} {
		if got := CleanText(in); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}
