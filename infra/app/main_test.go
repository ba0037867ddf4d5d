package main

import (
	"errors"
	"testing"
)

// What constructs refuse is an error to read. A mistake of ours must not look like a
// synthesis that succeeded, nor like a refusal.
func TestRefusal(t *testing.T) {
	t.Parallel()
	problem := errors.New("Prefix: must not begin with a slash")
	if got := refusal(problem); !errors.Is(got, problem) {
		t.Errorf("refused: %v", got)
	}
	if got := refusal(nil); got != nil {
		t.Errorf("no panic: %v", got)
	}
	for name, mistake := range map[string]func(){
		"text":         func() { panic("no toolchain line") },
		"nil pointer":  func() { var p *struct{ n int }; p.n = 1 },
		"out of range": func() { var list []int; list[len(list)] = 1 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			defer func() {
				if recover() == nil {
					t.Error("the panic was swallowed")
				}
			}()
			defer func() { t.Errorf("returned %v", refusal(recover())) }()
			mistake()
		})
	}
}
