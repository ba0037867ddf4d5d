package catalog_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/resolverwatch/resolverwatch/pkg/catalog"
)

// Glue folds names to lower case and refuses a table with a name twice.
func TestColumns(t *testing.T) {
	t.Parallel()
	valid := regexp.MustCompile(`^[a-z][a-z_]*$`)
	for _, columns := range [][]catalog.Column{catalog.Columns(), catalog.ThreatColumns(), catalog.IndicatorColumns()} {
		seen := map[string]bool{}
		for _, column := range columns {
			if !valid.MatchString(column.Name) || seen[column.Name] {
				t.Errorf("name %q is invalid or there twice", column.Name)
			}
			seen[column.Name] = true
			if column.Type == "" || column.When == "" || column.Description == "" {
				t.Errorf("column %q: incomplete: %+v", column.Name, column)
			}
			// The limit of a column comment in Glue, and of a column type.
			if len(column.Description) > 255 || len(column.Type) > 131_072 {
				t.Errorf("column %q: too long for Glue", column.Name)
			}
		}
	}
}

func TestMarkColumns_threat(t *testing.T) {
	t.Parallel()
	columns := catalog.MarkColumns()
	threat := columns[len(columns)-1]
	const want = "struct<indicator:string,scope:string,matched:string,part:string,feeds:array<string>," +
		"category:string,severity:string,confidence:int,allowed_by:string>"
	if threat.Name != catalog.Threat || threat.Type != want {
		t.Errorf("%s is %s, want %s", threat.Name, threat.Type, want)
	}
	if strings.ContainsAny(threat.Type, " \n") {
		t.Errorf("white space in %q, which Glue takes for a part of a name", threat.Type)
	}
}

// A caller may change what it is given.
func TestColumns_copies(t *testing.T) {
	t.Parallel()
	catalog.Columns()[0].Name = "changed"
	if got := catalog.Columns()[0].Name; got != "version" {
		t.Errorf("first column is %q", got)
	}
}
