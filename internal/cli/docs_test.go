package cli

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// call is a call of the command as a text shows it.
type call struct {
	where, text string
	whole       bool // to be typed as it stands; else in the middle of a sentence
}

// Every call that the documents and the help show is one that the command takes.
func TestDocumentedCalls(t *testing.T) {
	calls := append(documentedCalls(t), exampleCalls(newRoot(streams{strings.NewReader(""), io.Discard, io.Discard}))...)
	if len(calls) < 50 {
		t.Fatalf("only %d calls found", len(calls))
	}
	for _, call := range calls {
		if err := call.check(); err != nil {
			t.Errorf("%s: %s: %v", call.where, call.text, err)
		}
	}
}

// documentedCalls returns those that stand on a line or in a sentence of a document.
func documentedCalls(t *testing.T) []call {
	t.Helper()
	documents, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile("(?m)^(?:    )?(resolverwatch [a-z-][^`\n]*)$")
	span := regexp.MustCompile("`(resolverwatch [^`]+)`")
	var calls []call
	for _, document := range append(documents, "../../README.md") {
		text, err := os.ReadFile(document)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range span.FindAllStringSubmatch(string(text), -1) {
			calls = append(calls, call{filepath.Base(document), strings.Join(strings.Fields(match[1]), " "), false})
		}
		for _, match := range line.FindAllStringSubmatch(string(text), -1) {
			calls = append(calls, call{filepath.Base(document), match[1], true})
		}
	}
	return calls
}

// exampleCalls returns those in the help of a command and of those below it.
func exampleCalls(cmd *cobra.Command) []call {
	var calls []call
	for line := range strings.Lines(cmd.Example) {
		if at := strings.Index(line, "resolverwatch "); at >= 0 {
			calls = append(calls, call{cmd.CommandPath(), strings.TrimSpace(line[at:]), true})
		}
	}
	for _, child := range cmd.Commands() {
		calls = append(calls, exampleCalls(child)...)
	}
	return calls
}

var (
	word = regexp.MustCompile(`"[^"]*"|'[^']*'|[^\s"']+`)
	// A call ends where the shell does something else with it.
	end = regexp.MustCompile(` (\||>|<|#).*$`)
)

func (c call) check() error {
	var words []string
	for _, text := range word.FindAllString(end.ReplaceAllString(c.text, ""), -1)[1:] {
		words = append(words, strings.Trim(text, `"'`))
	}
	root := newRoot(streams{strings.NewReader(""), io.Discard, io.Discard})
	root.InitDefaultCompletionCmd(words...)
	if !c.whole {
		words = inSentence(words)
	}
	cmd, rest, err := root.Find(words)
	if err == nil {
		err = cmd.ParseFlags(rest)
	}
	if err == nil && (c.whole || cmd.HasSubCommands()) {
		err = cmd.ValidateArgs(cmd.Flags().Args())
	}
	return err
}

// inSentence makes what a sentence or table says of a call one that could be typed:
// brackets around what may be left out go, a number stands for N, and help is not asked for.
func inSentence(words []string) []string {
	var plain []string
	for _, text := range words {
		switch text = strings.Trim(text, "[]"); text {
		case "", "...", "--help", "COMMAND":
		case "N":
			plain = append(plain, "1")
		default:
			plain = append(plain, text)
		}
	}
	return plain
}
