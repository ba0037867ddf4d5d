// Package killable is a process for tests that can be killed at any of the calls that it makes,
// lose a reply, or pause.
package killable

import (
	"errors"
	"sync"
)

// ErrKilled is the error of all calls after the process was killed.
var ErrKilled = errors.New("killed")

// Process records its calls. At one of them something can happen. The zero value makes all calls.
type Process struct {
	Calls []string // names, in order

	At     int          // the call, from 1, at which something happens
	Before func() error // before the call changes the world; an error ends the call
	After  func() error // after it
	Twice  bool         // make the call twice, like an SDK that lost the first reply

	mu   sync.Mutex
	dead bool
}

// Die kills the process at a call, either before or after the call changes the world.
func (p *Process) Die(at int, after bool) {
	kill := func() error { p.Kill(); return ErrKilled }
	p.At = at
	if after {
		p.After = kill
	} else {
		p.Before = kill
	}
}

// Kill kills the process now.
func (p *Process) Kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dead = true
}

// Killed tells whether the process was killed.
func (p *Process) Killed() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.dead
}

// Call makes a call: effect changes the world.
func (p *Process) Call(name string, effect func() error) error {
	p.mu.Lock()
	p.Calls = append(p.Calls, name)
	here, dead := len(p.Calls) == p.At, p.dead
	p.mu.Unlock()
	if dead {
		return ErrKilled
	}
	if here && p.Before != nil {
		if err := p.Before(); err != nil {
			return err
		}
	}
	err := effect()
	if here && p.Twice {
		err = effect()
	}
	if here && p.After != nil {
		if err := p.After(); err != nil {
			return err
		}
	}
	return err
}
