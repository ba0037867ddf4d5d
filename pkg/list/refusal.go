package list

import (
	"fmt"
	"strings"
)

// Refusal is why a list is not taken: the one that it would replace goes on serving.
type Refusal struct {
	Code RefusalCode `json:"code"`
	// What is wrong, with figures; Where in the list, if that is known; and what the
	// owner of the list can do.
	What  string `json:"what"`
	Where string `json:"where,omitempty"`
	Todo  string `json:"todo"`
}

// RefusalCode is the kind of a refusal. The words stand in reports and metrics.
type RefusalCode string

// Kinds of refusals. A reason overrides those of a list that could be read.
const (
	RefusedUnreadable    RefusalCode = "unreadable" // no list at all; see What
	RefusedTooLarge      RefusalCode = "too_large"  // the upload, unpacked or not
	RefusedNoEntries     RefusalCode = "no_entries" // nothing in it that counts
	RefusedInvalid       RefusalCode = "too_many_invalid"
	RefusedSuffixes      RefusalCode = "public_suffixes"
	RefusedShrink        RefusalCode = "shrink"
	RefusedGrowth        RefusalCode = "growth"
	RefusedCutOff        RefusalCode = "cut_off" // fewer entries than the list says it has
	RefusedIndexTooLarge RefusalCode = "index_too_large"
	RefusedFeedConflict  RefusalCode = "feed_conflict" // one id in both folders, or reserved
	RefusedSettings      RefusalCode = "bad_settings"
	RefusedGuardList     RefusalCode = "bad_guard_list" // one of the user's own for the guards
)

// overridable reports whether a reason can override the refusal: there must be a list
// to take, and an index that the transformer can load.
func (c RefusalCode) overridable() bool {
	switch c {
	case RefusedInvalid, RefusedSuffixes, RefusedShrink, RefusedGrowth, RefusedCutOff:
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

// Refusals are all reasons why one list is not taken. As an error they come beside the
// list, if there is one.
type Refusals []Refusal

// Error returns the refusals, one a line.
func (r Refusals) Error() string {
	lines := make([]string, len(r))
	for i, refusal := range r {
		lines[i] = refusal.Error()
	}
	return strings.Join(lines, "\n")
}

// Overridable reports whether a recorded reason may override them all.
func (r Refusals) Overridable() bool {
	for _, refusal := range r {
		if !refusal.Code.overridable() {
			return false
		}
	}
	return true
}

// Codes returns the kinds of all refusals, for a log line or a row.
func (r Refusals) Codes() string {
	words := make([]string, len(r))
	for i, refusal := range r {
		words[i] = string(refusal.Code)
	}
	return strings.Join(words, " ")
}

// ForceKey is the name of the metadata, or tag, of a list object whose value is the
// reason why guards are overridden for it.
const ForceKey = "resolverwatch-force"

// orForce is what to do about a refusal that the owner may know better than the guard.
const orForce = `; if it is right as it is, upload it again with the metadata or tag "` +
	ForceKey + `" and the reason as its value`

// checkReading refuses what the reading of a list alone shows. suffixes are the block
// entries that are public suffixes: those of companies stand in good lists too, and in a
// list of what is allowed they do no harm.
func (g *Guards) checkReading(r *Summary, suffixes int) (refusals Refusals) {
	counted := r.Accepted + r.Rejected
	valid := percent(r.Accepted, counted)
	if counted >= g.MinValidEntries && valid < g.MinValidPercent {
		refusals = append(refusals, Refusal{
			Code: RefusedInvalid,
			What: fmt.Sprintf("only %.1f %% of %d entries are valid, %v %% must be", valid, counted, g.MinValidPercent),
			Todo: "see the rejected lines below; is this a list, whole and in the format that its settings say?" + orForce,
		})
	}
	if there := percent(r.Entries, r.Expected); r.Expected > 0 && there < g.ExpectedPercent {
		refusals = append(refusals, Refusal{
			Code: RefusedCutOff,
			What: fmt.Sprintf("%d entries, and the list says that it has %d", r.Entries, r.Expected),
			Todo: "was the upload or the download cut off?" + orForce,
		})
	}
	if r.Names == 0 {
		refusals = append(refusals, Refusal{
			Code: RefusedNoEntries,
			What: fmt.Sprintf("no entry to list in %d lines", r.Lines),
			Todo: "see what was dropped and skipped; to retire a feed, delete its list",
		})
	}
	if share := percent(suffixes, r.Accepted); suffixes > g.SuffixEntries && share > g.SuffixPercent {
		refusals = append(refusals, Refusal{
			Code: RefusedSuffixes,
			What: fmt.Sprintf("%d entries are public suffixes, %.1f %% of the list", suffixes, share),
			Todo: "is this a list of suffixes, or one that lost its first labels?" + orForce,
		})
	}
	return refusals
}

// Compare refuses a list of entries that is too unlike the accepted one of its feed.
func (g *Guards) Compare(accepted, entries int) (refusals Refusals) {
	if accepted == 0 {
		return nil
	}
	gone := accepted - entries
	if share := percent(gone, accepted); gone > g.ShrinkEntries && share > g.ShrinkPercent {
		refusals = append(refusals, Refusal{
			Code: RefusedShrink,
			What: fmt.Sprintf("%d of %d entries are gone, %.1f %%", gone, accepted, share),
			Todo: "is the list whole?" + orForce,
		})
	}
	if growth := percent(-gone, accepted); entries > g.GrowthEntries && growth > g.GrowthPercent {
		refusals = append(refusals, Refusal{
			Code: RefusedGrowth,
			What: fmt.Sprintf("%d entries where %d were, %.0f %% more", entries, accepted, growth),
			Todo: "is this the right list for the feed?" + orForce,
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
