package reach

import (
	"math"
	"net/netip"

	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// Bounds are the largest parts of the public address space that block entries may cover.
type Bounds struct {
	Feed  Reach // of one feed
	Total Reach // of all feeds of an index together
}

// NewBounds returns the bounds that settings say.
func NewBounds(s settings.ReachBounds) Bounds {
	return Bounds{
		Feed:  Reach{size(s.MaxFeedIPv4), size(s.MaxFeedIPv6)},
		Total: Reach{size(s.MaxTotalIPv4), size(s.MaxTotalIPv6)},
	}
}

func size(setting int64) uint64 { return uint64(max(setting, 0)) }

// DefaultBounds returns the bounds of a deployment that sets none.
func DefaultBounds() Bounds { return NewBounds(settings.Default[settings.ReachBounds]()) }

// NoBounds returns bounds that nothing exceeds.
func NoBounds() Bounds {
	all := Reach{math.MaxUint64, math.MaxUint64}
	return Bounds{all, all}
}

// The longest prefixes that networks announce to each other. A block of this size or more can
// hold many customers of a provider.
const (
	routedIPv4 = 24
	routedIPv6 = 48
)

// IsWide reports whether a block has at least the size that networks route on its own: /24 for
// IPv4 and /48 for IPv6.
func IsWide(block netip.Prefix) bool {
	if block.Addr().Is4() {
		return block.Bits() <= routedIPv4
	}
	return block.Bits() <= routedIPv6
}
