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

// color is the parameters of a sequence by which a terminal changes its color. These are of the first
// sixteen colors, so that the theme of the terminal chooses the shades.
type color string

const (
	boldRed color = "1;31"
	red     color = "31"
	yellow  color = "33"
	green   color = "32"
	cyan    color = "36"
	reset   color = "0"
)

// sequence returns what a terminal obeys.
func (c color) sequence() string { return begin + string(c) + end }

const (
	begin = "\x1b["
	end   = "m"
)

// byWord has the colors of the words that say how bad something is.
var byWord = map[string]color{
	"malicious": boldRed, "unknown": yellow, "allowed": cyan, "clean": green,
	"critical": boldRed, "high": red, "medium": yellow,
}

// Colors color text that goes to a [Writer]. The zero Colors leave it as it is.
type Colors struct{ w *Writer }

// ColorsOf returns the colors of an output. Only a [Writer] may have some.
func ColorsOf(out io.Writer) Colors {
	if w, ok := out.(*Writer); ok && w.colored {
		return Colors{w}
	}
	return Colors{}
}

// Word returns a verdict or a severity in its color. Blanks around the word may align it.
func (c Colors) Word(text string) string { return c.paint(byWord[strings.TrimSpace(text)], text) }

// Good returns text about something that is as it should be.
func (c Colors) Good(text string) string { return c.paint(green, text) }

// Bad returns text about something that is wrong.
func (c Colors) Bad(text string) string { return c.paint(boldRed, text) }

func (c Colors) paint(with color, text string) string {
	if c.w == nil || with == "" {
		return text
	}
	return c.w.signed(with) + text + c.w.signed(reset)
}
