package namedquery_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/resolverwatch/resolverwatch/pkg/namedquery"
)

// Each deployed file starts with a question and describes the default of every parameter.
// Synthesis fills in only the names of tables and the format of partitions.
func TestParse_deployed(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../infra/resolverwatch/queries/*.sql")
	if err != nil || len(files) < 10 {
		t.Fatalf("found %d files, %v", len(files), err)
	}
	variable := regexp.MustCompile(`\$\{(.*?)\}`)
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
				t.Errorf("the first line is not a question: %q", query.Question)
			}
			for _, parameter := range query.Parameters {
				if parameter.Required == strings.Contains(parameter.Description, "if not set") {
					t.Errorf("parameter %q: must either describe its default or say that it must be given", parameter.Name)
				}
			}
			// A client that splits statements may not recognise comments.
			if strings.Contains(string(text), ";") {
				t.Error("contains a semicolon")
			}
			for _, found := range variable.FindAllStringSubmatch(string(text), -1) {
				if name := found[1]; name != "logs" && name != "indicators" && name != "format" {
					t.Errorf("${%s} is never filled in", name)
				}
			}
		})
	}
}
