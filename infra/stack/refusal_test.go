//go:build !race

package stack_test

import (
	"errors"
	"os/exec"
	"strings"
	"testing"

	"github.com/resolverwatch/resolverwatch/infra/stack"
)

// A construct that rejects its props gives an error, and a missing Node gives one with the
// remedy. A bug must not look like a successful synthesis or like rejected props.
func TestRefusal(t *testing.T) {
	problem := errors.New("Prefix: must not begin with a slash")
	if got := stack.Refusal(problem); !errors.Is(got, problem) {
		t.Errorf("refused: %v", got)
	}
	if got := stack.Refusal(nil); got != nil {
		t.Errorf("no panic: %v", got)
	}
	missing := &exec.Error{Name: "node", Err: exec.ErrNotFound}
	if got := stack.Refusal(missing); !errors.Is(got, missing) || !strings.Contains(got.Error(), "install Node") {
		t.Errorf("no Node: %v", got)
	}
	for name, mistake := range map[string]func(){
		"text":         func() { panic("no toolchain line") },
		"nil pointer":  func() { var p *struct{ n int }; p.n = 1 },
		"out of range": func() { var list []int; list[len(list)] = 1 },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("the panic was swallowed")
				}
			}()
			defer func() { t.Errorf("returned %v", stack.Refusal(recover())) }()
			mistake()
		})
	}
}
