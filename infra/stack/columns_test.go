//go:build !race

package stack_test

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/resolverwatch/resolverwatch/pkg/catalog"
)

// The columns of the deployed tables, the members that the marker writes and those of the
// golden log have the same names. A member without a column could not be queried, and a
// column without a member would always be empty.
func TestColumns_areTheMarkersMembers(t *testing.T) {
	golden := goldenMembers(t)
	var marker []string
	for _, column := range catalog.Columns() {
		marker = append(marker, column.Name)
	}
	slices.Sort(marker)
	if diff := cmp.Diff(marker, golden); diff != "" {
		t.Errorf("golden log (-marker +golden):\n%s", diff)
	}
	resources := template(t, define(t, appContext(t, object{"delivery": object{"format": "PARQUET"}})))["Resources"].(object)
	tables := 0
	for id, value := range resources {
		resource := value.(object)
		if resource["Type"] != "AWS::Glue::Table" || strings.Contains(id, "IndicatorTable") {
			continue
		}
		tables++
		var columns []string
		storage := resource["Properties"].(object)["TableInput"].(object)["StorageDescriptor"].(object)
		for _, column := range storage["Columns"].([]any) {
			columns = append(columns, column.(object)["Name"].(string))
		}
		slices.Sort(columns)
		if diff := cmp.Diff(golden, columns); diff != "" {
			t.Errorf("%s (-golden +template):\n%s", id, diff)
		}
	}
	if tables != 2 {
		t.Errorf("%d tables of logs, want one in JSON and one in Parquet", tables)
	}
}

// goldenMembers returns the names of all members of the golden log, in order.
func goldenMembers(t *testing.T) []string {
	t.Helper()
	log, err := os.ReadFile("../../pkg/verdict/testdata/marked.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for line := range strings.Lines(string(log)) {
		var record map[string]json.RawMessage
		if err := json.Unmarshal([]byte(line), &record); err != nil {
			t.Fatal(err)
		}
		for name := range record {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return names
}
