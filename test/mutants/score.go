package main

import (
	"bufio"
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Statuses of gremlins.
const (
	killed     = "KILLED"
	lived      = "LIVED"
	timedOut   = "TIMED OUT" // the change made an endless loop, which a test noticed by its time
	notCovered = "NOT COVERED"
	notViable  = "NOT VIABLE"
)

// score counts the changes of a part.
type score struct {
	part                       *part
	killed, survived, ignored  int
	untested                   []string // files without results
	survivors, explained, idle []string // idle are explanations that are not needed
}

func (s *score) percent() float64 {
	if s.killed+s.survived == 0 {
		return 100
	}
	return 100 * float64(s.killed) / float64(s.killed+s.survived)
}

// scoreOf reads the results of a part.
func scoreOf(o *options, p *part, all []explanation) (*score, error) {
	source, err := hashOf(filepath.Join(o.root, p.folder))
	if err != nil {
		return nil, err
	}
	s := &score{part: p}
	used := map[explanation]bool{}
	for _, file := range p.files {
		name := filepath.ToSlash(filepath.Join(p.folder, file))
		kept, err := o.readResults(p, file, source)
		if err != nil {
			return nil, err
		}
		if kept == nil {
			s.untested = append(s.untested, name)
			continue
		}
		parsed, err := readSource(filepath.Join(o.root, name))
		if err != nil {
			return nil, err
		}
		for _, m := range kept.Mutants {
			s.add(name, m, parsed, all, used)
		}
		for _, e := range all {
			if e.file == name && !used[e] {
				s.idle = append(s.idle, e.String())
			}
		}
	}
	return s, nil
}

// add counts one change.
func (s *score) add(file string, m mutant, in *source, all []explanation, used map[explanation]bool) {
	switch e := find(all, file, m.Type, in.line(m.Line)); {
	case m.Status == notViable, in.isConstant(m), in.isText(m):
		s.ignored++ // it does not compile, or gremlins cannot see which tests cover it
	case m.Status == killed, m.Status == timedOut:
		s.killed++
	case e != nil:
		used[*e] = true
		s.explained = append(s.explained, e.String())
	default:
		s.survived++
		s.survivors = append(s.survivors, fmt.Sprintf("%-11s %s %s:%d:%d  %s", m.Status, m.Type, file, m.Line, m.Column, in.line(m.Line)))
	}
}

// print writes the score for people.
func (s *score) print(w io.Writer) {
	fmt.Fprintf(w, "%s (%s): tests notice %d of %d changes, %.1f %%; %d make no difference, %d do not count\n",
		s.part.name, s.part.folder, s.killed, s.killed+s.survived, s.percent(), len(s.explained), s.ignored)
	for _, line := range s.survivors {
		fmt.Fprintln(w, "  "+line)
	}
	for _, line := range s.idle {
		fmt.Fprintln(w, "  explained, but noticed or gone: "+line)
	}
	for _, file := range s.untested {
		fmt.Fprintln(w, "  not tested: "+file)
	}
}

// explanation says why a kind of change in a line makes no difference.
type explanation struct{ file, mutator, line, why string }

func (e *explanation) String() string { return fmt.Sprintf("%s %s: %s", e.mutator, e.file, e.line) }

func find(all []explanation, file, mutator, line string) *explanation {
	i := slices.IndexFunc(all, func(e explanation) bool { return e.file == file && e.mutator == mutator && e.line == line })
	if i < 0 {
		return nil
	}
	return &all[i]
}

// readExplained reads testdata/explained.tsv: file, kind of change, line of code, and reason.
func readExplained(root string) (all []explanation, err error) {
	file, err := os.Open(filepath.Join(root, "test", "mutants", "testdata", "explained.tsv"))
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // only read
	for lines := bufio.NewScanner(file); lines.Scan(); {
		fields := strings.Split(lines.Text(), "\t")
		const columns = 4
		if len(fields) != columns {
			return nil, fmt.Errorf("explained.tsv: %q: must have a file, a kind of change, a line and a reason", lines.Text())
		}
		all = append(all, explanation{fields[0], fields[1], fields[2], fields[3]})
	}
	return all, nil
}

// source is a file with what gremlins does not know about it.
type source struct {
	lines     []string
	constants []lineRange
	texts     map[token.Position]bool // of operators that join texts
}

type lineRange struct{ first, last int }

func (s *source) line(number int) string {
	if number < 1 || number > len(s.lines) {
		return ""
	}
	return strings.TrimSpace(s.lines[number-1])
}

// isConstant reports whether a change is in a declaration outside of functions, for which Go
// measures no coverage.
func (s *source) isConstant(m mutant) bool {
	return m.Status == notCovered && slices.ContainsFunc(s.constants, func(r lineRange) bool { return r.first <= m.Line && m.Line <= r.last })
}

// isText reports whether a change replaces the operator that joins texts. The code then does not
// compile, which counts as noticed otherwise.
func (s *source) isText(m mutant) bool {
	return m.Type == "ARITHMETIC_BASE" && s.texts[token.Position{Line: m.Line, Column: m.Column}]
}

// readSource reads a file. An operator joins texts if one of its operands is a text in quotes, or
// is itself such an expression.
func readSource(path string) (*source, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	files := token.NewFileSet()
	parsed, err := parser.ParseFile(files, path, text, 0)
	if err != nil {
		return nil, err
	}

	s := &source{lines: strings.Split(string(text), "\n"), texts: map[token.Position]bool{}}
	for _, d := range parsed.Decls {
		if general, ok := d.(*ast.GenDecl); ok {
			s.constants = append(s.constants, lineRange{files.Position(general.Pos()).Line, files.Position(general.End()).Line})
		}
	}
	ast.Inspect(parsed, func(n ast.Node) bool {
		if b, ok := n.(*ast.BinaryExpr); ok && isText(b) {
			at := files.Position(b.OpPos)
			s.texts[token.Position{Line: at.Line, Column: at.Column}] = true
		}
		return true
	})
	return s, nil
}

func isText(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.BasicLit:
		return e.Kind == token.STRING
	case *ast.ParenExpr:
		return isText(e.X)
	case *ast.BinaryExpr:
		return e.Op == token.ADD && (isText(e.X) || isText(e.Y))
	default:
		return false
	}
}

// byFile sorts explanations, as they are written in the file.
func byFile(a, b explanation) int {
	return cmp.Or(cmp.Compare(a.file, b.file), cmp.Compare(a.line, b.line), cmp.Compare(a.mutator, b.mutator))
}
