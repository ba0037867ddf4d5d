// Command corpus prints how every list of the corpus in RESOLVERWATCH_CORPUS would be
// imported, one per line: what is accepted, what is dropped and why, and the decision. With
// -drops it also prints every entry that the guards drop, for manual review: an ordinary
// name among them means that a guard is too strict, and a very popular name among the
// accepted ones means that one is too lax. IPV4, IPV6 /64 and WIDE are the reach of the
// address blocks: addresses, networks, and wide blocks; the last line has their sums.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"

	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/list"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

func main() {
	drops := flag.Bool("drops", false, "print every dropped entry")
	top := flag.String("top", "", "a `list` of top sites for the guards")
	flag.Parse()
	if err := run(os.Getenv("RESOLVERWATCH_CORPUS"), *drops, *top); err != nil {
		fmt.Fprintln(os.Stderr, "corpus:", err)
		os.Exit(1)
	}
}

// folders of the corpus that contain lists.
var folders = []string{"data/feeds", "data/load", "vectors/own/bad_lists"}

func run(root string, drops bool, top string) error {
	if root == "" {
		return errors.New("set RESOLVERWATCH_CORPUS to the folder of the corpus")
	}
	guards := list.Guards{Guards: settings.DefaultGuards()}
	if top != "" {
		file, err := os.Open(top)
		if err != nil {
			return err
		}
		defer file.Close()
		if err := guards.ReadTop(file); err != nil {
			return err
		}
	}
	lists, err := findLists(root)
	if err != nil {
		return err
	}
	rows := table.NewWriter()
	rows.SetOutputMirror(os.Stdout)
	rows.AppendHeader(table.Row{"LIST", "FORMAT", "ENTRIES", "REJECTED", "SKIPPED", "DROPPED", "REPEATS", "TAKEN", "IPV4", "IPV6 /64", "WIDE", "DECISION", "DROPPED BECAUSE"})
	var all list.Summary
	all.Dropped = map[list.DropReason]int{}
	refused := 0
	for _, path := range lists {
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		report, decision, err := read(path, name, guards, drops)
		if err != nil {
			return err
		}
		if decision != "taken" {
			refused++
		}
		for reason, n := range report.Dropped {
			all.Dropped[reason] += n
		}
		all.Entries += report.Entries
		all.Rejected += report.Rejected
		all.Skipped += report.Skipped
		all.Repeats += report.Repeats
		all.Names += report.Names
		all.Reach = all.Reach.Plus(report.Reach)
		all.Wide += report.Wide
		rows.AppendRow(rowOf(name, string(report.Format), &report, decision))
	}
	rows.AppendFooter(rowOf(fmt.Sprintf("%d lists", len(lists)), "", &all, fmt.Sprintf("%d refused", refused)))
	rows.Render()
	return nil
}

func rowOf(name, format string, r *list.Summary, decision string) table.Row {
	dropped := 0
	var why []string
	for _, reason := range slices.Sorted(maps.Keys(r.Dropped)) {
		dropped += r.Dropped[reason]
		why = append(why, fmt.Sprintf("%d %s", r.Dropped[reason], reason))
	}
	return table.Row{name, format, r.Entries, r.Rejected, r.Skipped, dropped, r.Repeats, r.Names, r.Reach.IPv4, r.Reach.IPv6, r.Wide, decision, strings.Join(why, ", ")}
}

func findLists(root string) (lists []string, err error) {
	for _, folder := range folders {
		err := filepath.WalkDir(filepath.Join(root, filepath.FromSlash(folder)), func(path string, file fs.DirEntry, err error) error {
			isList := err == nil && !file.IsDir() && !strings.HasPrefix(file.Name(), "LICENSE") && file.Name() != "SOURCES.md"
			if isList {
				lists = append(lists, path)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return lists, nil
}

// read reads a list as an import does. Lists in folders named allow are read as allow
// feeds.
func read(path, name string, guards list.Guards, drops bool) (list.Summary, string, error) {
	file, err := os.Open(path)
	if err != nil {
		return list.Summary{}, "", err
	}
	defer file.Close()
	s := list.Options{}
	if strings.Contains(filepath.ToSlash(name), "/allow/") {
		s.Action = indicator.ActionAllow
	}
	hooks := list.Hooks{}
	if drops {
		hooks.OnDrop = func(d list.Drop) {
			fmt.Printf("%s:%d\t%s\t%s\t%s\n", name, d.Line, d.Reason, d.Entry, d.Scope)
		}
	}
	_, report, err := list.Read(file, s, guards, hooks)
	decision := "taken"
	var refusals list.Refusals
	if errors.As(err, &refusals) {
		codes := make([]string, len(refusals))
		for i, refusal := range refusals {
			codes[i] = string(refusal.Code)
		}
		return report, "refused: " + strings.Join(codes, ", "), nil
	}
	return report, decision, err
}
