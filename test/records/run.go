package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/settings"
	"github.com/resolverwatch/resolverwatch/test/records/check"
	"github.com/resolverwatch/resolverwatch/test/records/generate"
)

// memoryMiB is the memory of the function, as it is deployed by default.
const memoryMiB = 256

// rounds is how often the faults are repeated. Each round has the same parts, so that the memory
// at the ends of rounds can be compared.
const rounds = 10

// Options say what to run.
type Options struct {
	Binary string // the transformer
	Count  int    // of records
	Seed   uint64
	First  uint64 // number of the first record
	Rounds int

	// sabotage changes a response before it is checked. Tests set it.
	sabotage func(records []check.Record, response []byte) []byte
}

// runner streams records through a transformer.
type runner struct {
	options   Options
	random    *rand.Rand
	generator *generate.Generator
	store     *store
	process   *process
	checks    *pool
	report    *Report

	service check.State // what the transformer has in service
}

// run streams records and returns what was found. An error means that something is wrong with
// an answer, or that the run itself failed.
func run(ctx context.Context, options Options) (*Report, error) {
	r := &runner{
		options:   options,
		random:    rand.New(rand.NewPCG(options.Seed, 1)),
		generator: generate.New(options.Seed, options.First),
		checks:    newPool(),
		report:    newReport(options),
	}
	err := r.start(ctx)
	if err == nil {
		err = r.rounds(ctx)
	}
	r.stop()
	wrong := r.checks.wait(r.report)
	if r.store != nil {
		var unreadable error
		r.report.Alerts, unreadable = r.store.alerts.result()
		wrong = errors.Join(wrong, unreadable)
	}
	if errors.Is(err, errStopped) {
		err = nil // wrong is the reason
	}
	err = errors.Join(err, wrong)
	r.report.finish()
	return r.report, errors.Join(err, r.report.checkMemory())
}

// start starts the store and the transformer, which then has no index.
func (r *runner) start(ctx context.Context) (err error) {
	if r.store, err = startStore(ctx); err != nil {
		return err
	}

	s := settings.Default[settings.TransformerFunction]()
	s.IndexBucket, s.AlertQueue = indexBucket, alertQueueURL
	s.PollInterval = settings.Duration(time.Second)
	s.ColdStartWait = settings.Duration(100 * time.Millisecond)
	r.process, err = startProcess(ctx, r.options.Binary,
		settings.EnvSettings+"="+s.Encode(), "AWS_ENDPOINT_URL="+r.store.url, "GOMEMLIMIT=230MiB")
	return err
}

func (r *runner) stop() {
	if r.process != nil {
		r.report.PeakMiB = max(r.report.PeakMiB, r.process.memory("VmHWM"))
		r.process.stop()
	}
	if r.store != nil {
		r.store.stop()
	}
}

// rounds runs all rounds.
func (r *runner) rounds(ctx context.Context) error {
	for round := range r.options.Rounds {
		share := r.options.Count*(round+1)/r.options.Rounds - r.report.sent
		if err := r.round(ctx, round, max(share, 0)); err != nil {
			return fmt.Errorf("round %d: %w", round, err)
		}
		if r.checks.failed() != nil {
			return errStopped
		}
		r.report.sample(round+1, r.options.Rounds, r.process.memory("VmRSS"), r.process.memory("VmHWM"))
		r.process.forgetPeak()
	}
	return nil
}

// round streams records with all kinds of faults. The first round starts without an index.
func (r *runner) round(ctx context.Context, round, records int) error {
	const parts = 8
	part := records / parts
	if round == 0 {
		if err := r.feed("no index is published", part); err != nil {
			return err
		}
	}

	if err := r.swap(ctx, uint64(round)+1, time.Now()); err != nil {
		return err
	}
	for i := range 3 {
		if err := r.feedFault(&storeFaults[(3*round+i)%len(storeFaults)], uint64(round)+2, part); err != nil {
			return err
		}
	}

	const tooOld = 8 * 24 * time.Hour
	if err := r.swap(ctx, uint64(round)+1, time.Now().Add(-tooOld)); err != nil {
		return err
	}
	if err := r.feed("the index is stale", part); err != nil {
		return err
	}
	if err := r.swap(ctx, uint64(round)+1, time.Now()); err != nil {
		return err
	}
	if err := r.feedLarge(part); err != nil {
		return err
	}
	if err := r.feedLate(part); err != nil {
		return err
	}
	rest := r.options.Count*(round+1)/r.options.Rounds - r.report.sent
	return r.feed("no fault", max(rest, part))
}

// feed streams records while the transformer has what it has in service.
func (r *runner) feed(part string, records int) error {
	for records > 0 {
		batch := r.batch()
		records -= len(batch)
		if err := r.send(part, batch, farDeadline()); err != nil {
			return err
		}
	}
	return nil
}

// farDeadline is the deadline of an invocation with time enough.
func farDeadline() time.Time { return time.Now().Add(2 * time.Minute) }

// batch returns the records of an event of one of the usual sizes.
func (r *runner) batch() []check.Record {
	switch n := r.random.IntN(10); {
	case n == 0:
		return r.generator.Batch(r.random.IntN(3))
	case n < 4:
		return r.generator.Batch(1 + r.random.IntN(200))
	default:
		return r.generator.Batch(1000 + r.random.IntN(1000))
	}
}

// send streams one batch, which is checked while the next ones run.
func (r *runner) send(part string, records []check.Record, deadline time.Time) error {
	batch, err := r.invoke(records, deadline)
	if err != nil {
		return fmt.Errorf("%s: %w", part, err)
	}
	r.report.add(part, len(records))
	return r.checks.check(part, batch, r.service)
}

func (r *runner) invoke(records []check.Record, deadline time.Time) (*check.Batch, error) {
	response, err := r.process.invoke(invocation{encodeEvent(records), deadline})
	if err != nil {
		return nil, err
	}
	if r.options.sabotage != nil {
		response = r.options.sabotage(records, response)
	}
	return &check.Batch{Records: records, Response: response}, nil
}

// feedFault streams records while the store has a fault, and until the transformer has met it.
func (r *runner) feedFault(f *storeFault, generation uint64, records int) error {
	next, err := build(r.options.Seed, generation)
	if err != nil {
		return err
	}
	r.store.setFault(f.make(r.store, next))
	defer r.store.setFault(nil)

	for limit := time.Now().Add(time.Minute); r.store.faulty.Load() == 0; {
		if time.Now().After(limit) {
			return fmt.Errorf("%s: the transformer did not ask for the index", f.name)
		}
		if err := r.send(f.name, r.generator.Batch(20), farDeadline()); err != nil {
			return err
		}
		time.Sleep(40 * time.Millisecond)
	}
	return r.feed(f.name, records)
}

// swap moves the pointer and streams small batches until the transformer has taken the index. A
// batch must be marked with one index, the old one or the new one, and none with the old one
// after the first with the new one.
func (r *runner) swap(ctx context.Context, generation uint64, renewed time.Time) error {
	next, err := build(r.options.Seed, generation)
	if err != nil {
		return err
	}
	if err := r.store.publish(ctx, next, renewed); err != nil {
		return err
	}

	const tooOld, part = 7 * 24 * time.Hour, "the index changes"
	after := check.State{Lists: next.lists, Stale: time.Since(renewed) > tooOld}
	for limit := time.Now().Add(time.Minute); time.Now().Before(limit); time.Sleep(40 * time.Millisecond) {
		batch, err := r.invoke(r.generator.Batch(50), farDeadline())
		if err != nil {
			return err
		}
		r.report.add(part, len(batch.Records))
		_, errBefore := batch.Check(r.service)
		_, errAfter := batch.Check(after)
		switch {
		case errAfter == nil && errBefore != nil:
			r.service = after
			return r.checks.check(part, batch, after)
		case errAfter != nil && errBefore != nil:
			r.checks.fail(part, errors.Join(errBefore, errAfter))
			return errStopped
		}
		if err := r.checks.check(part, batch, r.service); err != nil {
			return err
		}
	}
	return errors.New("the transformer did not take the new index within a minute")
}

// feedLarge streams events whose answers do not fit into a response.
func (r *runner) feedLarge(records int) error {
	for records > 0 {
		batch := r.generator.Large()
		records -= len(batch)
		if err := r.send("the response is full", batch, farDeadline()); err != nil {
			return err
		}
	}
	return nil
}

// feedLate streams events whose deadline is near or has passed.
func (r *runner) feedLate(records int) error {
	for records > 0 {
		batch := r.batch()
		records -= len(batch)
		left := time.Duration(r.random.IntN(40)-5) * time.Millisecond
		answered, err := r.invoke(batch, time.Now().Add(left))
		if err != nil {
			return err
		}
		answered.MayExpire = true
		r.report.add("the deadline is near", len(batch))
		if err := r.checks.check("the deadline is near", answered, r.service); err != nil {
			return err
		}
	}
	return nil
}
