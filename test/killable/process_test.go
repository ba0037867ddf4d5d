package killable_test

import (
	"errors"
	"testing"

	"github.com/resolverwatch/resolverwatch/test/killable"
)

// TestProcess_Call makes three calls, at the second of which something happens.
func TestProcess_Call(t *testing.T) {
	t.Parallel()
	unavailable := errors.New("unavailable")
	fail := func() error { return unavailable }
	for _, test := range []struct {
		name    string
		set     func(*killable.Process)
		effects string // the calls that change the world
		errs    [3]error
		killed  bool
	}{
		{"nothing", func(*killable.Process) {}, "abc", [3]error{}, false},
		{"killed before", func(p *killable.Process) { p.Die(2, false) },
			"a", [3]error{nil, killable.ErrKilled, killable.ErrKilled}, true},
		{"killed after", func(p *killable.Process) { p.Die(2, true) },
			"ab", [3]error{nil, killable.ErrKilled, killable.ErrKilled}, true},
		{"reply lost", func(p *killable.Process) { p.At, p.Twice = 2, true }, "abbc", [3]error{}, false},
		{"fails before", func(p *killable.Process) { p.At, p.Before = 2, fail }, "ac", [3]error{1: unavailable}, false},
		{"fails after", func(p *killable.Process) { p.At, p.After = 2, fail }, "abc", [3]error{1: unavailable}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var p killable.Process
			test.set(&p)
			var effects string
			var errs [3]error
			for i, name := range []string{"a", "b", "c"} {
				errs[i] = p.Call(name, func() error { effects += name; return nil })
			}
			if effects != test.effects || errs != test.errs || p.Killed() != test.killed || len(p.Calls) != 3 {
				t.Errorf("effects %q, errors %v, killed %v, calls %v", effects, errs, p.Killed(), p.Calls)
			}
		})
	}
}
