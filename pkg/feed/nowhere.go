package feed

import "net/netip"

// nowhere lists blocks whose addresses lists answer with in order to block, besides
// the unspecified and the loopback ones (RFC 6890): "this network", reserved and
// discard-only. Private addresses are not among them: a list may map a name to a
// machine of one's own.
var nowhere = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),
	netip.MustParsePrefix("127.0.0.0/8"),
	netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("::/127"),
	netip.MustParsePrefix("100::/64"),
}

// leadsNowhere reports whether to answer with ip is to block.
func leadsNowhere(ip netip.Addr) bool {
	for _, block := range nowhere {
		if block.Contains(ip) {
			return true
		}
	}
	return false
}

// isNowhere is leadsNowhere on text; text that is no address leads somewhere.
func isNowhere(text []byte) bool {
	ip, err := parseAddress(text)
	return err == nil && leadsNowhere(ip)
}
