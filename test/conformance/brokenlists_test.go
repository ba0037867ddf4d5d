package conformance_test

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"text/tabwriter"

	"github.com/resolverwatch/resolverwatch/pkg/list"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
	"github.com/resolverwatch/resolverwatch/test/conformance/brokenlists"
)

const brokenFolder = "../testdata/broken-lists"

// maxCost is the maximum total allocation of reading a broken list. The most expensive one is
// a warninglist, which is buffered until its type is known.
const maxCost = 100 << 20

// TestImport_brokenLists reads every broken list with the code and the guards of an import
// and checks the decision. It prints all decisions.
func TestImport_brokenLists(t *testing.T) {
	var table strings.Builder
	columns := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	fmt.Fprintln(columns, "LIST\tWHAT IS WRONG\tDECISION")
	guards := list.Guards{Guards: settings.DefaultGuards()}
	all := brokenlists.All(brokenFolder)
	for _, list := range all {
		r, err := list.Open()
		if err != nil {
			t.Fatal(err)
		}
		start := allocated()
		decision, refusals, err := list.Decide(r, guards)
		if err != nil {
			t.Fatal(err)
		}
		if cost := allocated() - start; cost > maxCost {
			t.Errorf("%s: reading it allocates %d MiB", list.Name, cost>>20)
		}
		if decision != list.Want {
			t.Errorf("%s (%s): got %s, want %s\n%v", list.Name, list.Wrong, decision, list.Want, refusals)
		}
		for _, refusal := range refusals {
			if refusal.What == "" || refusal.Todo == "" {
				t.Errorf("%s: the refusal does not say what to do: %+v", list.Name, refusal)
			}
		}
		fmt.Fprintf(columns, "%s\t%s\t%s\n", list.Name, list.Wrong, decision)
	}
	columns.Flush()
	t.Logf("%d broken lists\n%s", len(all), table.String())
}

func allocated() uint64 {
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.TotalAlloc
}

// Every file has an expected decision, and no list is repeated.
func TestBrokenLists_complete(t *testing.T) {
	files, err := os.ReadDir(brokenFolder)
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	for _, list := range brokenlists.All(brokenFolder) {
		if listed[list.Name] {
			t.Errorf("%s is repeated", list.Name)
		}
		listed[list.Name] = true
	}
	for _, file := range files {
		if !listed[file.Name()] {
			t.Errorf("%s: has no expected decision", file.Name())
		}
	}
}
