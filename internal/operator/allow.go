package operator

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/domainname"
	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/list"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
	"github.com/resolverwatch/resolverwatch/pkg/snapshot"
)

// AllowPlan is an allow entry that can be stored, and what it will change.
type AllowPlan struct {
	Entry indicator.Indicator
	// Index is the current index; nil if none was published yet.
	Index  *index.Index
	Pinned bool // the importer does not publish newer generations
	// Vetoed are the block entries that the allow entry vetoes. StillMatching counts the block
	// entries under it that keep matching because they are more specific.
	Vetoed               []index.Stored
	StillMatching        int
	StillMatchingSamples []string
}

// NewAllowEntry returns an allow entry for a name, an address or a CIDR block. scope applies
// to names; 0 means subtree. Entries that would allow a whole top-level domain or public
// suffix are refused, as the guards refuse them in allow lists.
func NewAllowEntry(text string, scope indicator.Scope) (indicator.Indicator, error) {
	entry := indicator.Indicator{
		Action: indicator.ActionAllow, Severity: indicator.DefaultSeverity, Confidence: indicator.DefaultConfidence,
	}
	block, isBlock := parseBlock(text)
	switch {
	case isBlock && scope != 0:
		return entry, fmt.Errorf("%q is an address: --scope is only for names", text)
	case isBlock && isWide(block):
		// Lists cannot have blocks as wide as this, and it would not veto narrower ones.
		return entry, fmt.Errorf("%q cannot be allowed: it has too many addresses; it would not veto "+
			"anything, because all block entries are more specific", text)
	case isBlock:
		entry.Block, entry.Scope = block, indicator.ScopeCIDR
		return entry, nil
	}

	name, err := domainname.Parse(text)
	if err != nil {
		return entry, fmt.Errorf("%q cannot be allowed: %w", text, err)
	}
	entry.Name, entry.Scope = name, indicator.ScopeSubtree
	if scope != 0 {
		entry.Scope = scope
	}

	var guards list.Guards
	if reason := guards.Check(&entry); reason != "" {
		return entry, fmt.Errorf("%q cannot be allowed: it is %s", text, reason.Explain())
	}
	return entry, nil
}

func isWide(block netip.Prefix) bool {
	guards := settings.DefaultGuards()
	if block.Addr().Is4() {
		return block.Bits() < guards.MinPrefixIPv4
	}
	return block.Bits() < guards.MinPrefixIPv6
}

func parseBlock(text string) (netip.Prefix, bool) {
	if address, err := netip.ParseAddr(text); err == nil && address.Zone() == "" {
		address = address.Unmap()
		return netip.PrefixFrom(address, address.BitLen()), true
	}
	block, err := netip.ParsePrefix(text)
	return block.Masked(), err == nil
}

// PlanAllow finds out what an allow entry will change in the current index.
func (o *Operator) PlanAllow(ctx context.Context, entry indicator.Indicator) (*AllowPlan, error) {
	plan := &AllowPlan{Entry: entry}
	current, _, err := o.current(ctx)
	if errors.Is(err, errNothingPublished) {
		return plan, nil
	}
	if err != nil {
		return nil, err
	}

	plan.Pinned = current.Pinned
	if plan.Index, err = o.openVerified(ctx, &current); err != nil {
		return nil, err
	}
	for stored, err := range plan.Index.All() {
		if err != nil {
			return nil, err
		}
		plan.classify(&stored)
	}
	return plan, nil
}

// classify adds a block entry to those that are vetoed, or to those that keep matching.
func (a *AllowPlan) classify(s *index.Stored) {
	if s.Action != indicator.ActionBlock || s.Block.IsValid() != a.Entry.Block.IsValid() {
		return
	}
	vetoed, stillMatching := a.compareNames(s)
	if s.Block.IsValid() {
		overlaps := s.Block.Overlaps(a.Entry.Block)
		vetoed, stillMatching = overlaps && s.Block.Bits() <= a.Entry.Block.Bits(), overlaps && s.Block.Bits() > a.Entry.Block.Bits()
	}
	switch {
	case vetoed:
		a.Vetoed = append(a.Vetoed, *s)
	case stillMatching:
		a.StillMatching++
		a.StillMatchingSamples = sample(a.StillMatchingSamples, s)
	}
}

// compareNames compares a block entry with the allow entry, if both cover some name. An allow
// entry vetoes block entries with the same number of labels or fewer.
func (a *AllowPlan) compareNames(s *index.Stored) (vetoed, stillMatching bool) {
	allowed, blocked := a.Entry.Name.String(), s.Name.String()
	if _, below := depthUnder(blocked, allowed); below {
		return false, a.Entry.Scope != indicator.ScopeName
	}

	depth, covered := depthUnder(allowed, blocked)
	if !covered && allowed != blocked {
		return false, false
	}
	at := a.Entry.Scope.Covers(0) && s.Scope.Covers(depth)
	under := a.Entry.Scope.Covers(1) && s.Scope.Covers(depth+1)
	return at || under, false
}

// depthUnder returns how many labels name has more than ancestor, and whether name is under
// ancestor. A name is not under itself.
func depthUnder(name, ancestor string) (depth int, under bool) {
	rest, found := strings.CutSuffix(name, "."+ancestor)
	if !found {
		return 0, false
	}
	return strings.Count(rest, ".") + 1, true
}

// Allow stores an allow entry of the feed manual, which vetoes every feed once it is published.
// It returns the edit that it replaces, or nil. A lifetime of 0 means that it never expires.
func (o *Operator) Allow(ctx context.Context, entry indicator.Indicator, reason string, lifetime time.Duration) (*Edit, error) {
	edit := Edit{Entry: snapshot.Entry{Indicator: entry, AddedAt: o.now()}, By: o.By, Reason: reason}
	if lifetime > 0 {
		edit.ExpiresAt = o.now().Add(lifetime)
	}
	before, err := o.Edits.Put(ctx, edit)
	if err != nil {
		return nil, fmt.Errorf("storing the entry: %w", err)
	}
	return before, nil
}

// Disallow removes an allow entry that was added by hand, and returns it.
func (o *Operator) Disallow(ctx context.Context, entry indicator.Indicator) (*Edit, error) {
	before, err := o.Edits.Remove(ctx, Edit{Entry: snapshot.Entry{Indicator: entry}})
	if err != nil {
		return nil, fmt.Errorf("removing the entry: %w", err)
	}
	if before == nil {
		return nil, fmt.Errorf("there is no manual entry that allows %s with scope %s: 'resolverwatch allow --list' shows all entries", entry.Value(), entry.Scope)
	}
	return before, nil
}

// AwaitEdit waits until the current index has an entry of the feed manual or, if present is
// false, does not have it any more. It returns the pointer, or [ErrNotYet] after wait.
func (o *Operator) AwaitEdit(ctx context.Context, entry indicator.Indicator, present bool, wait time.Duration) (index.Current, error) {
	checked := ""
	return o.await(ctx, wait, func(ctx context.Context, current index.Current, _ string) (bool, error) {
		if current.Object == checked {
			return false, nil
		}
		opened, err := o.openVerified(ctx, &current)
		if err != nil {
			return false, err
		}
		checked = current.Object
		for stored, err := range opened.All() {
			if err != nil {
				return false, err
			}
			if stored.Feed == indicator.ManualFeed && stored.Key() == entry.Key() {
				return present, nil
			}
		}
		return !present, nil
	})
}
