// Package reach measures how much of the public address space a set of address blocks
// covers, and holds the bounds for lists and indexes. One block entry can match many
// addresses, so the number of entries does not say how much of all traffic a list marks.
package reach

import (
	"cmp"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strings"
)

// networkBits is the length of the IPv6 prefixes that are counted. A host has at least a
// network of this size, so shorter prefixes are the ones that matter (RFC 4291 section 2.5.1).
const networkBits = 64

// Reach is a part of the public address space. A Reach of IPv6 is counted in networks of 64
// bits: a longer prefix counts as the network that contains it.
type Reach struct {
	IPv4 uint64 `json:"ipv4_addresses"`
	IPv6 uint64 `json:"ipv6_networks"`
}

// Exceeds reports whether r is larger than a bound in one of the address families.
func (r Reach) Exceeds(bound Reach) bool { return r.IPv4 > bound.IPv4 || r.IPv6 > bound.IPv6 }

// Plus returns the sum of two reaches. It is an upper bound of the reach of both sets.
func (r Reach) Plus(other Reach) Reach {
	return Reach{add(r.IPv4, other.IPv4), add(r.IPv6, other.IPv6)}
}

// String returns r in words, with its share of the public address space.
func (r Reach) String() string {
	var parts []string
	whole := public()
	if r.IPv4 > 0 || r.IPv6 == 0 {
		parts = append(parts, fmt.Sprintf("%d IPv4 addresses (%s)", r.IPv4, share(r.IPv4, whole.IPv4)))
	}
	if r.IPv6 > 0 {
		parts = append(parts, fmt.Sprintf("%d IPv6 /64 networks (%s)", r.IPv6, share(r.IPv6, whole.IPv6)))
	}
	return strings.Join(parts, " and ")
}

func share(part, whole uint64) string {
	const shown = 0.01 // the smallest share that two digits show
	percent := 100 * float64(part) / float64(whole)
	if part > 0 && percent < shown {
		return "below 0.01 %"
	}
	return fmt.Sprintf("%.2f %%", percent)
}

// public returns the size of the public address space. IPv6 addresses are assigned from an
// eighth of the whole (RFC 4291 section 2.4).
func public() Reach {
	var all Set
	all.Add(netip.MustParsePrefix("0.0.0.0/0"))
	all.Add(netip.MustParsePrefix("2000::/3"))
	return all.Reach()
}

// Special returns the special-purpose address blocks of RFC 6890. They are not public, and an
// indicator in one of them would match private networks. The documentation blocks are left
// out, because answers do not contain them and every example does.
func Special() (blocks []netip.Prefix) {
	for text := range strings.FieldsSeq(specialBlocks) {
		blocks = append(blocks, netip.MustParsePrefix(text))
	}
	return blocks
}

const specialBlocks = `
	0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12
	192.0.0.0/24 192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 224.0.0.0/4 240.0.0.0/4
	::/127 ::ffff:0:0/96 64:ff9b::/96 64:ff9b:1::/48 100::/64 2001::/23 2002::/16
	5f00::/16 fc00::/7 fe80::/10 ff00::/8`

// Set collects blocks in any order. The zero Set is empty. A Set takes 8 bytes for an IPv4
// block and 16 for an IPv6 block.
type Set struct {
	ipv4 []uint64 // the address in the high half, the prefix length in the low half
	ipv6 []network
}

// network is the first half of an IPv6 prefix.
type network struct {
	address uint64
	bits    int
}

// Add adds a block. Blocks of IPv4-mapped addresses count as IPv4 blocks. An invalid block is
// ignored.
func (s *Set) Add(block netip.Prefix) {
	const mappedBits = 96
	address, bits := block.Masked().Addr(), block.Bits()
	switch {
	case !block.IsValid():
		return
	case address.Is4In6() && bits >= mappedBits:
		address, bits = address.Unmap(), bits-mappedBits
	}

	octets := address.As16()
	if address.Is4() {
		s.ipv4 = append(s.ipv4, number(octets[12:])<<32|uint64(bits)) //nolint:gosec // at most 32
		return
	}
	s.ipv6 = append(s.ipv6, network{number(octets[:8]), min(bits, networkBits)})
}

// AddAll adds the blocks of another set.
func (s *Set) AddAll(other *Set) {
	s.ipv4 = append(s.ipv4, other.ipv4...)
	s.ipv6 = append(s.ipv6, other.ipv6...)
}

// number reads a big-endian number.
func number(octets []byte) (n uint64) {
	for _, octet := range octets {
		n = n<<8 | uint64(octet)
	}
	return n
}

// Reach returns the number of public addresses and networks in at least one of the blocks.
func (s *Set) Reach() Reach {
	var special Set
	for _, block := range Special() {
		if !block.Addr().Is4In6() { // Add takes these blocks for IPv4 blocks, which can be public
			special.Add(block)
		}
	}

	// The public part of a set is the set together with the rest, without the rest.
	both := Set{slices.Concat(s.ipv4, special.ipv4), slices.Concat(s.ipv6, special.ipv6)}
	all, rest := both.size(), special.size()
	return Reach{all.IPv4 - rest.IPv4, all.IPv6 - rest.IPv6}
}

// size sorts the blocks and returns the number of addresses and networks in at least one of
// them. If two blocks overlap, one contains the other. So in the order of addresses and lengths,
// a block counts unless the last block that counted contains it.
func (s *Set) size() (total Reach) {
	slices.Sort(s.ipv4)
	end := uint64(0) // of the last block that counted
	for _, block := range s.ipv4 {
		if address, bits := block>>32, block&math.MaxUint32; address >= end {
			count := uint64(1) << (32 - bits)
			total.IPv4, end = total.IPv4+count, address+count
		}
	}

	slices.SortFunc(s.ipv6, func(a, b network) int {
		return cmp.Or(cmp.Compare(a.address, b.address), cmp.Compare(a.bits, b.bits))
	})
	for i, last := 0, -1; i < len(s.ipv6); i++ {
		if last < 0 || !s.ipv6[last].contains(s.ipv6[i].address) {
			last, total.IPv6 = i, add(total.IPv6, s.ipv6[i].size())
		}
	}
	return total
}

func (n network) contains(address uint64) bool {
	return (n.address^address)>>(networkBits-n.bits) == 0 // a shift by 64 gives 0
}

// size returns the number of networks of 64 bits. The whole address space has one more than a
// uint64 can hold.
func (n network) size() uint64 {
	if n.bits == 0 {
		return math.MaxUint64
	}
	return 1 << (networkBits - n.bits)
}

// add adds two numbers and returns the largest number if the sum is larger.
func add(a, b uint64) uint64 {
	if a > math.MaxUint64-b {
		return math.MaxUint64
	}
	return a + b
}
