package catalog

import (
	"regexp"
	"strings"
	"testing"
)

// Glue folds names to lower case and rejects a table with duplicate names.
func TestColumns(t *testing.T) {
	t.Parallel()
	valid := regexp.MustCompile(`^[a-z][a-z_]*$`)
	for _, columns := range [][]Column{Columns(), threatColumns(), IndicatorColumns()} {
		seen := map[string]bool{}
		for _, column := range columns {
			if !valid.MatchString(column.Name) || seen[column.Name] {
				t.Errorf("name %q is invalid or duplicate", column.Name)
			}
			seen[column.Name] = true
			if column.Type == "" || column.When == "" || column.Description == "" {
				t.Errorf("column %q is incomplete: %+v", column.Name, column)
			}
			// Limits of Glue for a column comment and a column type.
			if len(column.Description) > 255 || len(column.Type) > 131_072 {
				t.Errorf("column %q has a comment or type that is too long for Glue", column.Name)
			}
		}
	}
}

func TestMarkColumns_threat(t *testing.T) {
	t.Parallel()
	columns := markColumns()
	threat := columns[len(columns)-1]
	const want = "struct<indicator:string,scope:string,matched:string,part:string,feeds:array<string>," +
		"category:string,severity:string,confidence:int,allowed_by:string,more_parts:int,more_feeds:int>"
	if threat.Name != Threat || threat.Type != want {
		t.Errorf("%s is %s, want %s", threat.Name, threat.Type, want)
	}
	if strings.ContainsAny(threat.Type, " \n") {
		t.Errorf("%q contains white space, which Glue takes for a part of a name", threat.Type)
	}
}

// Callers may change the returned slice.
func TestColumns_copies(t *testing.T) {
	t.Parallel()
	Columns()[0].Name = "changed"
	if got := Columns()[0].Name; got != "version" {
		t.Errorf("first column is %q", got)
	}
}
