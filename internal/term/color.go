package term

import (
	"io"
	"os"
	"strings"
)

// When says when text is colored.
type When string

// Values of [When].
const (
	Auto   When = "auto" // on a terminal, unless the environment says otherwise
	Always When = "always"
	Never  When = "never"
)

// HasColors decides whether text for people is colored. Of the environment, NO_COLOR comes first,
// then CLICOLOR_FORCE; CLICOLOR=0 and TERM=dumb turn colors off too.
func (w When) HasColors(out io.Writer) bool {
	force := os.Getenv("CLICOLOR_FORCE")
	switch {
	case w != Auto:
		return w == Always
	case os.Getenv("NO_COLOR") != "":
		return false
	case force != "" && force != "0":
		return true
	case os.Getenv("CLICOLOR") == "0", os.Getenv("TERM") == "dumb":
		return false
	}
	return IsTerminal(out)
}

// Sequences by which a terminal changes its color. They are of the first sixteen colors, so that
// the theme of the terminal chooses the shades. A [Writer] lets only these pass.
const (
	boldRed = "\x1b[1;31m"
	red     = "\x1b[31m"
	yellow  = "\x1b[33m"
	green   = "\x1b[32m"
	cyan    = "\x1b[36m"
	reset   = "\x1b[0m"
)

var sequences = []string{boldRed, red, yellow, green, cyan, reset}

// byWord has the colors of the words that say how bad something is.
var byWord = map[string]string{
	"malicious": boldRed, "unknown": yellow, "allowed": cyan, "clean": green,
	"critical": boldRed, "high": red, "medium": yellow,
}

// Colors color text. The zero Colors leave it as it is.
type Colors struct{ on bool }

// ColorsOf returns the colors of an output. Only a [Writer] may have some.
func ColorsOf(out io.Writer) Colors {
	w, ok := out.(*Writer)
	return Colors{ok && w.colored}
}

// Word returns a verdict or a severity in its color. Blanks around the word may align it.
func (c Colors) Word(text string) string { return c.paint(byWord[strings.TrimSpace(text)], text) }

// Good returns text about something that is as it should be.
func (c Colors) Good(text string) string { return c.paint(green, text) }

// Bad returns text about something that is wrong.
func (c Colors) Bad(text string) string { return c.paint(boldRed, text) }

func (c Colors) paint(color, text string) string {
	if !c.on || color == "" {
		return text
	}
	return color + text + reset
}
