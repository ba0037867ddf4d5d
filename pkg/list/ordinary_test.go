package list

import (
	"bytes"
	"encoding/binary"
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/zeebo/xxh3"
	"golang.org/x/net/publicsuffix"

	"github.com/resolverwatch/resolverwatch/pkg/domainname"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

var update = flag.Bool("update", false, "write suffixes.bin")

// suffixRules returns the rules of the public suffix list in use. The package that has the list
// exports no rules, but its tests have them as a list of strings.
func suffixRules(t testing.TB) (rules []string) {
	t.Helper()
	dir, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "golang.org/x/net").Output()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(strings.TrimSpace(string(dir)), "publicsuffix", "table_test.go")
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	if err != nil {
		t.Fatal(err)
	}

	ast.Inspect(file, func(n ast.Node) bool {
		spec, isSpec := n.(*ast.ValueSpec)
		if !isSpec || spec.Names[0].Name != "rules" {
			return true
		}
		for _, element := range spec.Values[0].(*ast.CompositeLit).Elts {
			rule, err := strconv.Unquote(element.(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			rules = append(rules, rule)
		}
		return false
	})
	if len(rules) < 5_000 {
		t.Fatalf("%s has %d rules", path, len(rules))
	}
	return rules
}

// The committed hashes are those of the list in use. After an update of golang.org/x/net, run
// go test ./pkg/list -run SuffixFile -update.
func TestSuffixFile(t *testing.T) {
	t.Parallel()
	var zones, names []byte
	for _, rule := range suffixRules(t) {
		if strings.HasPrefix(rule, "!") {
			continue
		}
		zone, isWildcard := strings.CutPrefix(rule, "*.")
		hash := uint32(xxh3.HashString(zone))
		names = binary.LittleEndian.AppendUint32(names, hash)
		if isWildcard {
			zones = binary.LittleEndian.AppendUint32(zones, hash)
		}
	}
	version := publicsuffix.List.String()
	want := binary.LittleEndian.AppendUint32(nil, uint32(len(version)))
	want = binary.LittleEndian.AppendUint32(append(want, version...), uint32(len(zones)/4))
	want = slices.Concat(want, zones, names)

	if *update {
		if err := os.WriteFile("suffixes.bin", want, 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !bytes.Equal(suffixFile, want) {
		t.Error("suffixes.bin has the hashes of another public suffix list: run this test with -update")
	}
}

// guardPair returns the guard of a Read, and one without the short cut, which is its oracle.
func guardPair(t testing.TB, own ...string) (fast, exact *entryGuard) {
	t.Helper()
	guards, err := NewGuards(settings.DefaultGuards(), own)
	if err != nil {
		t.Fatal(err)
	}
	if err := guards.ReadTop(strings.NewReader("popular.example\nvery.popular.test\nshort\n")); err != nil {
		t.Fatal(err)
	}
	guards.hasTop = false // the built-in names stay
	fast, exact = newEntryGuard(&guards), newEntryGuard(&guards)
	exact.ordinary = nil
	return fast, exact
}

// checkBoth checks a name with all scopes and actions.
func checkBoth(t testing.TB, fast, exact *entryGuard, text string) (checked int) {
	t.Helper()
	name, err := domainname.Parse(text)
	if err != nil {
		return 0
	}
	for _, scope := range []indicator.Scope{indicator.ScopeName, indicator.ScopeSubtree, indicator.ScopeUnder} {
		for _, action := range []indicator.Action{indicator.ActionBlock, indicator.ActionAllow} {
			entry := indicator.Indicator{Name: name, Scope: scope, Action: action}
			if got, want := fast.check(&entry), exact.check(&entry); got != want {
				t.Fatalf("%v %v %s: %q, and without the short cut %q", action, scope, name, got, want)
			}
			checked++
		}
	}
	return checked
}

// near returns names around a name that some rule or guard knows.
func near(name string) []string {
	_, parent, _ := strings.Cut(name, ".")
	return []string{
		name, parent, "x." + name, "y.x." + name, "www." + name, "www.x." + name, "resolverwatch." + name,
		"z" + name, "x." + parent, name + ".com", name + ".sys", "ec2-192-0-2-1." + name, "eu-west-1." + name,
	}
}

// Names near each rule of the public suffix list, and near each name that a guard knows, are
// judged as without the short cut.
func TestOrdinaryNames_changesNothing(t *testing.T) {
	t.Parallel()
	fast, exact := guardPair(t, "corp.example", "a.b.c.own.test", "ownlabel")
	if fast.ordinary == nil {
		t.Fatal("there is no short cut")
	}
	names := map[string]bool{}
	for _, rule := range suffixRules(t) {
		names[strings.TrimLeft(rule, "!*.")] = true
	}
	for _, set := range []*guardNames{&exact.core, &exact.needed, &exact.own} {
		for name := range set.traits {
			names[name] = true
		}
	}

	checked := 0
	for name := range names {
		for _, text := range near(name) {
			checked += checkBoth(t, fast, exact, text)
		}
	}
	if checked < 500_000 {
		t.Errorf("only %d checks", checked)
	}
}

// Most names are ordinary; otherwise the short cut is useless.
func TestOrdinaryNames_has(t *testing.T) {
	t.Parallel()
	fast, _ := guardPair(t)
	ordinary := 0
	for i := range 10_000 {
		if fast.ordinary.has("name" + strconv.Itoa(i) + ".com") {
			ordinary++
		}
	}
	if ordinary < 9_500 {
		t.Errorf("%d of 10,000 names are ordinary", ordinary)
	}
}

// With the hashes of another list, every name takes the exact way.
func TestOrdinaryNames_has_nil(t *testing.T) {
	t.Parallel()
	if (*ordinaryNames)(nil).has("www.example.com") {
		t.Error("a name is ordinary")
	}
}

func FuzzOrdinaryNames(f *testing.F) {
	fast, exact := guardPair(f, "corp.example", "own.label.test")
	rules := suffixRules(f)
	for _, name := range []string{"evil.example", "a.ck", "www.ck", "github.io", "x.y.compute.amazonaws.com", "a.b.kawasaki.jp"} {
		f.Add(name, uint16(0))
	}
	f.Fuzz(func(t *testing.T, text string, number uint16) {
		rule := strings.TrimLeft(rules[int(number)%len(rules)], "!*.")
		for _, name := range append(near(text), text+"."+rule, text+rule) {
			checkBoth(t, fast, exact, name)
		}
	})
}
