package hunter

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/resolverwatch/resolverwatch/pkg/namedquery"
)

// The deployed queries return the columns that identify their findings, and have the parameters
// that a run sets. Without them a hunt would fail, or read all logs.
func TestNeeded_deployed(t *testing.T) {
	t.Parallel()
	checked := 0
	for _, query := range slices.Sorted(maps.Keys(needed)) {
		text, err := os.ReadFile(filepath.Join("../../infra/resolverwatch/queries", query+".sql"))
		if os.IsNotExist(err) {
			continue // a schedule of it gets an error
		}
		if err != nil {
			t.Fatal(err)
		}
		if query == "malicious-hosts" && !strings.Contains(string(text), "indicator_hosts") {
			continue // an edition without the worst indicator of a host, which no schedule runs by default
		}
		checked++
		parsed, err := namedquery.Parse(string(text))
		if err != nil {
			t.Fatal(err)
		}
		var parameters []string
		for _, parameter := range parsed.Parameters {
			parameters = append(parameters, parameter.Name)
		}
		for _, name := range []string{"from", "until"} {
			if !slices.Contains(parameters, name) {
				t.Errorf("%s has no parameter %s", query, name)
			}
		}

		sql := string(text)
		last := sql[strings.LastIndex(sql, "\nSELECT "):]
		last, _, _ = strings.Cut(last, "\nFROM ")
		columns := slices.Concat(host, needed[query])
		if query == queryCoverage {
			columns = needed[query]
		}
		for _, column := range columns {
			if !regexp.MustCompile(`\b` + column + `\b(,|\n|$)`).MatchString(last) {
				t.Errorf("%s does not return %s:%s", query, column, last)
			}
		}
	}
	if checked < 2 {
		t.Errorf("only %d deployed queries found", checked)
	}
}
