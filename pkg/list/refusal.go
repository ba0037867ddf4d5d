package list

import (
	"fmt"
	"strings"

	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

// Refusal is a reason why a list is refused. The feed keeps its previous list.
type Refusal struct {
	Code  RefusalCode `json:"code"`
	What  string      `json:"what"`            // what is wrong, with figures
	Where string      `json:"where,omitempty"` // the place in the list, if it is known
	Todo  string      `json:"todo"`            // what the owner of the list can do
}

// RefusalCode is the kind of a refusal. Reports and logs contain these words.
type RefusalCode string

// Kinds of refusals.
const (
	RefusedUnreadable    RefusalCode = "unreadable"       // not a list
	RefusedTooLarge      RefusalCode = "too_large"        // the object, its expanded content or its entries
	RefusedNoEntries     RefusalCode = "no_entries"       // no entry is left
	RefusedInvalid       RefusalCode = "too_many_invalid" // too few valid entries
	RefusedDropped       RefusalCode = "mostly_dropped"   // the guards left too little of it
	RefusedSuffixes      RefusalCode = "public_suffixes"
	RefusedShrink        RefusalCode = "shrink"
	RefusedGrowth        RefusalCode = "growth"
	RefusedCutOff        RefusalCode = "cut_off" // fewer entries than the list itself says
	RefusedIndexTooLarge RefusalCode = "index_too_large"
	RefusedFeedConflict  RefusalCode = "feed_conflict"  // lists in both folders, or a reserved feed id
	RefusedSettings      RefusalCode = "bad_settings"   // the settings of the feed
	RefusedGuardList     RefusalCode = "bad_guard_list" // one of the user's guard lists
)

// overridable reports whether a reason can override the refusal. A refusal is final if
// nothing could be accepted, or if the transformer could not load the index.
func (c RefusalCode) overridable() bool {
	switch c {
	case RefusedInvalid, RefusedDropped, RefusedSuffixes, RefusedShrink, RefusedGrowth, RefusedCutOff:
		return true
	default:
		return false
	}
}

// Error returns the refusal in one line.
func (r Refusal) Error() string {
	text := r.What
	if r.Where != "" {
		text += " (" + r.Where + ")"
	}
	return text + ": " + r.Todo
}

// Refusals are all reasons why a list is refused. As an error of [Read] they may come
// together with the list.
type Refusals []Refusal

// Error returns the refusals, one per line.
func (r Refusals) Error() string {
	lines := make([]string, len(r))
	for i, refusal := range r {
		lines[i] = refusal.Error()
	}
	return strings.Join(lines, "\n")
}

// Overridable reports whether a recorded reason can override all of the refusals.
func (r Refusals) Overridable() bool {
	for _, refusal := range r {
		if !refusal.Code.overridable() {
			return false
		}
	}
	return true
}

// Codes returns the kinds of all refusals, separated by spaces.
func (r Refusals) Codes() string {
	words := make([]string, len(r))
	for i, refusal := range r {
		words[i] = string(refusal.Code)
	}
	return strings.Join(words, " ")
}

// ForceKey is the name of the tag with which a list object overrides
// the guards. Its value is the reason.
const ForceKey = "resolverwatch-force"

// orForce says how the owner of a list can override a refusal.
const orForce = `; to accept it as it is, set the tag "` + ForceKey + `" of the object, with the reason as its value`

const (
	// shortValidPercent is the part of the entries of a short list that must be valid. A single
	// bad line is a large part of such a list, but a list with more bad lines than good ones is
	// not a list.
	shortValidPercent = 50
	// minKeptPercent is the part of the valid entries of a list that the guards must leave. Lists
	// of URLs lose up to half of their entries to shared hosts.
	minKeptPercent = 10
)

// checkSummary refuses a list because of its own counts. suffixes is the number of block entries
// that are public suffixes. It leaves out suffixes of companies, because good lists contain some,
// and allow entries, because they do no harm.
func (g *Guards) checkSummary(s *Summary, suffixes int) (refusals Refusals) {
	refusals = g.checkValid(s)
	if present := percent(s.Entries, s.Expected); s.Expected > 0 && present < g.ExpectedPercent {
		refusals = append(refusals, Refusal{
			Code: RefusedCutOff,
			What: fmt.Sprintf("it has %d entries, but its header says %d", s.Entries, s.Expected),
			Todo: "check whether the upload or the download was cut off" + orForce,
		})
	}
	if s.Names+s.Expired == 0 { // an owner may let all entries end
		refusals = append(refusals, Refusal{
			Code: RefusedNoEntries,
			What: fmt.Sprintf("no usable entry in %d lines", s.Lines),
			Todo: "check what was dropped and skipped; to retire a feed, delete its list",
		})
	}
	kept := percent(s.Accepted-s.TotalDropped(), s.Accepted)
	if s.Accepted >= g.MinValidEntries && kept > 0 && kept < minKeptPercent {
		refusals = append(refusals, Refusal{
			Code: RefusedDropped,
			What: fmt.Sprintf("the guards drop %d of %d entries, more than %d %%", s.TotalDropped(), s.Accepted, 100-minKeptPercent),
			Todo: "see the dropped entries below; check whether this is a list of malicious names" + orForce,
		})
	}
	if share := percent(suffixes, s.Accepted); suffixes > g.SuffixEntries && share > g.SuffixPercent {
		refusals = append(refusals, Refusal{
			Code: RefusedSuffixes,
			What: fmt.Sprintf("%d entries are public suffixes, %.1f %% of the list", suffixes, share),
			Todo: "check whether this is a list of suffixes, or whether its names lost their first labels" + orForce,
		})
	}
	return refusals
}

// checkValid refuses a list in which too few entries are valid.
func (g *Guards) checkValid(s *Summary) Refusals {
	counted, minimum := s.Accepted+s.Rejected, g.MinValidPercent
	if counted < g.MinValidEntries {
		if s.Names+s.Expired == 0 { // it has no entries, which says more
			return nil
		}
		minimum = min(minimum, shortValidPercent)
	}
	valid := percent(s.Accepted, counted)
	if counted == 0 || valid >= minimum {
		return nil
	}
	return Refusals{{
		Code: RefusedInvalid,
		What: fmt.Sprintf("only %.1f %% of %d entries are valid, the minimum is %v %%", valid, counted, minimum),
		Todo: "see the rejected lines below; check that the list is complete and has the format of its settings" + orForce,
	}}
}

// Compare refuses a list if it has far fewer or far more entries than the accepted list of its
// feed. accepted is 0 if the feed has no accepted list.
func (g *Guards) Compare(accepted, entries int) (refusals Refusals) {
	if accepted == 0 {
		return nil
	}

	gone := accepted - entries
	if share := percent(gone, accepted); gone > g.ShrinkEntries && share > g.ShrinkPercent {
		refusals = append(refusals, Refusal{
			Code: RefusedShrink,
			What: fmt.Sprintf("%d of %d entries are gone, %.1f %%", gone, accepted, share),
			Todo: "check whether the list is complete" + orForce,
		})
	}
	if growth := percent(-gone, accepted); entries > g.GrowthEntries && growth > g.GrowthPercent {
		refusals = append(refusals, Refusal{
			Code: RefusedGrowth,
			What: fmt.Sprintf("%d entries, %.0f %% more than the %d before", entries, growth, accepted),
			Todo: "check whether this is the right list for the feed" + orForce,
		})
	}
	return refusals
}

func percent(part, whole int) float64 {
	if whole == 0 {
		return 0
	}
	return 100 * float64(part) / float64(whole)
}

// memoryToList returns the bytes that a process needs to hold a list. text is the total
// length of the values. This and memoryToBuild are a quarter above the measured values.
func memoryToList(entries int, text int64) int64 { return 50*int64(entries) + 5*text/4 }

// memoryToBuild returns the bytes that a process needs to build an index.
func memoryToBuild(entries int, text int64) int64 { return 90*int64(entries) + 5*text/2 }

// CheckMemory refuses a list of a feed if the process has too little memory to build the
// index with it. entries and text are the number of entries of the index and the total
// length of their values.
func (g *Guards) CheckMemory(feed indicator.FeedID, l *List, entries int, text int64) Refusals {
	need := memoryToList(l.Len(), l.Bytes()) + memoryToBuild(entries, text)
	if g.Memory == 0 || need <= g.Memory {
		return nil
	}
	return Refusals{{
		Code: RefusedIndexTooLarge,
		What: fmt.Sprintf("with this list the index has %d entries, and building it may need %d MiB of memory; "+
			"the importer has %d", entries, need>>20, g.Memory>>20),
		Todo: "give the importer more memory, or remove feeds; then run " + PublishCommand(feed),
	}}
}

// PublishCommand returns the command that checks the refused list of a feed again.
func PublishCommand(id indicator.FeedID) string {
	return "`resolverwatch publish --feed " + string(id) + "`"
}
