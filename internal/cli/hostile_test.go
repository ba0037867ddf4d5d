package cli

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"
)

// ourColors are the sequences that the command writes itself.
var ourColors = regexp.MustCompile(`\x1b\[(1;31|3[1236]|0)m`)

// No name of a file, line of a list or argument can control a terminal.
func TestRun_hostileText(t *testing.T) {
	t.Parallel()
	const controls = "\x1b[31m\u009b2J\u202e\x7f\x07"
	folder := t.TempDir()
	list := filepath.Join(folder, "li"+controls+"st.txt")
	if err := os.WriteFile(list, []byte("evil.example\na b"+controls+"\n"), 0o600); err != nil {
		t.Skip("the file system has no such names: ", err)
	}
	for name, args := range map[string][]string{
		"the list of a check":     {"check", "--feed", list, "evil.example"},
		"the list of a lint":      {"feed", "lint", list},
		"a lint as JSON":          {"feed", "lint", "-o", "json", list},
		"a missing list":          {"check", "--feed", filepath.Join(folder, "nosuch"+controls), "evil.example"},
		"a missing log":           {"scan", "--feed", list, filepath.Join(folder, "nolog"+controls)},
		"a name":                  {"check", "--feed", list, "a" + controls + ".example"},
		"a command":               {"no" + controls},
		"a flag":                  {"scan", "--no" + controls},
		"the value of a flag":     {"check", "--feed", list, "-o", controls, "evil.example"},
		"an index that is a list": {"index", "inspect", list},
	} {
		for _, color := range []string{"never", "always"} {
			var out, messages bytes.Buffer
			run(context.Background(), append([]string{"--color", color}, args...), streams{strings.NewReader(""), &out, &messages})
			shown := out.String() + messages.String()
			isForged := strings.Contains(shown, "\x1b[31m\\u009b") // a color of theirs
			plain := ourColors.ReplaceAllString(shown, "")
			hasControls := strings.ContainsFunc(plain, func(r rune) bool { return r != '\n' && r != '\t' && unicode.In(r, unicode.C) })
			if shown == "" || isForged || hasControls {
				t.Errorf("%s, --color %s: %q", name, color, shown)
			}
		}
	}
}
