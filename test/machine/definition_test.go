//go:build e2e

package machine

import (
	"os"
	"strings"
	"testing"
)

// definitionFile has the definition as a test of the construct resolves it.
const definitionFile = "../../infra/resolverwatch/testdata/backfill.asl.json"

// definition returns the definition of the state machine as CloudFormation would create it.
func definition(t *testing.T, functionARN string) string {
	t.Helper()
	text, err := os.ReadFile(definitionFile)
	if err != nil {
		t.Fatal(err)
	}
	resolved := strings.NewReplacer("<LogSourceFunction.Arn>", functionARN, "<AWS::Partition>", "aws").Replace(string(text))
	if strings.ContainsAny(resolved, "<>(") {
		t.Fatalf("the definition has references or functions that this test does not know:\n%s", resolved)
	}
	return resolved
}
