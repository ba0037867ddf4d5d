package fetch

import "net/netip"

// IsPublic reports whether an address belongs to a host on the Internet that anybody may
// ask. Everything else could be a service that trusts its neighbours: the metadata of
// the instance (169.254.169.254, fd00:ec2::254), Lambda's own API on loopback, a host of
// the network that a function is attached to.
//
// An IPv6 address that stands for an IPv4 address is judged by that. Of those that do so
// only the mapped form and the well-known prefix of NAT64 are in use, the latter in
// networks without IPv4; 6to4, Teredo and the other forms are refused.
func IsPublic(address netip.Addr) bool {
	address = address.Unmap()
	switch {
	case !address.IsValid() || address.Zone() != "":
		return false
	case address.Is4():
		return !isIn(address, special4)
	case nat64.Contains(address):
		bytes := address.As16()
		return IsPublic(netip.AddrFrom4([4]byte(bytes[12:])))
	default:
		return unicast6.Contains(address) && !isIn(address, special6)
	}
}

func isIn(address netip.Addr, blocks []netip.Prefix) bool {
	for _, block := range blocks {
		if block.Contains(address) {
			return true
		}
	}
	return false
}

// The registries of special-purpose addresses (RFC 6890), but for the few blocks in them
// that are ordinary hosts after all.
var (
	special4 = prefixes(
		"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
		"192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15",
		"198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
	)
	// unicast6 is all that is given out of IPv6 (RFC 3587); what lies outside is
	// loopback, local, multicast, or embeds an IPv4 address.
	unicast6 = netip.MustParsePrefix("2000::/3")
	special6 = prefixes("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")
	nat64    = netip.MustParsePrefix("64:ff9b::/96")
)

func prefixes(texts ...string) []netip.Prefix {
	blocks := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		blocks[i] = netip.MustParsePrefix(text)
	}
	return blocks
}
