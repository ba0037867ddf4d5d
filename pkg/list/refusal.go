package list

import (
	"fmt"
	"strings"

	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/reach"
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
	RefusedCutOff        RefusalCode = "cut_off"       // fewer entries than the list itself says
	RefusedReach         RefusalCode = "address_reach" // blocks cover too many addresses
	RefusedWideBlocks    RefusalCode = "wide_blocks"
	RefusedIndexTooLarge RefusalCode = "index_too_large"
	RefusedFeedConflict  RefusalCode = "feed_conflict"  // lists in both folders, or a reserved feed id
	RefusedSettings      RefusalCode = "bad_settings"   // the settings of the feed
	RefusedGuardList     RefusalCode = "bad_guard_list" // one of the user's guard lists
	RefusedSetAside      RefusalCode = "set_aside"      // reading it ended two runs
	RefusedLost          RefusalCode = "lost"           // the accepted list is lost or was changed
	RefusedTooManyFeeds  RefusalCode = "too_many_feeds" // there are as many feeds as an index can have
)

// overridable reports whether a reason can override the refusal. A refusal is final if
// nothing could be accepted, or if the transformer would not load the index.
func (c RefusalCode) overridable() bool {
	switch c {
	case RefusedInvalid, RefusedDropped, RefusedSuffixes, RefusedShrink, RefusedGrowth, RefusedCutOff, RefusedWideBlocks:
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
	return append(refusals, g.checkReach(s)...)
}

// checkReach refuses a list whose blocks cover too much of the public address space, or which
// has very many wide blocks.
func (g *Guards) checkReach(s *Summary) (refusals Refusals) {
	if bound := reach.NewBounds(g.ReachBounds).Feed; s.Reach.Exceeds(bound) {
		refusals = append(refusals, Refusal{
			Code: RefusedReach,
			What: fmt.Sprintf("its blocks cover %v; a feed may cover %v", s.Reach, bound),
			Todo: "check whether this is a list of malicious networks; list the addresses in the widest blocks one by one, or leave these blocks out; if it is, raise the guards maxFeedIPv4 and maxFeedIPv6",
		})
	}
	if s.Wide > g.MaxWideBlocks {
		refusals = append(refusals, Refusal{
			Code: RefusedWideBlocks,
			What: fmt.Sprintf("it has %d blocks of /24 or wider (IPv6: /48); a feed may have %d", s.Wide, g.MaxWideBlocks),
			Todo: "check whether this is a list of malicious networks; list smaller blocks, or leave the widest ones out" + orForce,
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

// RefuseTotalReach refuses a list with which the blocks of all feeds cover too much of the
// public address space. own is the part of the list.
func (g *Guards) RefuseTotalReach(feed indicator.FeedID, own, total reach.Reach) Refusals {
	bound := reach.NewBounds(g.ReachBounds).Total
	if !total.Exceeds(bound) {
		return nil
	}
	return Refusals{{
		Code: RefusedReach,
		What: fmt.Sprintf("with this list the blocks of all feeds cover %v, of which this list covers %v; all feeds together may cover %v",
			total, own, bound),
		Todo: "remove feeds with many wide blocks, leave the widest blocks of this list out, or raise the guards maxTotalIPv4 and maxTotalIPv6; then run " + PublishCommand(feed),
	}}
}

// weekFactor is how many times more entries may be gone after seven days than after one list. Some
// lists of addresses in use replace more than half of their entries in a week.
const weekFactor = 4

// Compare refuses a list if too many entries of the accepted list of its feed are gone, whatever
// else came instead, if it has far fewer entries than the feed had within the last days, or if
// it has far more entries than the accepted list. It refuses nothing if the feed has no accepted
// list.
func (g *Guards) Compare(c Change) (refusals Refusals) {
	if c.Accepted == 0 {
		return nil
	}

	if share := percent(c.Gone, c.Before); c.Gone > g.ShrinkEntries && share > g.ShrinkPercent {
		refusals = append(refusals, Refusal{
			Code: RefusedShrink,
			What: fmt.Sprintf("%d of %d entries in effect are gone, %.1f %%: %d are kept and %d are new. Gone are entries that are missing, "+
				"have ended or end within a week, match less, or are vetoed by the list's own exceptions", c.Gone, c.Before, share, c.Kept, c.New),
			Todo: "check whether the list is complete and still the list of this feed" + orForce,
		})
	} else if lost := c.Highest - c.Now; lost > g.ShrinkEntries && percent(lost, c.Highest) > g.ShrinkPercent {
		refusals = append(refusals, Refusal{
			Code: RefusedShrink,
			What: fmt.Sprintf("%d entries are in effect, %.1f %% fewer than the %d that the feed had within the last seven days",
				c.Now, percent(lost, c.Highest), c.Highest),
			Todo: "check whether the list loses entries little by little" + orForce,
		})
	} else if share := percent(c.WeekGone, c.WeekBefore); c.WeekGone > g.ShrinkEntries && share > weekFactor*g.ShrinkPercent {
		refusals = append(refusals, Refusal{
			Code: RefusedShrink,
			What: fmt.Sprintf("%d of the %d entries in effect of seven days ago are gone, %.1f %%", c.WeekGone, c.WeekBefore, share),
			Todo: "check whether the list replaces its entries little by little; if it always changes that fast, " +
				"raise the guard shrinkPercent" + orForce,
		})
	}
	growth := percent(c.Entries-c.Accepted, c.Accepted)
	if c.Entries > g.GrowthEntries && growth > g.GrowthPercent {
		refusals = append(refusals, Refusal{
			Code: RefusedGrowth,
			What: fmt.Sprintf("%d entries, %.0f %% more than the %d before", c.Entries, growth, c.Accepted),
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

// CheckMemory refuses a list of a feed if the process has too little memory to build the
// index with it. others is the cost of the other feeds. If the memory suffices without the
// references of the list, CheckMemory removes them instead and returns how many entries had
// one.
func (g *Guards) CheckMemory(feed indicator.FeedID, l *List, others Cost) (refusals Refusals, leftOut int) {
	build := others.Add(l.Cost()).BuildBytes
	if g.Memory > 0 && build+l.memory() > g.Memory {
		leftOut = l.dropReferences()
	}
	need := build + l.memory()
	if g.Memory == 0 || need <= g.Memory {
		return nil, leftOut
	}
	return Refusals{{
		Code: RefusedIndexTooLarge,
		What: fmt.Sprintf("building the index with this list of %d entries may need %d MiB of memory; "+
			"the importer has %d", l.Len(), need>>20, g.Memory>>20),
		Todo: "give the importer more memory, or remove feeds; then run " + PublishCommand(feed),
	}}, leftOut
}

// PublishCommand returns the command that checks the refused list of a feed again.
func PublishCommand(id indicator.FeedID) string {
	return "`resolverwatch publish --feed " + string(id) + "`"
}
