//go:build !race

package stack_test

import (
	"errors"
	"testing"

	"github.com/resolverwatch/resolverwatch/infra/stack"
)

// A refusal by a construct becomes an error. A mistake of ours must look neither like a
// refusal nor like a synthesis that succeeded.
func TestRefusal(t *testing.T) {
	problem := errors.New("Prefix: must not begin with a slash")
	if got := stack.Refusal(problem); !errors.Is(got, problem) {
		t.Errorf("refused: %v", got)
	}
	if got := stack.Refusal(nil); got != nil {
		t.Errorf("no panic: %v", got)
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
