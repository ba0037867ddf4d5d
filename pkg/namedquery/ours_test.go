package namedquery_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/resolverwatch/resolverwatch/pkg/namedquery"
)

// The files that are deployed: each asks a question, and says of every parameter what
// holds without it. What is filled in at synthesis are names of tables and the format
// of partitions, and nothing else.
func TestParse_deployed(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../infra/resolverwatch/queries/*.sql")
	if err != nil || len(files) < 10 {
		t.Fatalf("found %d files, %v", len(files), err)
	}
	open := regexp.MustCompile(`\$\{(.*?)\}`)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			query, err := namedquery.Parse(string(text))
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasSuffix(query.Question, "?") {
				t.Errorf("its first line is no question: %q", query.Question)
			}
			for _, parameter := range query.Parameters {
				if parameter.Required == strings.Contains(parameter.Description, "if not set") {
					t.Errorf("parameter %q: does not say what holds if it is not set, or that it must be given", parameter.Name)
				}
			}
			// A client that parts statements need not know comments.
			if strings.Contains(string(text), ";") {
				t.Error("there is a semicolon in it")
			}
			for _, found := range open.FindAllStringSubmatch(string(text), -1) {
				if name := found[1]; name != "logs" && name != "indicators" && name != "format" {
					t.Errorf("nothing fills in ${%s}", name)
				}
			}
		})
	}
}
