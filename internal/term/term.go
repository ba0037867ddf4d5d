// Package term knows what the output of a command goes to: a terminal with a width, which may
// show colors, or a pipe or a file, which gets plain text that is never cut.
//
// A [Writer] is the last step before the terminal. It makes text of others harmless and lets only
// our own colors pass, so that a name in a log cannot control a terminal. A [Table] lays out rows.
package term

import (
	"cmp"
	"io"
	"os"
	"strconv"

	"golang.org/x/term"
)

// Unwrapped returns the stream below writers such as [Writer], for control characters of our own,
// and for data.
func Unwrapped(out io.Writer) io.Writer {
	for {
		safe, ok := out.(interface{ Unwrap() io.Writer })
		if !ok {
			return out
		}
		out = safe.Unwrap()
	}
}

// IsTerminal reports whether people see the output at once.
func IsTerminal(out io.Writer) bool {
	file, ok := Unwrapped(out).(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// defaultWidth is the width of a terminal that does not tell it.
const defaultWidth = 80

// widthOf returns how many columns a terminal has, or 0 if out is not a terminal. The variable
// COLUMNS comes before what the terminal says.
func widthOf(out io.Writer) int {
	if !IsTerminal(out) {
		return 0
	}
	wanted, _ := strconv.Atoi(os.Getenv("COLUMNS"))
	shown := 0
	if file, ok := Unwrapped(out).(*os.File); ok {
		shown, _, _ = term.GetSize(int(file.Fd()))
	}
	return cmp.Or(max(wanted, 0), max(shown, 0), defaultWidth)
}
