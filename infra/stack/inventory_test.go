//go:build !race

package stack_test

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the inventory")

// The inventory is what a reviewer wants to see of a change to the template: how many
// resources there are of each type, the logical ids of those whose replacement would lose
// data, and every action that a role may do.
func TestInventory(t *testing.T) {
	for file, settings := range map[string]any{
		"testdata/inventory.txt":    nil,
		"testdata/inventory-s3.txt": object{"source": object{"s3": true}},
	} {
		got := inventory(template(t, define(t, appContext(t, settings))))
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("%s: go test ./infra/stack -update rewrites it (-want +got):\n%s", file, diff)
		}
	}
}

func inventory(template object) string {
	resources := template["Resources"].(object)
	counts, actions := map[string]int{}, map[string]bool{}
	var stateful []string
	for id, value := range resources {
		resource := value.(object)
		typ := resource["Type"].(string)
		counts[typ]++
		if resource["DeletionPolicy"] == "Retain" {
			stateful = append(stateful, id+" "+typ)
		}
		if typ == "AWS::IAM::Role" || typ == "AWS::IAM::Policy" {
			collectActions(resource["Properties"], id[:len(id)-8], actions)
		}
	}
	var text strings.Builder
	fmt.Fprintf(&text, "Resources: %d\n", len(resources))
	for _, typ := range slices.Sorted(maps.Keys(counts)) {
		fmt.Fprintf(&text, "%3d %s\n", counts[typ], typ)
	}
	slices.Sort(stateful)
	fmt.Fprintf(&text, "\nRetained\n%s\n", strings.Join(stateful, "\n"))
	fmt.Fprintf(&text, "\nActions of roles\n%s\n", strings.Join(slices.Sorted(maps.Keys(actions)), "\n"))
	return text.String()
}

// collectActions finds the actions of all statements below value.
func collectActions(value any, role string, actions map[string]bool) {
	switch value := value.(type) {
	case []any:
		for _, element := range value {
			collectActions(element, role, actions)
		}
	case object:
		for _, name := range slices.Sorted(maps.Keys(value)) {
			if name != "Action" {
				collectActions(value[name], role, actions)
				continue
			}
			many, isList := value[name].([]any)
			if !isList {
				many = []any{value[name]}
			}
			for _, action := range many {
				actions[fmt.Sprintf("%s %v", role, action)] = true
			}
		}
	}
}
