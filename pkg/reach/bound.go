package reach

import "net/netip"

// Bounds for block entries. Honest lists of networks, such as lists of hijacked blocks, cover a
// few million addresses. If a list covers more, it marks answers that have nothing to do with
// each other, however small its blocks are.
const (
	// The bounds of one feed are 256 times the widest block that a list may have by default:
	// the same 16 million addresses as one block of 8 bits.
	maxFeedIPv4 = 1 << 24
	maxFeedIPv6 = 1 << 40 // 256 blocks of 32 bits

	// The bounds of all feeds together are 32 times as high. Twenty feeds may each reach their
	// own bound, and the index still leaves seven of eight addresses alone.
	maxTotalIPv4 = 1 << 29
	maxTotalIPv6 = 1 << 45

	// MaxWideBlocks is the largest number of wide blocks in a list; see [IsWide]. A list of
	// hijacked blocks has fewer than half as many.
	MaxWideBlocks = 4096
)

// FeedBound returns the largest part of the address space that one feed may cover.
func FeedBound() Reach { return Reach{maxFeedIPv4, maxFeedIPv6} }

// TotalBound returns the largest part of the address space that all feeds of an index may
// cover together.
func TotalBound() Reach { return Reach{maxTotalIPv4, maxTotalIPv6} }

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
