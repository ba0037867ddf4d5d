package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/resolverwatch/resolverwatch/pkg/list"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// Goals for the import of a million names on one core: readers must get the index long
// before Lambda's limits of time and memory, and table writes must depend only on the
// changes.
const (
	importNames       = 1_000_000
	goalImportSeconds = 20
	goalImportMiB     = 512
	goalWriteUnits    = 1.01 // for each name that changed
)

// benchImporter measures a whole import, from the event to the last table row, with the
// real table adapter on an in-memory DynamoDB that has the limits of batches. It imports
// the list a second time with 1 % of it changed, and a third time unchanged. It runs in its
// own process, on one core. The floor is reading the list alone.
func benchImporter(r *report) error {
	names, err := indexNames(r)
	if err != nil {
		return err
	}
	list := names.list[:min(len(names.list), importNames)]
	text := []byte(strings.Join(list, "\n") + "\n")
	floor := cpuSeconds(func() { _, _, err = readWhole(text) })
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "bench-import-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "list.txt")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		return err
	}
	f, err := importInChild(path)
	if err != nil {
		return err
	}
	r.info("names", float64(f.First.Names), "")
	r.info("read, guarded, sorted, merged", floor, "s CPU")
	// Other work on the machine does not count in processor time, and with one core the
	// processor time is at most the elapsed time.
	r.atMost("list to published index, one core", f.First.PublishedCPU, "s CPU", goalImportSeconds)
	r.info("list to published index, elapsed", f.First.PublishedSeconds, "s")
	if f.First.PublishedMiB > 0 { // 0 if the system does not report it
		r.atMost("list to published index, peak memory of the process", f.First.PublishedMiB, "MiB", goalImportMiB)
	}
	r.info("list to published index / reading alone", f.First.PublishedCPU/floor, "x")
	r.info("index", float64(f.First.IndexBytes)/float64(f.First.Names), "B/name")
	r.info("accepted snapshot", float64(f.First.SnapshotBytes)/float64(f.First.Names), "B/name")
	r.info("published indicators", float64(f.First.IndicatorBytes)/float64(f.First.Names), "B/name")
	r.printTable("first import", &f.First)
	r.printTable("1 % removed, 1 % added", &f.Changed)
	r.info("1 % removed, 1 % added: list to published index", f.Changed.PublishedCPU, "s CPU")
	r.info("unchanged list: to the end", f.Same.CPU, "s CPU")
	r.atMost("unchanged list: table rows written", float64(f.Same.Rows), "", 0)
	r.atMost("unchanged list: new generations", float64(f.Same.Generations), "", 0)
	return nil
}

// printTable reports what an import wrote to the table.
func (r *report) printTable(what string, f *importFigures) {
	r.info(what+": table rows written or deleted", float64(f.Rows), "")
	r.info(what+": batches", float64(f.Batches), "")
	r.info(what+": partly unprocessed or throttled batches", float64(f.Refused), "")
	r.atMost(what+": write units / names changed", float64(f.WriteUnits)/float64(f.ChangedNames), "", goalWriteUnits)
	r.info(what+": list to the last row", f.CPU, "s CPU")
}

func readWhole(text []byte) (list.List, list.Summary, error) {
	return list.Read(bytes.NewReader(text), list.Options{},
		list.Guards{Guards: settings.DefaultGuards()}, list.Hooks{})
}

// importInChild runs [importAlone] in another process, because memory that this process has
// used would count.
func importInChild(path string) (f importReport, err error) {
	executable, err := os.Executable()
	if err != nil {
		return f, err
	}
	child := exec.Command(executable, "-import", path)
	child.Env = append(os.Environ(), "GOMAXPROCS=1")
	child.Stderr = os.Stderr
	out, err := child.Output()
	if err != nil {
		return f, fmt.Errorf("importing in a child process: %w", err)
	}
	return f, json.Unmarshal(out, &f)
}
