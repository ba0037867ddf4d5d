// Package indicator holds the words of the threat side: what a feed lists, how far
// a listed entry reaches, and how bad it is. It is a leaf: every stage of the
// pipeline speaks it, and it imports none of them.
package indicator

import (
	"cmp"
	"net/netip"
	"strings"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/domainname"
)

// Indicator is one entry of a feed: a name, or a block of addresses, with what the
// feed says of it. Exactly one of Name and Block is set.
type Indicator struct {
	Name  domainname.Name
	Block netip.Prefix // masked; a single address is a /32 or /128
	Scope Scope        // [ScopeCIDR] if and only if Block is set
	// Action is what a match does: mark the query, or veto other entries.
	Action     Action
	Severity   Severity
	Confidence Confidence
	Category   Category
	Reference  string    // where to read more, as the feed gives it
	FirstSeen  time.Time // by the feed; zero if it does not say
	ExpiresAt  time.Time // when the entry ends by the feed's own word; zero if never
}

// Key identifies an entry within a feed: entries of one key are merged.
type Key struct {
	Value  string
	Scope  Scope
	Action Action
}

// Key returns the identity of i within its feed.
func (i *Indicator) Key() Key { return Key{i.Value(), i.Scope, i.Action} }

// Value returns the canonical text: the name, the address, or the CIDR block.
func (i *Indicator) Value() string {
	switch {
	case !i.Block.IsValid():
		return i.Name.String()
	case i.Block.IsSingleIP():
		return i.Block.Addr().String()
	default:
		return i.Block.String()
	}
}

// SetValue sets the name, or the block where the scope is [ScopeCIDR], from the text that
// Value returns.
func (i *Indicator) SetValue(text string) (err error) {
	if i.Scope == ScopeCIDR {
		i.Block, err = ParseBlock(text)
	} else {
		i.Name, err = domainname.Parse(text)
	}
	return err
}

// ParseBlock reads an address or a CIDR block, and masks it.
func ParseBlock(text string) (netip.Prefix, error) {
	address, err := netip.ParseAddr(text)
	switch {
	case err == nil:
		return netip.PrefixFrom(address, address.BitLen()), nil
	case !strings.Contains(text, "/"):
		return netip.Prefix{}, err
	}
	block, err := netip.ParsePrefix(text)
	return block.Masked(), err
}

// Compare orders entries by value, scope and action; it is the order of accepted
// snapshots, in which entries of one key stand side by side.
func (i *Indicator) Compare(other *Indicator) int {
	return cmp.Or(
		strings.Compare(i.Value(), other.Value()),
		cmp.Compare(i.Scope, other.Scope),
		cmp.Compare(i.Action, other.Action),
	)
}

// Merge folds a repeat of the same key into i. The highest severity wins, then the
// highest confidence, then the smallest category; the entry lives from the earliest
// first sight to the latest expiry. The result does not depend on the order.
func (i *Indicator) Merge(repeat *Indicator) {
	if repeat.worseThan(i) {
		i.Severity, i.Confidence, i.Category = repeat.Severity, repeat.Confidence, repeat.Category
	}
	if i.Reference == "" || (repeat.Reference != "" && repeat.Reference < i.Reference) {
		i.Reference = repeat.Reference
	}
	if i.FirstSeen.IsZero() || (!repeat.FirstSeen.IsZero() && repeat.FirstSeen.Before(i.FirstSeen)) {
		i.FirstSeen = repeat.FirstSeen
	}
	if i.ExpiresAt.IsZero() || repeat.ExpiresAt.IsZero() {
		i.ExpiresAt = time.Time{}
	} else if repeat.ExpiresAt.After(i.ExpiresAt) {
		i.ExpiresAt = repeat.ExpiresAt
	}
}

func (i *Indicator) worseThan(other *Indicator) bool {
	return cmp.Or(
		cmp.Compare(i.Severity, other.Severity),
		cmp.Compare(i.Confidence, other.Confidence),
		strings.Compare(string(other.Category), string(i.Category)),
	) > 0
}
