package cli

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestCases runs the cases of the corpus: lists, logs and pasted names as strangers write them,
// each with what a user expects. The runner is a Python program beside them.
func TestCases(t *testing.T) {
	root := os.Getenv("RESOLVERWATCH_CORPUS")
	if root == "" {
		t.Skip("set RESOLVERWATCH_CORPUS to the folder that holds cases/")
	}
	table, runner := filepath.Join(root, "cases", "cases.tsv"), filepath.Join(root, "cases", "run.py")
	if _, err := os.Stat(runner); err != nil {
		t.Skipf("the corpus has no cases: %v", err)
	}
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("the runner of the cases needs python3")
	}
	command, err := exec.LookPath("resolverwatch") // TestMain puts this binary on the PATH
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), python, runner, command, table).CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
