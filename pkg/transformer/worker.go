package transformer

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"time"

	fastbase64 "github.com/segmentio/asm/base64"

	"github.com/resolverwatch/resolverwatch/pkg/alert/matches"
	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/resolverlog"
	"github.com/resolverwatch/resolverwatch/pkg/verdict"
)

// Errors of records that do not depend on their content, and of events with too many records.
var (
	errNoData   = errors.New("record has no data")
	errNoRoom   = errors.New("no room in the response")
	errNoTime   = errors.New("no time left to expand the record")
	errTooMany  = errors.New("too many records for one response")
	errPanicked = errors.New("panic while marking")
)

// worker handles one invocation at a time and keeps its memory for the next one.
type worker struct {
	events   envelope
	marker   *verdict.Marker
	expander resolverlog.Expander
	expanded expansion
	response response
	stats    stats
	data     []byte // of the current record
	lines    []byte // output for the current record

	matches matches.Collector   // empty if alerts are off
	message []byte              // about the matches
	observe func(*verdict.Mark) // collects a mark; made once
}

// stats counts records. [verdict.Counts] counts the objects in them.
type stats struct {
	records, dropped, failed, noRoom int
	firstID                          string // of the first failed record
	firstError                       error
	alerts                           alertStats
}

func newWorker() *worker {
	w := &worker{marker: verdict.NewMarker(nil, verdict.Options{})}
	w.observe = w.collect
	return w
}

func (w *worker) reset(x *index.Index, o verdict.Options) {
	w.marker.Reset(x, o)
	w.stats = stats{records: len(w.events.records)}
}

// release drops all references to the event and the response, which belong to the caller, and
// to the index.
func (w *worker) release() {
	clear(w.events.records)
	w.response = response{}
	w.matches.Reset(time.Time{})
}

// answer appends the response to the parsed event.
func (w *worker) answer(dst []byte, left *budget) ([]byte, error) {
	if !w.response.begin(dst, w.events.records) {
		return nil, fmt.Errorf("answering %d records: %w", len(w.events.records), errTooMany)
	}

	w.expanded = expansion{spare: spareBytes}
	left.begin()
	for i := range w.events.records {
		if left.isSpent() {
			w.marker.Expire()
		}
		r := &w.events.records[i]
		w.response.take(r)
		if err := w.answerRecord(r, left); err != nil {
			w.fail(r, err)
		}
	}
	return w.response.end(), nil
}

// answerRecord marks and answers one record. If it returns an error, it has not answered the
// record.
func (w *worker) answerRecord(r *record, left *budget) error {
	err := w.mark(r, left)
	switch {
	case err != nil:
		return err
	case len(w.lines) == 0:
		w.stats.dropped++
		w.response.drop(r.id)
		return nil
	case !w.response.ok(r.id, w.lines):
		return errNoRoom
	default:
		return nil
	}
}

// fail answers a record that failed with err.
func (w *worker) fail(r *record, err error) {
	w.response.fail(r.id)
	w.stats.failed++
	if errors.Is(err, errNoRoom) {
		w.stats.noRoom++
	}
	if w.stats.firstError == nil {
		w.stats.firstID, w.stats.firstError = string(r.id[1:len(r.id)-1]), err
	}
}

// mark writes the lines of one record. A panic fails the record, but not the other records
// of the event.
func (w *worker) mark(r *record, left *budget) (err error) {
	defer func() {
		if problem := recover(); problem != nil {
			err = fmt.Errorf("%w: %T", errPanicked, problem) // the text could contain a part of the record
		}
	}()

	w.matches.NextRecord()
	if r.bad {
		return errNoData
	}

	if err := w.decode(r.data); err != nil {
		return err
	}

	text, err := w.expand(left)
	if err != nil {
		return err
	}

	w.lines, err = w.marker.MarkWithin(w.lines[:0], text, w.response.room())
	if errors.Is(err, verdict.ErrNoRoom) {
		return errNoRoom
	}
	return err
}

// expand returns the text of the record in w.data.
func (w *worker) expand(left *budget) ([]byte, error) {
	if !resolverlog.IsCompressed(w.data) {
		return w.data, nil
	}
	if !left.mayExpand() {
		return nil, errNoTime
	}

	limit, hopeless := w.expanded.limits(len(w.data), w.response.room())
	text, err := w.expander.Expand(w.data, min(limit, hopeless))
	w.expanded.use(len(w.data), w.expander.Expanded())
	var large *resolverlog.TooLargeError
	if hopeless < limit && errors.As(err, &large) {
		return nil, fmt.Errorf("%w: %w", errNoRoom, err)
	}
	return text, err
}

// decode decodes base64 into w.data. If the fast decoder rejects the text, the standard
// library decides.
func (w *worker) decode(text []byte) error {
	size := base64.StdEncoding.DecodedLen(len(text))
	w.data = slices.Grow(w.data[:0], size)[:size]
	n, err := fastbase64.StdEncoding.Decode(w.data, text)
	if err != nil {
		if n, err = base64.StdEncoding.Decode(w.data, text); err != nil {
			return fmt.Errorf("decoding data: %w", err)
		}
	}
	w.data = w.data[:n]
	return nil
}
