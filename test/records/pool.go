package main

import (
	"errors"
	"fmt"
	"runtime"
	"sync"

	"github.com/resolverwatch/resolverwatch/test/records/check"
)

// pool checks batches while the next ones run.
type pool struct {
	jobs    chan job
	running sync.WaitGroup

	mu     sync.Mutex
	counts check.Counts
	err    error
}

type job struct {
	part  string
	batch *check.Batch
	state check.State
}

func newPool() *pool {
	p := &pool{jobs: make(chan job)}
	for range runtime.GOMAXPROCS(0) {
		p.running.Go(func() {
			for j := range p.jobs {
				counts, err := j.batch.Check(j.state)
				if err != nil {
					p.fail(j.part, err)
				}
				p.mu.Lock()
				p.counts.Add(counts)
				p.mu.Unlock()
			}
		})
	}
	return p
}

// check has a batch checked. It returns the error of an earlier batch.
func (p *pool) check(part string, batch *check.Batch, state check.State) error {
	p.jobs <- job{part, batch, state}
	if p.failed() != nil {
		return errStopped
	}
	return nil
}

// errStopped ends a run after a batch failed, whose error wait returns.
var errStopped = errors.New("stopped at the first wrong answer")

// fail records that a batch is wrong.
func (p *pool) fail(part string, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err == nil {
		p.err = fmt.Errorf("%s: %w", part, err)
	}
}

func (p *pool) failed() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err
}

// wait waits for all checks, adds their counts to a report and returns the first error.
func (p *pool) wait(r *Report) error {
	close(p.jobs)
	p.running.Wait()
	r.Counts = p.counts
	return p.err
}
