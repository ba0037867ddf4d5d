// Package list reads threat lists. It parses a list, drops entries that match too much, and sorts
// and merges the others. It can refuse a whole list. It also writes the report on a list.
//
// The importer and the command read lists with the same code, so `feed lint` shows what an
// import would do.
package list

import (
	"fmt"
	"iter"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/reach"
)

// List is a list that passed its guards. Its entries are in the order of
// [indicator.Indicator.Compare], and every key is unique. A List is immutable.
//
// A list of a million names must leave enough memory to build an index at the same time. So
// entries are packed: each takes 32 bytes and the text of its name, without pointers that
// the garbage collector would have to follow.
type List struct {
	entries    []packed
	text       string // the values in the order of the entries, each after its length
	categories texts
	references texts
}

// packed is an entry of a [List]. Times are in seconds since 1970; 0 means unknown.
type packed struct {
	firstSeen, expiresAt int64
	offset               uint32 // of the value in the text; the length precedes it
	category, reference  uint32 // numbers of texts
	scope                indicator.Scope
	action               indicator.Action
	severity             indicator.Severity
	confidence           indicator.Confidence
}

// Len returns the number of entries.
func (l *List) Len() int { return len(l.entries) }

// Bytes returns the total length of all values.
func (l *List) Bytes() (total int64) {
	for i := range l.entries {
		total += int64(len(l.value(&l.entries[i])))
	}
	return total
}

// expired returns the number of entries that have ended.
func (l *List) expired(now time.Time) (n int) {
	for i := range l.entries {
		if ends := l.entries[i].expiresAt; ends != 0 && ends <= now.Unix() {
			n++
		}
	}
	return n
}

// All yields the entries in order. An entry is valid until the next one is yielded.
func (l *List) All() iter.Seq[*indicator.Indicator] {
	return func(yield func(*indicator.Indicator) bool) {
		var entry indicator.Indicator
		for i := range l.entries {
			l.unpack(&l.entries[i], &entry)
			if !yield(&entry) {
				return
			}
		}
	}
}

func (l *List) value(p *packed) string { return l.text[p.offset:][:l.text[p.offset-1]] }

func (l *List) unpack(p *packed, entry *indicator.Indicator) {
	*entry = l.details(p)
	if err := entry.SetValue(l.value(p)); err != nil {
		panic(fmt.Errorf("unpacking an entry that was packed before: %w", err))
	}
}

// details returns everything of an entry but its value.
func (l *List) details(p *packed) indicator.Indicator {
	return indicator.Indicator{
		Scope:      p.scope,
		Action:     p.action,
		Severity:   p.severity,
		Confidence: p.confidence,
		Category:   indicator.Category(l.categories.at(p.category)),
		Reference:  l.references.at(p.reference),
		FirstSeen:  fromUnix(p.firstSeen),
		ExpiresAt:  fromUnix(p.expiresAt),
	}
}

// measureReach returns how much of the public address space the block entries cover, and how
// many of them are wide.
func (l *List) measureReach() (covered reach.Reach, wide int) {
	var set reach.Set
	var entry indicator.Indicator
	for i := range l.entries {
		if p := &l.entries[i]; p.scope == indicator.ScopeCIDR && p.action == indicator.ActionBlock {
			l.unpack(p, &entry)
			set.Add(entry.Block)
			if reach.IsWide(entry.Block) {
				wide++
			}
		}
	}
	return set.Reach(), wide
}

func fromUnix(seconds int64) time.Time {
	if seconds == 0 {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}

func toUnix(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}
