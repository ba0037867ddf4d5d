//go:build e2e

package machine

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// definitionFile has the definition as a test of the construct resolves it.
const definitionFile = "../../infra/resolverwatch/testdata/backfill.asl.json"

// definition returns the definition of the state machine as CloudFormation would create it, but
// for two things that kumo does not do as the service does.
//
// Kumo evaluates no intrinsic functions in the parameters of a ResultWriter. So the results of the
// tasks are written next to the manifest.
//
// A Pass state of kumo puts its result into what InputPath selects, and not into its whole input.
// So one state makes the request for the next plan, instead of two that each set a member.
//
// https://states-language.net/spec.html#filters
func definition(t *testing.T, functionARN string) string {
	t.Helper()
	text, err := os.ReadFile(definitionFile)
	if err != nil {
		t.Fatal(err)
	}
	resolved := strings.NewReplacer("<LogSourceFunction.Arn>", functionARN, "<AWS::Partition>", "aws",
		"States.Format('backfill/{}', $.plan.run)", "$.plan.manifest").Replace(string(text))
	if strings.ContainsAny(resolved, "<>(") {
		t.Fatalf("the definition has references or functions that this test does not know:\n%s", resolved)
	}
	var machine map[string]any
	if err := json.Unmarshal([]byte(resolved), &machine); err != nil {
		t.Fatal(err)
	}
	states, _ := machine["States"].(map[string]any)
	if states["Continue"] == nil || states["Part"] == nil {
		t.Fatalf("the definition has no states Continue and Part:\n%s", resolved)
	}
	delete(states, "Part")
	states["Continue"] = map[string]any{"Type": "Pass", "Next": "Plan", "Parameters": map[string]any{"request": map[string]any{
		"action.$": "$.request.action", "run.$": "$.request.run", "from.$": "$.request.from", "until.$": "$.request.until",
		"continue.$": "$.plan.continue", "part.$": "$.plan.part",
	}}}
	changed, err := json.Marshal(machine)
	if err != nil {
		t.Fatal(err)
	}
	return string(changed)
}
