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

// Allow is an allow entry that is about to be made, with what it will change.
type AllowPlan struct {
	Entry indicator.Indicator
	// Served is the index that serves; nil if nothing was published yet.
	Served *index.Index
	Pinned bool // publishes do not move the pointer for now
	// Vetoed are the block entries that the new one vetoes. StillMatching is how many stand
	// below it and go on marking, since they are more specific; Samples are the first.
	Vetoed               []index.Stored
	StillMatching        int
	StillMatchingSamples []string
}

// NewAllowEntry reads what somebody wants to allow: a name, an address or a CIDR block.
// Scope is of a name, 0 = subtree. It refuses what would switch checks off for a whole
// top-level domain or public suffix, as the guards refuse it in an allow list.
func NewAllowEntry(text string, scope indicator.Scope) (indicator.Indicator, error) {
	entry := indicator.Indicator{
		Action: indicator.ActionAllow, Severity: indicator.DefaultSeverity, Confidence: indicator.DefaultConfidence,
	}
	block, isBlock := parseBlock(text)
	switch {
	case isBlock && scope != 0:
		return entry, fmt.Errorf("%q: an address has no scope", text)
	case isBlock && isWide(block):
		// A list may hold no block as wide, and what is narrower is not vetoed.
		return entry, fmt.Errorf("%q cannot be allowed: it has too many addresses; no entry is as wide, and it "+
			"vetoes none that is narrower", text)
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

// PlanAllow says what an allow entry will change in the index that serves.
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
	if plan.Served, err = o.openVerified(ctx, &current); err != nil {
		return nil, err
	}
	for stored, err := range plan.Served.All() {
		if err != nil {
			return nil, err
		}
		plan.classify(&stored)
	}
	return plan, nil
}

// weigh sorts a block entry into those that are vetoed and those that are too deep.
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

// compareNames reports whether some name is covered by both, and which of the two lies
// stillMatching: an allow entry vetoes what has no more labels than itself.
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

// depthUnder returns by how many labels name lies under ancestor, and whether it does;
// a name is not under itself.
func depthUnder(name, ancestor string) (depth int, under bool) {
	rest, found := strings.CutSuffix(name, "."+ancestor)
	if !found {
		return 0, false
	}
	return strings.Count(rest, ".") + 1, true
}

// Allow stores an allow entry of the feed `manual`, which vetoes every feed once it is
// published. It returns the entry of the same key that it replaces. A life of 0 is for
// good.
func (o *Operator) Allow(ctx context.Context, entry indicator.Indicator, reason string, life time.Duration) (*Edit, error) {
	edit := Edit{Entry: snapshot.Entry{Indicator: entry, AddedAt: o.now()}, By: o.By, Reason: reason}
	if life > 0 {
		edit.ExpiresAt = o.now().Add(life)
	}
	before, err := o.Edits.Put(ctx, edit)
	if err != nil {
		return nil, fmt.Errorf("storing the entry: %w", err)
	}
	return before, nil
}

// Disallow takes an allow entry away that was made by hand, and returns it.
func (o *Operator) Disallow(ctx context.Context, entry indicator.Indicator) (*Edit, error) {
	before, err := o.Edits.Remove(ctx, Edit{Entry: snapshot.Entry{Indicator: entry}})
	if err != nil {
		return nil, fmt.Errorf("removing the entry: %w", err)
	}
	if before == nil {
		return nil, fmt.Errorf("%s is not allowed by hand with scope %s: `allow --list` shows what is", entry.Value(), entry.Scope)
	}
	return before, nil
}

// AwaitEdit waits until the index that serves has an entry made by hand, or has it no
// more, and returns its pointer; [ErrNotYet].
func (o *Operator) AwaitEdit(ctx context.Context, entry indicator.Indicator, there bool, wait time.Duration) (index.Current, error) {
	looked := ""
	return o.await(ctx, wait, func(ctx context.Context, current index.Current, _ string) (bool, error) {
		if current.Object == looked {
			return false, nil
		}
		opened, err := o.openVerified(ctx, &current)
		if err != nil {
			return false, err
		}
		looked = current.Object
		for stored, err := range opened.All() {
			if err != nil {
				return false, err
			}
			if stored.Feed == indicator.ManualFeed && stored.Key() == entry.Key() {
				return there, nil
			}
		}
		return !there, nil
	})
}
