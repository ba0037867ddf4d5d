package boundary_test

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Bounds of the shape of the code: more than this, and a reader cannot see the idea.
const (
	maxPackageFiles     = 26  // without tests
	maxTypeMethods      = 25  // with those of embedded types of this project
	maxInterfaceMethods = 5   // a port
	maxFunctionLines    = 40  // of the body, without comments; in test/ only the linter counts
	maxFileLines        = 500 // of any Go file
)

// shapeExceptions are the places over a bound, with the reason. A place that is within its bounds
// must not be listed.
var shapeExceptions = map[string]string{
	"infra/resolverwatch":                       "a construct with its props in one file: the library is one package, so that apps need one import",
	"internal/cli":                              "a command a file, with its flags and its output",
	"pkg/awsio/table.API":                       "the calls of DynamoDB's client that a table makes; no caller implements it",
	"pkg/feed/internal/stixpattern.Parser":      "a parser with its lexer: a method for each rule of the grammar",
	"pkg/awsio/table/feed.go decodeFeedRow":     "one line for each column of a row",
	"pkg/feed/slowjson_test.go":                 "the slow reader of JSON is one idea: a second implementation to compare with",
	"pkg/importer/importer_test.go":             "one table of behaviours for each kind of event",
	"pkg/importer/world_test.go":                "the embedded world of all tests of the importer",
	"pkg/importer/fetch_test.go":                "every way in which a fetch and a secret can go wrong",
	"pkg/list/guard_test.go":                    "one table of guards",
	"internal/localaws/s3/server_test.go":       "the rules of S3 that the server keeps",
	"internal/localaws/firehose/stream_test.go": "the rules of Firehose that the stream keeps",
}

// shape is what the syntax of the tree says about its bounds.
type shape struct {
	files      map[string]int      // non-test files by folder
	methods    map[string][]string // by type, as "pkg/feed.Report"
	embedded   map[string][]string // types of this project that a type embeds
	interfaces map[string]*ast.InterfaceType
	overlong   map[string]string // functions and files, with what is too long
}

func TestShape(t *testing.T) {
	s := readShape(t)
	found := maps.Clone(s.overlong)
	for folder, count := range s.files {
		if count > maxPackageFiles {
			found[folder] = strconv.Itoa(count) + " files"
		}
	}
	for name := range s.methods {
		if count := len(s.allMethods(name, map[string]bool{})); count > maxTypeMethods {
			found[name] = strconv.Itoa(count) + " methods"
		}
	}
	for name, declared := range s.interfaces {
		if count := declared.Methods.NumFields(); count > maxInterfaceMethods {
			found[name] = strconv.Itoa(count) + " methods in an interface"
		}
	}

	for _, place := range slices.Sorted(maps.Keys(found)) {
		if shapeExceptions[place] == "" {
			t.Errorf("%s: %s", place, found[place])
		}
	}
	for _, place := range slices.Sorted(maps.Keys(shapeExceptions)) {
		if found[place] == "" {
			t.Errorf("%s is within its bounds: remove the exception", place)
		}
	}
}

// readShape parses every Go file outside testdata.
func readShape(t *testing.T) *shape {
	t.Helper()
	s := &shape{
		files: map[string]int{}, methods: map[string][]string{}, embedded: map[string][]string{},
		interfaces: map[string]*ast.InterfaceType{}, overlong: map[string]string{},
	}
	walk(t, func(name string) {
		if filepath.Ext(name) != ".go" || strings.Contains(name, "/testdata/") {
			return
		}
		text, err := os.ReadFile(filepath.Join(root(t), name))
		if err != nil {
			t.Fatal(err)
		}
		if lines := bytes.Count(text, []byte{'\n'}); lines > maxFileLines {
			s.overlong[name] = strconv.Itoa(lines) + " lines"
		}
		if strings.HasSuffix(name, "_test.go") {
			return
		}
		s.files[path.Dir(name)]++
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, name, text, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		s.addFile(set, name, file, text)
	})
	return s
}

func (s *shape) addFile(set *token.FileSet, name string, file *ast.File, text []byte) {
	folder := path.Dir(name)
	for _, declared := range file.Decls {
		switch d := declared.(type) {
		case *ast.FuncDecl:
			if d.Recv != nil {
				receiver := folder + "." + typeName(d.Recv.List[0].Type)
				s.methods[receiver] = append(s.methods[receiver], d.Name.Name)
			}
			if lines := bodyLines(set, text, d); lines > maxFunctionLines && !strings.HasPrefix(name, "test/") {
				s.overlong[name+" "+d.Name.Name] = strconv.Itoa(lines) + " lines"
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				if declared, ok := spec.(*ast.TypeSpec); ok {
					s.addType(folder, file, declared)
				}
			}
		}
	}
}

func (s *shape) addType(folder string, file *ast.File, declared *ast.TypeSpec) {
	name := folder + "." + declared.Name.Name
	switch kind := declared.Type.(type) {
	case *ast.InterfaceType:
		s.interfaces[name] = kind
	case *ast.StructType:
		for _, field := range kind.Fields.List {
			if len(field.Names) > 0 {
				continue
			}
			other := typeName(field.Type)
			if alias, member, found := strings.Cut(other, "."); found {
				s.embedded[name] = append(s.embedded[name], importedFolder(file, alias)+"."+member)
			} else {
				s.embedded[name] = append(s.embedded[name], folder+"."+other)
			}
		}
	}
}

// allMethods returns the names of the methods of a type, those of embedded types included.
func (s *shape) allMethods(name string, seen map[string]bool) map[string]bool {
	all := map[string]bool{}
	if seen[name] {
		return all
	}
	seen[name] = true
	for _, method := range s.methods[name] {
		all[method] = true
	}
	for _, embedded := range s.embedded[name] {
		maps.Copy(all, s.allMethods(embedded, seen))
	}
	return all
}

// typeName returns the name of a type without pointers and type arguments.
func typeName(expression ast.Expr) string {
	switch e := expression.(type) {
	case *ast.StarExpr:
		return typeName(e.X)
	case *ast.IndexExpr:
		return typeName(e.X)
	case *ast.IndexListExpr:
		return typeName(e.X)
	case *ast.SelectorExpr:
		return typeName(e.X) + "." + e.Sel.Name
	case *ast.Ident:
		return e.Name
	}
	return ""
}

// importedFolder returns the folder of a package of this module that a file imports.
func importedFolder(file *ast.File, name string) string {
	for _, spec := range file.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			continue
		}
		if spec.Name != nil && spec.Name.Name == name || spec.Name == nil && path.Base(imported) == name {
			return strings.TrimPrefix(imported, module+"/")
		}
	}
	return name
}

// bodyLines returns the number of lines between the braces of a function, without those that are
// only a comment.
func bodyLines(set *token.FileSet, text []byte, f *ast.FuncDecl) (count int) {
	if f.Body == nil {
		return 0
	}
	first, last := set.Position(f.Body.Lbrace).Line, set.Position(f.Body.Rbrace).Line
	lines := bytes.Split(text, []byte{'\n'})
	for _, line := range lines[min(first, last-1) : last-1] {
		if !bytes.HasPrefix(bytes.TrimSpace(line), []byte("//")) {
			count++
		}
	}
	return count
}
