package list

import (
	"io"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

// Sink takes the entries of a list on names, in any order and with repeats, and merges them by
// itself.
type Sink interface {
	// Add adds a copy of an entry.
	Add(*indicator.Indicator) error
	// Sort merges the entries that were added since the last call, and returns how many are left.
	Sort() (entries int, err error)
	// TakeBack removes the entries and calls take for each of them. They need not have a
	// reference or a time.
	TakeBack(take func(*indicator.Indicator) error) error
}

// Stream reads a list as [Read] does, and adds the entries that have not expired to a sink.
// add takes those that the sink does not: the address blocks and, if any entry of the list
// expires, all entries. It gets them merged, after the others.
//
// This takes less time and memory than Read, because the entries on names are not collected
// first. [Guards.Memory] does not limit it. The errors are those of Read; in addition, those of
// sink and add are returned. Unless the error is overridable [Refusals], the sink has an
// unknown part of the entries.
func Stream(
	r io.Reader, o Options, g Guards, h Hooks, sink Sink, add func(*indicator.Indicator) error,
) (Summary, error) {
	s := &stream{sink: sink, others: newBuilder(0)}
	s.others.full = true // nobody wants the references
	summary, suffixes, err := readEntries(r, &o, &g, &h, s.add)
	if err != nil {
		return summary, err
	}

	names, err := sink.Sort()
	if err != nil {
		return summary, err
	}
	others, repeats := s.others.build()
	summary.measure(&others, g.now())
	summary.Names += names
	summary.Repeats = repeats + s.count - names
	refusals := g.checkSummary(&summary, suffixes)
	if len(refusals) > 0 && !refusals.Overridable() {
		return summary, refusals
	}
	if err := others.addLive(g.now(), add); err != nil {
		return summary, err
	}
	if len(refusals) > 0 {
		return summary, refusals
	}
	return summary, nil
}

// stream adds entries to a sink as long as that can be done without collecting them.
type stream struct {
	sink    Sink
	count   int   // entries in the sink
	text    int64 // bytes of their names
	expires bool  // an entry expires
	// others holds the address blocks, whose reach is measured after they are merged. If an entry
	// expires, it holds all entries, because an entry that ended may be merged into one that did
	// not.
	others *builder
}

func (s *stream) add(entry *indicator.Indicator) error {
	if !s.expires && !entry.ExpiresAt.IsZero() {
		s.expires, s.count, s.text = true, 0, 0
		if err := s.sink.TakeBack(s.others.add); err != nil {
			return err
		}
	}
	if s.expires || entry.Scope == indicator.ScopeCIDR {
		return s.others.add(entry)
	}

	if s.count+len(s.others.entries) >= maxEntries || s.text+s.others.textBytes() > maxText {
		return errTooLarge
	}
	s.count++
	s.text += int64(len(entry.Name.String()))
	return s.sink.Add(entry)
}

// addLive calls add for the entries that have not ended.
func (l *List) addLive(now time.Time, add func(*indicator.Indicator) error) error {
	for entry := range l.All() {
		if !entry.ExpiresAt.IsZero() && !entry.ExpiresAt.After(now) {
			continue
		}
		if err := add(entry); err != nil {
			return err
		}
	}
	return nil
}
