// Package indicator defines the terms that every stage of the pipeline shares: an indicator
// is an entry of a feed, with its scope (how far the entry reaches), its action (what a match
// does), its severity and its confidence. The package imports none of the stages.
package indicator

import (
	"cmp"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/domainname"
)

// Indicator is one entry of a feed: a name or a block of addresses, with the details that the
// feed gives. Exactly one of Name and Block is set.
type Indicator struct {
	Name  domainname.Name
	Block netip.Prefix // masked; a single address is a /32 or a /128
	Scope Scope        // [ScopeCIDR] if and only if Block is set
	// Action is what a match does: it marks the query as malicious, or vetoes other entries.
	Action     Action
	Severity   Severity
	Confidence Confidence
	Category   Category
	Reference  string    // where to read more, as written in the feed
	FirstSeen  time.Time // by the feed; zero if unknown
	ExpiresAt  time.Time // as set by the feed; zero if never
}

// Key identifies an entry within a feed. Entries with the same key are merged.
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

// AppendValue appends the text that Value returns.
func (i *Indicator) AppendValue(text []byte) []byte {
	switch {
	case !i.Block.IsValid():
		return append(text, i.Name.String()...)
	case i.Block.IsSingleIP():
		return i.Block.Addr().AppendTo(text)
	default:
		return i.Block.AppendTo(text)
	}
}

// SetValue sets the name or, if the scope is [ScopeCIDR], the block. text is what Value
// returns.
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

// Compare orders entries by value, scope and action. Accepted snapshots are in this order, so
// entries with the same key are adjacent in them.
func (i *Indicator) Compare(other *Indicator) int {
	return cmp.Or(
		strings.Compare(i.Value(), other.Value()),
		cmp.Compare(i.Scope, other.Scope),
		cmp.Compare(i.Action, other.Action),
	)
}

// Merge merges a repeated entry with the same key into i. Severity, confidence and category all
// come from one of the two: the one with the higher severity, then the higher confidence, then
// the smaller category. The merged entry lasts from the earliest first sight to the latest expiry. The
// order in which entries are merged does not matter.
func (i *Indicator) Merge(repeat *Indicator) {
	if repeat.isWorseThan(i) {
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

func (i *Indicator) isWorseThan(other *Indicator) bool {
	return cmp.Or(
		cmp.Compare(i.Severity, other.Severity),
		cmp.Compare(i.Confidence, other.Confidence),
		strings.Compare(string(other.Category), string(i.Category)),
	) > 0
}

// maxFeedIDBytes keeps table keys, `<feed>#<action>#<scope>`, and object keys well below the
// limits of DynamoDB and S3.
const maxFeedIDBytes = 64

// The feeds that do not have a folder of their own. DefaultFeed is the single list that a
// stack reads if it has no other feeds. ManualFeed is the entries that users add to the table.
const (
	DefaultFeed FeedID = "default"
	ManualFeed  FeedID = "manual"
)

// FeedID is the name of a feed. It is the name of a folder in the list bucket, a part of
// table keys, and a value in marked records.
type FeedID string

// NewFeedID checks that text is a feed id: 1 to 64 of the characters a-z, 0-9, dot, hyphen and
// underscore, starting with a letter or digit.
func NewFeedID(text string) (FeedID, error) {
	if text == "" || len(text) > maxFeedIDBytes {
		return "", fmt.Errorf("feed id %q: must have 1 to %d characters", text, maxFeedIDBytes)
	}
	for i := range len(text) {
		c := text[i]
		alphanumeric := 'a' <= c && c <= 'z' || '0' <= c && c <= '9'
		if !alphanumeric && (i == 0 || c != '.' && c != '-' && c != '_') {
			return "", fmt.Errorf("feed id %q: must be a-z, 0-9, dot, hyphen or underscore, "+
				"starting with a letter or digit", text)
		}
	}
	return FeedID(text), nil
}
