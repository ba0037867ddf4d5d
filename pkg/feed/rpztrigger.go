package feed

import (
	"bytes"
	"errors"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

var errTrigger = errors.New("no address in an rpz-ip trigger")

// takeTrigger takes the owner name of a policy: a query name, or one whose last label
// says that it is another trigger.
func takeTrigger(c *collector, owner []byte, action indicator.Action) {
	const prefix = "rpz-"
	dot := bytes.LastIndexByte(owner, '.')
	label := owner[dot+1:]
	if len(label) < len(prefix) || !bytes.EqualFold(label[:len(prefix)], []byte(prefix)) {
		c.zone(owner, indicator.ScopeName, action)
		return
	}
	switch strings.ToLower(string(label)) {
	case "rpz-ip":
		block, err := parseTrigger(string(owner[:max(dot, 0)]))
		if err != nil {
			c.reject(owner, err)
			return
		}
		c.address(block, action)
	case "rpz-client-ip", "rpz-nsip", "rpz-nsdname":
		c.skip(owner, SkipTrigger)
	default:
		c.zone(owner, indicator.ScopeName, action)
	}
}

// parseTrigger reads the owner name of a block of addresses: its length, then octets
// or groups from the right, with `zz` for `::`.
func parseTrigger(text string) (netip.Prefix, error) {
	labels := strings.Split(text, ".")
	bits, err := strconv.Atoi(labels[0])
	groups := labels[1:]
	if err != nil || len(groups) < 2 {
		return netip.Prefix{}, errTrigger
	}
	slices.Reverse(groups)
	address := strings.Join(groups, ".")
	if len(groups) != 4 || slices.Contains(groups, "zz") {
		address = joinGroups(groups)
	}
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return netip.Prefix{}, errTrigger
	}
	block, err := ip.Prefix(bits)
	if err != nil {
		return netip.Prefix{}, errBits
	}
	return parseBlock([]byte(block.String())) // IPv4 in IPv6 is unmapped there
}

// joinGroups writes the groups of an IPv6 address, of which one may be `zz`.
func joinGroups(groups []string) string {
	address := strings.Join(groups, ":")
	address = strings.Replace(address, ":zz:", "::", 1)
	if rest, found := strings.CutPrefix(address, "zz:"); found {
		address = "::" + rest
	}
	if rest, found := strings.CutSuffix(address, ":zz"); found {
		address = rest + "::"
	}
	return address
}
