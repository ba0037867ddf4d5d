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

// call is a call of the command in a document or a help text.
type call struct {
	where, text string
	whole       bool // it can be typed as written; else it is part of a sentence
}

// The command accepts every call in the documents and the help texts.
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

// documentedCalls returns the calls in the documents, on lines of their own and in sentences.
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

// exampleCalls returns the calls in the help of a command and its subcommands.
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
	// A call ends before a pipe, a redirection or a comment.
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

// inSentence converts a call in a sentence to one that can be typed. It removes the brackets of
// optional parts and --help, and replaces N by a number.
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
