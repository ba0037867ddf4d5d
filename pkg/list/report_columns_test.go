package list_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/resolverwatch/resolverwatch/pkg/list"
)

// The report of an import says first how the columns of a table were read, and then what was accepted.
func TestReport_columns(t *testing.T) {
	t.Parallel()
	const table = "type,value,brand,link\ndomain,evil.example,bigshop.test,https://blog.vendor.test\nsha256,x,,\nsha256,y,,\nfile,z,,\n"
	var report list.Report
	_, summary, err := list.Read(strings.NewReader(table), list.Options{}, defaultGuards(), report.Hooks())
	if err != nil {
		t.Fatal(err)
	}
	report.AddSummary(&summary)
	_, text, _ := strings.Cut(string(report.Text()), "\nformat ")
	text, _, _ = strings.Cut(text, "\nskipped line")
	const want = `   csv
  column 1 "type": type (by its heading)
  column 2 "value": name (by its heading)
  column 3 "brand": not read (by its heading)
  column 4 "link": reference (by its heading)
lines     5
entries   4
  rejected       0
  skipped        3
               3  neither a name nor an address
  dropped        0
  repeats        0
  expired        0
  skipped by type: 2 "sha256", 1 "file"
listed    1 (before: 0)
`
	if diff := cmp.Diff(want, text); diff != "" {
		t.Error("-want +got:\n", diff)
	}
}
