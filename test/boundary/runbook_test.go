package boundary_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// userFacing are the folders whose errors and log messages a user can meet. A message of another
// folder reaches a user only inside one of these.
var userFacing = []string{
	"cmd/resolverwatch", "internal/cli", "internal/operator", "internal/logfile", "internal/hunt", "lambdas",
	"pkg/awsio", "pkg/fetch", "pkg/importer", "pkg/index", "pkg/list", "pkg/namedquery", "pkg/snapshot",
	"pkg/storage", "pkg/table", "pkg/transformer", "pkg/loader", "pkg/marker", "pkg/backfill", "internal/replay", "infra/config", "infra/gofunction", "infra/template",
}

// runbookExceptions lists messages that do not need an entry, as "file | part of the message | reason". A
// "*" stands for all messages of a file.
const runbookExceptions = "test/boundary/testdata/runbook.txt"

// message is an error or a log message in the code.
type message struct{ file, text string }

// Every message that a user can meet is in docs/runbook.md, or listed as an exception with a reason.
func TestRunbookMessages(t *testing.T) {
	runbook := normalized(read(t, "docs", "runbook.md"))
	exceptions := readExceptions(t)
	found := messages(t)
	if len(found) < 150 {
		t.Fatalf("only %d messages were found", len(found))
	}
	needed := map[string]bool{}
	for _, m := range found {
		if slices.ContainsFunc(parts(m.text), func(part string) bool { return strings.Contains(runbook, part) }) {
			continue
		}
		at := slices.IndexFunc(exceptions, func(e exception) bool { return e.covers(m) })
		if at < 0 {
			t.Errorf("%s: docs/runbook.md has no entry for %q: it must contain one of %q", m.file, m.text, parts(m.text))
			continue
		}
		needed[exceptions[at].line] = true
	}
	for _, e := range exceptions {
		if !needed[e.line] {
			t.Errorf("%s: %q is not needed any more", runbookExceptions, e.line)
		}
	}
}

type exception struct{ line, file, part string }

func (e exception) covers(m message) bool {
	return m.file == e.file && (e.part == "*" || strings.Contains(m.text, e.part))
}

func readExceptions(t *testing.T) []exception {
	t.Helper()
	var all []exception
	for line := range strings.Lines(read(t, strings.Split(runbookExceptions, "/")...)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		parts := strings.Split(line, " | ")
		if len(parts) != 3 || parts[2] == "" {
			t.Fatalf("%s: must be \"file | part | reason\": %q", runbookExceptions, line)
		}
		all = append(all, exception{line, parts[0], parts[1]})
	}
	return all
}

func normalized(text string) string { return strings.Join(strings.Fields(text), " ") }

var verb = regexp.MustCompile(`%[-+#.\[\]0-9]*[a-zA-Z%]`)

// Lengths of the parts of a message by which its entry is found: a shorter one says too little, and a
// longer one is a whole sentence, of which the beginning is enough.
const (
	minPart = 12
	maxPart = 40
)

// parts returns the beginnings of the texts between the verbs of a format. If all are short, it
// returns the longest.
func parts(format string) []string {
	var long []string
	longest := ""
	for _, part := range verb.Split(normalized(format), -1) {
		part = strings.Trim(part, " :;,.'\"()")
		if end := strings.LastIndexByte(part[:min(len(part), maxPart+1)], ' '); len(part) > maxPart && end > 0 {
			part = strings.TrimRight(part[:end], ":;,.")
		}
		if len(part) >= minPart {
			long = append(long, part)
		}
		if len(part) > len(longest) {
			longest = part
		}
	}
	if len(long) == 0 && longest != "" {
		return []string{longest}
	}
	return long
}

// writers are the calls whose text a user sees, by the name of the function: its argument with the
// text.
var writers = map[string]int{
	"New": 0, "Errorf": 0,
	"Error": 0, "Warn": 0, "ErrorContext": 1, "WarnContext": 1,
}

// messages returns the messages of the code. It leaves out errors that only add a place to the error
// that they wrap.
func messages(t *testing.T) []message {
	t.Helper()
	var all []message
	for _, folder := range userFacing {
		forEachSource(t, folder, func(name, text string) {
			file, err := parser.ParseFile(token.NewFileSet(), name, text, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(file, func(node ast.Node) bool {
				if call, isCall := node.(*ast.CallExpr); isCall {
					if text, found := writtenText(folder, call); found && !wrapsOnly(text) {
						all = append(all, message{name, text})
					}
				}
				return true
			})
		})
	}
	return all
}

// writtenText returns the text of a call that a user sees.
func writtenText(folder string, call *ast.CallExpr) (text string, found bool) {
	var name string
	switch function := call.Fun.(type) {
	case *ast.Ident:
		name = function.Name
	case *ast.SelectorExpr:
		name = function.Sel.Name
		if from, isName := function.X.(*ast.Ident); name == "New" && (!isName || from.Name != "errors") {
			return "", false
		}
	}
	argument, known := writers[name]
	if folder == "pkg/fetch" && (name == "refuse" || name == "fail") {
		known = true
	}
	if !known || len(call.Args) <= argument {
		return "", false
	}
	return literal(call.Args[argument])
}

// literal returns the value of a text that is written out, perhaps in several parts.
func literal(expression ast.Expr) (string, bool) {
	switch e := expression.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(e.Value)
		return text, err == nil && e.Kind == token.STRING
	case *ast.BinaryExpr:
		left, first := literal(e.X)
		right, second := literal(e.Y)
		return left + right, first && second
	default:
		return "", false
	}
}

// wrapping matches the format of an error that says what was being done, or adds a detail to an
// error of its own kind. The error that it wraps has an entry.
var wrapping = regexp.MustCompile(`^[^;]*%w$|^%w: `)

func wrapsOnly(format string) bool { return wrapping.MatchString(format) || len(parts(format)) == 0 }

// codes are the types whose constants are words in reports, logs and marked records.
var codes = []struct{ folder, typ string }{
	{"pkg/list", "RefusalCode"},
	{"pkg/list", "DropReason"},
	{"pkg/list", "Outcome"},
	{"pkg/fetch", "Outcome"},
	{"pkg/verdict", "Reason"},
}

// Every word that says why a list was refused, an entry dropped, a fetch failed or a verdict is
// unknown is in the runbook.
func TestRunbookCodes(t *testing.T) {
	runbook := read(t, "docs", "runbook.md")
	for _, kind := range codes {
		count := 0
		forEachSource(t, kind.folder, func(name, text string) {
			if path.Dir(name) != kind.folder {
				return
			}
			constant := regexp.MustCompile(fmt.Sprintf(`(?m)^\t\w+ +%s += +"(\w+)"`, kind.typ))
			for _, match := range constant.FindAllStringSubmatch(text, -1) {
				count++
				if !strings.Contains(runbook, "`"+match[1]+"`") {
					t.Errorf("%s: `%s` is not in docs/runbook.md", name, match[1])
				}
			}
		})
		if count < 3 {
			t.Errorf("%s.%s has only %d constants", kind.folder, kind.typ, count)
		}
	}
}

// Every step that a deployment leaves to do by hand is in the runbook.
func TestRunbookSteps(t *testing.T) {
	runbook := read(t, "docs", "runbook.md")
	id := regexp.MustCompile(`\b(?:ID:|Step\w+ +=) +"(\w+)"( \+)?`)
	steps := 0
	forEachSource(t, "infra/resolverwatch", func(name, text string) {
		for _, match := range id.FindAllStringSubmatch(text, -1) {
			steps++
			output := "`ToDo" + match[1] + "`"
			if match[2] != "" {
				output = "`ToDo" + match[1] + "...`"
			}
			if !strings.Contains(runbook, output) && !strings.HasPrefix(match[1], "KeyPolicy") && match[1] != "AssociateVpc" {
				t.Errorf("%s: %s is not in docs/runbook.md", name, output)
			}
		}
	})
	if steps < 8 {
		t.Errorf("only %d steps were found", steps)
	}
}
