package stack

import (
	"errors"
	"fmt"
	"os/exec"
	"runtime"
)

// Refusal converts a recovered panic into an error if a construct rejected its props, or
// jsii could not start because there is no Node: it takes the value that recover returned.
// It repeats any other panic, which is a bug, so that the synthesis does not seem to
// succeed.
func Refusal(recovered any) error {
	switch refused := recovered.(type) {
	case nil:
		return nil
	case runtime.Error:
		panic(refused)
	case error:
		if errors.Is(refused, exec.ErrNotFound) {
			return fmt.Errorf("starting Node, in which the CDK runs: %w: install Node 22 or 24, or set JSII_NODE to its path", refused)
		}
		return refused
	default:
		panic(refused)
	}
}
