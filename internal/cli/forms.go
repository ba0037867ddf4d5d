package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/resolverwatch/resolverwatch/internal/term"
)

// Output forms. A form means the same for every command that has it.
const (
	formText    = "text"    // for people
	formTable   = "table"   // for people, with a row for each result
	formSummary = "summary" // for people, without each result
	formJSON    = "json"    // one object on each line
	formNDJSON  = "ndjson"  // another name of json
	formCSV     = "csv"     // for spreadsheets, see csvWriter
)

// formMeanings are shown by the completion of a shell.
var formMeanings = map[string]string{
	formText:    "for people",
	formTable:   "for people, a row for each result",
	formSummary: "for people: hosts, indicators, hours",
	formJSON:    "one object on each line",
	formNDJSON:  "one object on each line",
	formCSV:     "for spreadsheets",
}

// formAliases are other names under which a command takes a form that it has.
var formAliases = map[string][]string{
	formJSON:   {formNDJSON},
	formNDJSON: {formJSON},
	formText:   {formSummary, formTable},
}

// formValue is the value of --output.
type formValue struct {
	chosen *string
	forms  []string // what the command has
}

func (v *formValue) String() string { return *v.chosen }

// Type is the word for the value in messages.
func (v *formValue) Type() string { return "form" }

// Set sets the form, or the one that a name stands for.
func (v *formValue) Set(text string) error {
	for _, name := range append([]string{text}, formAliases[text]...) {
		if slices.Contains(v.forms, name) {
			*v.chosen = name
			return nil
		}
	}
	return fmt.Errorf("must be %s%s", oneOf(v.names()), didYouMean(text, v.names()))
}

// names returns the forms for messages. JSON has the name by which all commands take it.
func (v *formValue) names() []string {
	names := slices.Clone(v.forms)
	if at := slices.Index(names, formNDJSON); at >= 0 {
		names[at] = formJSON
	}
	return names
}

// registerForm adds the flag --output to a command that has the forms. The default is the first of
// them, unless byDefault says another one.
func registerForm(cmd *cobra.Command, chosen *string, byDefault string, forms ...string) {
	v := &formValue{chosen, forms}
	usage := "`FORM`: " + oneOf(v.names())
	switch {
	case byDefault != "":
		usage += " (default: " + byDefault + ")"
	case *chosen == "":
		*chosen = forms[0]
	}
	cmd.Flags().VarP(v, "output", "o", strings.Replace(usage, formJSON, "json with one object on each line", 1))
	complete(cmd, "output", func() (values []string) {
		for _, name := range v.names() {
			values = append(values, cobra.CompletionWithDesc(name, formMeanings[name]))
		}
		return values
	})
}

// oneOf joins choices for a message: "a, b or c".
func oneOf(choices []string) string {
	if len(choices) < 2 {
		return strings.Join(choices, "")
	}
	last := len(choices) - 1
	return strings.Join(choices[:last], ", ") + " or " + choices[last]
}

// formFor returns the form that was chosen or, if none was, one for people on a terminal and one for
// programs elsewhere.
func formFor(out io.Writer, chosen, people, programs string) string {
	switch {
	case chosen != "":
		return chosen
	case term.IsTerminal(out):
		return people
	}
	return programs
}
