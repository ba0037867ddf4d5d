package settings

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the tables of docs/settings.md")

const docsPath = "../../docs/settings.md"

// docs/settings.md is edited by people. Only the tables between marks are generated, from the
// comments and tags of the declaration; -update rewrites them.
func TestDocs(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(docsPath)
	if err != nil {
		t.Fatal(err)
	}

	comments := readComments(t)
	want := string(page)
	for _, section := range documentedSections() {
		begin, end := "<!-- generated: "+section.name+" -->\n", "<!-- end -->\n"
		before, rest, found := strings.Cut(want, begin)
		_, after, ended := strings.Cut(rest, end)
		if !found || !ended {
			t.Fatalf("docs/settings.md has no block %q: add %s and %s", section.name, strings.TrimSpace(begin), strings.TrimSpace(end))
		}
		want = before + begin + table(section.settings, comments) + end + after
	}

	if *update {
		if err := os.WriteFile(docsPath, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(page), want); diff != "" {
		t.Errorf("docs/settings.md (-document +declaration): `go test ./pkg/settings -update` rewrites it\n%s", diff)
	}
}

// documentedSetting is a setting with the struct that declares it.
type documentedSetting struct {
	Field
	owner string
}

type documentedSection struct {
	name     string
	settings []documentedSetting
}

// documentedSections returns the settings by the first part of their path. Those of the
// deployment itself are in the first section.
func documentedSections() []documentedSection {
	sections := []documentedSection{{name: "deployment"}}
	for _, setting := range documentedSettings(reflect.TypeFor[Deployment](), "") {
		name, _, below := strings.Cut(setting.Path, ".")
		if !below || name == "tags" {
			name = "deployment"
		}
		i := slices.IndexFunc(sections, func(s documentedSection) bool { return s.name == name })
		if i < 0 {
			i = len(sections)
			sections = append(sections, documentedSection{name: name})
		}
		sections[i].settings = append(sections[i].settings, setting)
	}
	return sections
}

func documentedSettings(kind reflect.Type, path string) []documentedSetting {
	var list []documentedSetting
	for _, field := range Members(kind) {
		below := strings.TrimPrefix(path+"."+JSONName(field), ".")
		switch {
		case isSection(field.Type):
			list = append(list, documentedSettings(field.Type, below)...)
		case field.Type.Kind() == reflect.Map && isSection(field.Type.Elem()):
			list = append(list, documentedSettings(field.Type.Elem(), below+"."+anyFeed)...)
		default:
			if field.Type.Kind() == reflect.Map {
				below += "." + anyTag
			}
			owner := kind
			for _, i := range field.Index[:len(field.Index)-1] {
				owner = owner.Field(i).Type
			}
			list = append(list, documentedSetting{Field{below, field}, owner.Name()})
		}
	}
	return list
}

// readComments returns the comments of the fields in this package by "Struct.Field".
func readComments(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("no source: %v", err)
	}
	comments := map[string]string{}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(node ast.Node) bool {
			spec, isType := node.(*ast.TypeSpec)
			if !isType {
				return true
			}
			if structure, isStruct := spec.Type.(*ast.StructType); isStruct {
				for _, field := range structure.Fields.List {
					for _, ident := range field.Names {
						comments[spec.Name.Name+"."+ident.Name] = strings.Join(strings.Fields(field.Doc.Text()), " ")
					}
				}
			}
			return false
		})
	}
	return comments
}

func table(list []documentedSetting, comments map[string]string) string {
	var text strings.Builder
	text.WriteString("| setting | values | default | meaning |\n| --- | --- | --- | --- |\n")
	for _, setting := range list {
		meaning := explain(setting.StructField, comments[setting.owner+"."+setting.Name])
		fmt.Fprintf(&text, "| `%s` | %s | %s | %s |\n", setting.Path, values(setting.StructField), preset(setting.StructField), meaning)
	}
	return text.String()
}

// values says which values a setting accepts, within which bounds.
func values(field reflect.StructField) string {
	if words := oneOf(field); len(words) > 0 {
		if isNumber := field.Type.Kind() == reflect.Int && !IsText(field.Type); isNumber {
			return strings.Join(words, ", ")
		}
		return "`" + strings.Join(words, "`, `") + "`"
	}
	text, _, _ := strings.Cut(describe(field.Type), ",")
	switch field.Type.Kind() {
	case reflect.Slice:
		text = "a list of text"
	case reflect.Map:
		text = "text"
	}
	low, high := field.Tag.Get(tagMin), field.Tag.Get(tagMax)
	switch {
	case low == "":
		return text
	case high == "":
		return text + ", at least " + low
	}
	return text + ", " + low + " to " + high
}

// preset returns the default of a setting, or the words about an unset setting.
func preset(field reflect.StructField) string {
	text, found := field.Tag.Lookup(tagDefault)
	switch {
	case found:
		return "`" + text + "`"
	case field.Tag.Get(tagUnset) != "":
		return markdown(field.Tag.Get(tagUnset))
	case field.Type.Kind() == reflect.Bool:
		return "`false`"
	}
	return "none"
}

var (
	theOrHow = regexp.MustCompile(`^(is|are) (the|an?|where|how|what) `)
	document = regexp.MustCompile(`\bdocs/([a-z]+\.md)\b`)
	camel    = regexp.MustCompile(`\b[a-z]+[A-Z]\w+\b`)
)

// explain formats the comment of a setting as a table cell. "PollInterval is how often ..."
// becomes "How often ...", and the name in Go becomes the one in cdk.json elsewhere.
func explain(field reflect.StructField, comment string) string {
	rest, named := strings.CutPrefix(comment, field.Name+" ")
	switch {
	case !named || strings.HasPrefix(rest, "of ") || strings.HasPrefix(rest, "that "):
		return markdown(comment)
	case theOrHow.MatchString(rest):
		_, rest, _ = strings.Cut(rest, " ")
		return markdown(strings.ToUpper(rest[:1]) + rest[1:])
	}
	return "`" + JSONName(field) + "` " + markdown(rest)
}

// markdown escapes text, links to documents, and sets names of settings as code.
func markdown(text string) string {
	text = strings.NewReplacer("|", `\|`, "<", "&lt;", "*", `\*`).Replace(text)
	text = document.ReplaceAllString(text, "[docs/$1]($1)")
	return camel.ReplaceAllStringFunc(text, func(word string) string {
		if slices.ContainsFunc(Fields(reflect.TypeFor[Deployment]()), func(f Field) bool { return JSONName(f.StructField) == word }) {
			return "`" + word + "`"
		}
		return word
	})
}

// A setting without a comment would be documented by nothing.
func TestDocs_comments(t *testing.T) {
	t.Parallel()
	comments := readComments(t)
	goName := regexp.MustCompile(`\b[A-Z][a-z]+[A-Z]\w+\b`)
	for _, setting := range documentedSettings(reflect.TypeFor[Deployment](), "") {
		comment := comments[setting.owner+"."+setting.Name]
		meaning := explain(setting.StructField, comment)
		switch name := goName.FindString(meaning); {
		case comment == "":
			t.Errorf("%s.%s has no comment", setting.owner, setting.Name)
		case name != "" && !slices.Contains([]string{"CloudFormation", "CloudWatch", "EventBridge", "PutRetentionPolicy"}, name):
			t.Errorf("%s: %q is not a name in cdk.json: %s", setting.Path, name, meaning)
		}
	}
}
