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

// maxCost is what the reading of a broken list may allocate, all in all. The most takes a
// warninglist that is held back until its type is known.
const maxCost = 100 << 20

// TestImport_brokenLists reads every broken list by the code and the guards of an import
// and compares the decision with the one that is right. It prints them all.
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
		before := allocated()
		decision, refusals, err := list.Decide(r, guards)
		if err != nil {
			t.Fatal(err)
		}
		if cost := allocated() - before; cost > maxCost {
			t.Errorf("%s: its reading allocates %d MiB", list.Name, cost>>20)
		}
		if decision != list.Want {
			t.Errorf("%s (%s): %s, want %s\n%v", list.Name, list.Wrong, decision, list.Want, refusals)
		}
		for _, refusal := range refusals {
			if refusal.What == "" || refusal.Todo == "" {
				t.Errorf("%s: a refusal that does not say what to do: %+v", list.Name, refusal)
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

// Every file has its decision, and no list stands there twice.
func TestBrokenLists_complete(t *testing.T) {
	files, err := os.ReadDir(brokenFolder)
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	for _, list := range brokenlists.All(brokenFolder) {
		if listed[list.Name] {
			t.Errorf("%s stands there twice", list.Name)
		}
		listed[list.Name] = true
	}
	for _, file := range files {
		if !listed[file.Name()] {
			t.Errorf("%s: no decision is stated for it", file.Name())
		}
	}
}
