package list

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/feed"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/reach"
)

// Hooks are called, in the order of the lines, for every line that is rejected or skipped
// and every entry that is dropped. Each may be nil. All of these are counted in any case.
type Hooks struct {
	OnReject func(feed.LineError)
	OnSkip   func(feed.SkippedLine)
	OnDrop   func(Drop)
}

func (h *Hooks) areSet() bool { return h.OnReject != nil || h.OnSkip != nil || h.OnDrop != nil }

// Drop is a valid entry that a guard drops.
type Drop struct {
	Line   int        `json:"line"`
	Entry  string     `json:"entry"`
	Scope  string     `json:"scope"`
	Reason DropReason `json:"reason"`
}

// Summary counts what was read.
type Summary struct {
	feed.Report
	Dropped map[DropReason]int // entries that the parser accepted and a guard dropped
	Repeats int                // entries that were merged into others of the same key
	Expired int                // entries of the list that have ended, so that nothing matches them
	Names   int                // the other entries of the list: Accepted - dropped - Repeats - Expired
	leftOut int                // entries whose references were left out to save memory

	// Reach is how much of the public address space the block entries cover. Wide is how many
	// of them are wide; see [reach.IsWide].
	Reach reach.Reach
	Wide  int
}

// TotalDropped returns how many entries were dropped for any reason.
func (s *Summary) TotalDropped() int { return total(s.Dropped) }

func total(dropped map[DropReason]int) (sum int) {
	for _, n := range dropped {
		sum += n
	}
	return sum
}

// Warning returns a remark if most entries of a list are not used, and "" otherwise. It says
// what happened to them. Skipped entries do not count, because lists contain them on purpose.
func (s *Summary) Warning() string {
	dropped := s.TotalDropped()
	lost := s.Rejected + dropped + s.Expired
	if whole := s.Accepted + s.Rejected - s.Repeats; lost == 0 || 2*lost <= whole {
		return ""
	}
	var parts []string
	for _, part := range []struct {
		n    int
		what string
	}{{s.Rejected, "rejected"}, {dropped, "dropped"}, {s.Expired, "expired"}} {
		if part.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", part.n, part.what))
		}
	}
	return "most of the list is not used: " + strings.Join(parts, ", ")
}

// Read reads a list, drops the entries that no list may contain, and sorts and merges the
// others.
//
// If the list is refused, the error has the type [Refusals]. If all refusals are
// [Refusals.Overridable], the list is returned as well. Any other error comes from r, and
// reading again may succeed. A list that Read accepts may still be refused by
// [Guards.Compare].
func Read(r io.Reader, o Options, g Guards, h Hooks) (List, Summary, error) {
	builder := newBuilder(g.Memory)
	summary, suffixes, err := readEntries(r, &o, &g, &h, builder.add)
	if err != nil {
		return List{}, summary, err
	}

	entries, repeats := builder.build()
	summary.Repeats, summary.leftOut = repeats, builder.leftOut
	summary.measure(&entries, g.now())
	if refusals := g.checkSummary(&summary, suffixes); len(refusals) > 0 {
		return entries, summary, refusals
	}
	return entries, summary, nil
}

// readEntries parses a list and calls add for the entries that no guard drops, in the order of
// the list. It also returns how many block entries are public suffixes.
func readEntries(
	r io.Reader, o *Options, g *Guards, h *Hooks, add func(*indicator.Indicator) error,
) (summary Summary, suffixes int, err error) {
	guard := newEntryGuard(g)
	line, dropped := 0, map[DropReason]int{}
	options := o.feedOptions(g, h)
	options.Line = &line
	report, err := parse(r, options, h, func(entry *indicator.Indicator) error {
		reason := guard.check(entry)
		if reason == "" {
			return add(entry)
		}
		dropped[reason]++
		if reason == DropPublicSuffix && entry.Action == indicator.ActionBlock {
			suffixes++
		}
		if h.OnDrop != nil {
			h.OnDrop(Drop{line, entry.Value(), entry.Scope.String(), reason})
		}
		return nil
	})
	if err != nil {
		err = asRefusals(err)
	}
	return Summary{Report: report, Dropped: dropped}, suffixes, err
}

// parse parses a list and calls take for each entry. If there is more than one processor, take
// runs in another goroutine. This is not so if there are hooks, because they are called in the
// order of the lines.
func parse(r io.Reader, o feed.Options, h *Hooks, take func(*indicator.Indicator) error) (feed.Report, error) {
	if h.areSet() || runtime.GOMAXPROCS(0) == 1 {
		return feed.Parse(r, o, take)
	}
	entries := startHandover(take)
	report, err := feed.Parse(r, o, entries.add)
	if earlier := entries.finish(); earlier != nil {
		return report, earlier
	}
	return report, err
}

// measure sets the counts that depend on the merged entries of a list.
func (s *Summary) measure(entries *List, now time.Time) {
	s.Expired = entries.expired(now)
	s.Names = entries.Len() - s.Expired
	s.Reach, s.Wide = entries.measureReach()
}

// errEntry ends a probe when an entry was found.
var errEntry = errors.New("an entry can be read")

// Probe refuses a text in which nothing can be read as an entry. It stops reading at the
// first entry.
func Probe(r io.Reader, o Options, g Guards) (Refusals, error) {
	_, err := feed.Parse(r, o.feedOptions(&g, &Hooks{}), func(*indicator.Indicator) error { return errEntry })
	var refusals Refusals
	switch {
	case errors.Is(err, errEntry):
		return nil, nil
	case err == nil:
		return Refusals{{
			Code: RefusedNoEntries,
			What: "it contains no entries",
			Todo: "open the URL and check the response",
		}}, nil
	}

	err = asRefusals(err)
	if errors.As(err, &refusals) {
		return refusals, nil
	}
	return nil, err
}

// asRefusals converts an error of the parser into refusals. If the reader failed, the list
// was not read completely, and the error remains an error.
func asRefusals(err error) error {
	var unreadable *feed.RefusedError
	switch {
	case errors.Is(err, errMemory):
		return Refusals{{
			Code: RefusedTooLarge,
			What: err.Error(),
			Todo: "give the importer more memory, or split the list into several feeds",
		}}
	case errors.Is(err, errTooLarge):
		return Refusals{{
			Code: RefusedTooLarge,
			What: err.Error(),
			Todo: "split the list into several feeds",
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
	case errors.Is(err, feed.ErrColumn), errors.Is(err, feed.ErrUnclear), errors.Is(err, feed.ErrWrongFormat):
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

// maxCleanText is the length in bytes to which [CleanText] cuts a text.
const maxCleanText = 512

// CleanText cuts an untrusted text to 512 bytes and removes control characters and invalid
// UTF-8, so that the text fits into a field of a line.
func CleanText(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7F {
			return -1
		}
		return r
	}, strings.ToValidUTF8(text[:min(len(text), maxCleanText)], ""))
}
