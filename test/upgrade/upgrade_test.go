//go:build !race

// Package upgrade_test compares the templates of a deployment before and after a change,
// for each change in a table of pairs. It writes what happens to each stateful resource to
// docs/upgrading.md, and fails if the page differs or if a change does worse than its pair
// declares.
package upgrade_test

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/aws/jsii-runtime-go"
)

var (
	update = flag.Bool("update", false, "rewrite the tables of docs/upgrading.md")
	record = flag.Bool("release", false, "record the templates of this version as those of the last release")
)

// One process of the jsii runtime serves all tests, one after the other.
func TestMain(m *testing.M) {
	flag.Parse()
	code := m.Run()
	jsii.Close()
	os.Exit(code)
}

func TestUpgrades(t *testing.T) {
	if *record {
		recordReleases(t)
	}
	var tables strings.Builder
	whole := true // false if -run skips pairs
	for _, group := range groups {
		effects := make([][]effect, len(group.pairs))
		for i, pair := range group.pairs {
			ran := false
			t.Run(pair.change, func(t *testing.T) {
				ran = true
				effects[i] = compare(t, pair.before.synthesize(t), pair.after.synthesize(t))
				pair.check(t, effects[i])
			})
			whole = whole && ran
		}
		tables.WriteString(group.table(effects))
	}
	if whole {
		hold(t, section{"changes", tables.String() + "\n"}, section{"create-only properties", createOnlyTable()})
	}
}

// check checks that a change does what the pair declares, and that the page says what to do
// if state is lost.
func (p pair) check(t *testing.T, effects []effect) {
	t.Helper()
	worst := unchanged
	if len(effects) > 0 {
		worst = effects[0].outcome
	}
	better := worst < p.worst && p.before.recorded != "" // most versions change nothing
	if worst != p.worst && !better {
		t.Errorf("the worst that happens is %d, and the pair declares %d: %s", worst, p.worst, describe(effects))
	}
	if p.todo == "" || worst >= released && p.todo == nothing {
		t.Error("the pair must say what to do")
	}
}
