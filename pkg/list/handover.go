package list

import (
	"sync"

	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

const (
	handoverEntries = 512 // that are handed over at a time
	handoverBatches = 4   // that may wait
)

// handover passes the entries of a list from the goroutine that parses it to one that checks and
// stores them.
type handover struct {
	batch  []indicator.Indicator
	full   chan []indicator.Indicator
	empty  chan []indicator.Indicator
	done   sync.WaitGroup
	failed chan struct{} // closed after err was set
	err    error
}

// startHandover starts a goroutine that calls take for each entry, in their order, until take
// fails.
func startHandover(take func(*indicator.Indicator) error) *handover {
	h := &handover{
		full:   make(chan []indicator.Indicator, handoverBatches),
		empty:  make(chan []indicator.Indicator, handoverBatches+2),
		failed: make(chan struct{}),
	}
	for range cap(h.empty) {
		h.empty <- make([]indicator.Indicator, 0, handoverEntries)
	}
	h.batch = <-h.empty

	h.done.Go(func() {
		for batch := range h.full {
			h.takeBatch(batch, take)
			h.empty <- batch[:0]
		}
	})
	return h
}

func (h *handover) takeBatch(batch []indicator.Indicator, take func(*indicator.Indicator) error) {
	for i := range batch {
		if h.err != nil {
			return
		}
		if h.err = take(&batch[i]); h.err != nil {
			close(h.failed)
		}
	}
}

// add hands over a copy of entry. It returns the error of an earlier entry, but not necessarily at
// once.
func (h *handover) add(entry *indicator.Indicator) error {
	h.batch = append(h.batch, *entry)
	if len(h.batch) < handoverEntries {
		return nil
	}
	select {
	case <-h.failed:
		return h.err
	case h.full <- h.batch:
		h.batch = <-h.empty
		return nil
	}
}

// finish waits until all entries were taken, and returns the error of the first that failed.
func (h *handover) finish() error {
	h.full <- h.batch
	close(h.full)
	h.done.Wait()
	return h.err
}
