package list

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/resolverwatch/resolverwatch/pkg/feed"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

const (
	// maxListEntries and maxListText bound the memory that a list takes, repeats
	// included: 40 bytes an entry and its text. No transformer loads an index of more.
	// [Guards.Memory] is a closer bound where it is known.
	maxListEntries = 8_000_000
	maxListText    = 512 << 20 // bytes
	// maxReferenceBytes bounds what a feed says about one entry.
	maxReferenceBytes = 512
)

// Hooks are called for what a list loses, in the order of its lines. Unset hooks are
// not called; everything is counted anyway.
type Hooks struct {
	OnReject func(feed.LineError)
	OnSkip   func(feed.SkippedLine)
	OnDrop   func(Drop)
}

// Drop is an entry that can be read and is not taken.
type Drop struct {
	Line   int        `json:"line"`
	Entry  string     `json:"entry"`
	Scope  string     `json:"scope"`
	Reason DropReason `json:"reason"`
}

// Summary says what was read and what became of it.
type Summary struct {
	feed.Report
	Dropped map[DropReason]int // accepted by the parser, not taken
	Repeats int                // merged into entries of the same key
	Names   int                // entries of the list: Accepted - dropped - Repeats
}

// Read reads a list, drops the entries that no list may hold, and sorts and merges
// the rest. The importer and the command read lists by it alike, so a list that passes
// here is taken, unless it is too unlike the one that it replaces.
//
// Refusals are returned as an error of type [Refusals]. Where the list could be read to
// its end and they are [Refusals.Overridable], the list comes with them. Any other
// error is one of r, and reading again may help.
func Read(r io.Reader, o Options, g Guards, h Hooks) (List, Summary, error) {
	guard, builder := newEntryGuard(&g), newListBuilder()
	builder.memory = g.Memory
	report := Summary{Dropped: map[DropReason]int{}}
	line, suffixes := 0, 0
	options := o.feedOptions(&g, &h)
	options.Line = &line
	parsed, err := feed.Parse(r, options, func(entry *indicator.Indicator) error {
		if reason := guard.check(entry); reason != "" {
			report.Dropped[reason]++
			if reason == DropPublicSuffix && entry.Action == indicator.ActionBlock {
				suffixes++
			}
			if h.OnDrop != nil {
				h.OnDrop(Drop{line, entry.Value(), entry.Scope.String(), reason})
			}
			return nil
		}
		return builder.add(entry)
	})
	report.Report = parsed
	if err != nil {
		return List{}, report, refuseReading(err)
	}
	list, repeats := builder.build()
	report.Repeats, report.Names = repeats, list.Len()
	if refusals := g.checkReading(&report, suffixes); len(refusals) > 0 {
		return list, report, refusals
	}
	return list, report, nil
}

// errEntry ends a probe: there is an entry.
var errEntry = errors.New("an entry can be read")

// Probe looks whether a list is one: whether anything in it can be read as an entry. It
// reads as far as it must.
func Probe(r io.Reader, o Options, g Guards) (Refusals, error) {
	_, err := feed.Parse(r, o.feedOptions(&g, &Hooks{}), func(*indicator.Indicator) error { return errEntry })
	var refusals Refusals
	switch {
	case errors.Is(err, errEntry):
		return nil, nil
	case err == nil:
		return Refusals{{
			Code: RefusedNoEntries, What: "nothing in it can be read as an entry",
			Todo: "open the URL and see what it gives",
		}}, nil
	}
	err = refuseReading(err)
	if errors.As(err, &refusals) {
		return refusals, nil
	}
	return nil, err
}

// errListTooLarge ends a parse whose list would take too much memory.
var errListTooLarge = fmt.Errorf("more than %d entries or %d MiB of names", maxListEntries, maxListText>>20)

// refuseReading turns the errors of a parse into refusals. Only an error of the reader
// is none: the list was not seen whole, and nothing can be said of it.
func refuseReading(err error) error {
	var unreadable *feed.RefusedError
	switch {
	case errors.Is(err, errListMemory):
		return Refusals{{Code: RefusedTooLarge, What: err.Error(), Todo: moreMemory}}
	case errors.Is(err, errListTooLarge):
		return Refusals{{
			Code: RefusedTooLarge, What: err.Error(), Todo: "split the list into several feeds",
		}}
	case errors.As(err, &unreadable):
		return Refusals{refuseUnreadable(unreadable)}
	default:
		return fmt.Errorf("reading a list: %w", err)
	}
}

func refuseUnreadable(err *feed.RefusedError) Refusal {
	refusal := Refusal{Code: RefusedUnreadable, What: err.Reason.Error(), Todo: err.Advice()}
	switch {
	case errors.Is(err, feed.ErrTooLarge), errors.Is(err, feed.ErrRatio):
		refusal.Code = RefusedTooLarge
	case errors.Is(err, feed.ErrEmpty):
		refusal.Code = RefusedNoEntries
	case errors.Is(err, feed.ErrColumn), errors.Is(err, feed.ErrWrongFormat):
		refusal.Code = RefusedSettings
	}
	if err.Detail != "" {
		refusal.What += ", " + err.Detail
	}
	if err.Cause != nil {
		refusal.What += ": " + err.Cause.Error()
	}
	if err.Line > 0 {
		refusal.Where = fmt.Sprintf("line %d", err.Line)
	}
	return refusal
}

// CleanText bounds a reference and takes out what would break a line of text.
func CleanText(reference string) string {
	reference = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7F {
			return -1
		}
		return r
	}, strings.ToValidUTF8(reference[:min(len(reference), maxReferenceBytes)], ""))
	return reference
}
