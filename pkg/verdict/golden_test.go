package verdict_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/resolverwatch/resolverwatch/pkg/catalog"
	"github.com/resolverwatch/resolverwatch/pkg/verdict"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// goldenMarks marks a log in testdata, which has one record per line.
func goldenMarks(t *testing.T, file string) []byte {
	t.Helper()
	entries := []string{
		"urlhaus block subtree evil.example malware_download high 90", "corp block name www.evil.example",
		"addr block cidr 2001:db8:bad::/48 botnet_cc critical 80",
		"corp block subtree partner.example", "allow-partners allow subtree partner.example",
	}
	for i := range 19 {
		entries = append(entries, fmt.Sprintf("vendor-%02d block subtree popular.example", i))
	}
	x := newIndex(t, entries...)
	log, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	m := verdict.NewMarker(x, verdict.Options{})
	var lines []byte
	for record := range bytes.Lines(log) {
		if lines, err = m.Mark(lines, record); err != nil {
			t.Fatalf("%v in %s", err, record)
		}
	}
	return lines
}

// TestGolden pins what users read: the marked form of each shape of record.
func TestGolden(t *testing.T) {
	t.Parallel()
	compareGolden(t, "testdata/marked.jsonl", goldenMarks(t, "log.jsonl"))
}

// TestGolden_ocsf pins the marked form of OCSF records, whose members have no columns.
func TestGolden_ocsf(t *testing.T) {
	t.Parallel()
	compareGolden(t, "testdata/ocsf-marked.jsonl", goldenMarks(t, "ocsf.jsonl"))
}

func compareGolden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("marked log (-want +got), use -update to rewrite it:\n%s", diff)
	}
}

// Each member of the marked log has a column and each column has a member. Our members are
// in the order of the catalog.
func TestGolden_catalog(t *testing.T) {
	t.Parallel()
	seen, seenThreat := map[string]bool{}, map[string]bool{}
	for line := range strings.Lines(string(goldenMarks(t, "log.jsonl"))) {
		names := memberNames(t, line)
		for _, name := range names {
			seen[name] = true
		}
		inOrder(t, line, names, ourColumns())
		var object struct{ Threat json.RawMessage }
		if err := json.Unmarshal([]byte(line), &object); err != nil {
			t.Fatal(err)
		}
		if object.Threat == nil {
			continue
		}
		names = memberNames(t, string(object.Threat))
		for _, name := range names {
			seenThreat[name] = true
		}
		inOrder(t, line, names, threatColumns())
	}
	compareNames(t, "record", catalog.Columns(), seen)
	compareNames(t, "threat", threatColumns(), seenThreat)
}

// ourColumns returns the columns of the members that we add.
func ourColumns() []catalog.Column {
	return slices.DeleteFunc(catalog.Columns(), func(c catalog.Column) bool { return slices.Contains(catalog.LogColumns(), c) })
}

// threatColumns returns the columns of the members of threat, which are in its type.
func threatColumns() (columns []catalog.Column) {
	ours := ourColumns()
	members := strings.TrimSuffix(strings.TrimPrefix(ours[len(ours)-1].Type, "struct<"), ">")
	for member := range strings.SplitSeq(members, ",") {
		name, kind, _ := strings.Cut(member, ":")
		columns = append(columns, catalog.Column{Name: name, Type: kind})
	}
	return columns
}

// memberNames returns the names of the members of an object in their order.
func memberNames(t *testing.T, object string) (names []string) {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(object))
	if _, err := decoder.Token(); err != nil {
		t.Fatal(err)
	}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, name.(string))
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			t.Fatal(err)
		}
	}
	return names
}

func inOrder(t *testing.T, line string, names []string, columns []catalog.Column) {
	t.Helper()
	position := func(name string) int {
		return slices.IndexFunc(columns, func(c catalog.Column) bool { return c.Name == name })
	}
	names = slices.DeleteFunc(names, func(name string) bool { return position(name) < 0 })
	if !slices.IsSortedFunc(names, func(a, b string) int { return position(a) - position(b) }) {
		t.Errorf("members out of order in %s", line)
	}
}

func compareNames(t *testing.T, object string, columns []catalog.Column, seen map[string]bool) {
	t.Helper()
	for _, column := range columns {
		if !seen[column.Name] {
			t.Errorf("%s: the golden log has no member %q", object, column.Name)
		}
		delete(seen, column.Name)
	}
	for name := range seen {
		t.Errorf("%s: member %q has no column", object, name)
	}
}
