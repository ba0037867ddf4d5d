package fetch

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	// dialTime bounds one attempt to connect, to leave time for another address.
	dialTime = 10 * time.Second
	// maxAddresses is how many addresses of a host are tried.
	maxAddresses = 4
	httpsPort    = 443
)

// connect opens a TLS connection to the host of a URL. It resolves the host once, checks the
// addresses and dials them, so a second DNS response cannot lead to another address.
func (r *run) connect(ctx context.Context, to *url.URL) (*tls.Conn, error) {
	host := strings.TrimSuffix(to.Hostname(), ".")
	addresses, err := r.resolve(ctx, host)
	if err != nil {
		return nil, err
	}

	port := uint16(httpsPort)
	if number, err := strconv.ParseUint(to.Port(), 10, 16); err == nil {
		port = uint16(number)
	}

	var problems []error
	for _, address := range addresses[:min(len(addresses), maxAddresses)] {
		connection, err := r.dial(ctx, netip.AddrPortFrom(address, port))
		if err != nil {
			problems = append(problems, err)
			continue
		}
		secure := tls.Client(connection, &tls.Config{
			ServerName: host,
			RootCAs:    r.config.Roots,
			MinVersion: tls.VersionTLS12,
			NextProtos: []string{"http/1.1"},
		})
		if err := secure.HandshakeContext(ctx); err != nil {
			return nil, errors.Join(fmt.Errorf("TLS handshake with %s: %w", host, err), connection.Close())
		}
		return secure, nil
	}
	return nil, fmt.Errorf("connecting to %s: %w", host, errors.Join(problems...))
}

func (r *run) dial(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	return r.config.Dial(ctx, to)
}

// resolve returns the public addresses of a host, IPv4 first, because functions outside a VPC
// have no IPv6.
func (r *run) resolve(ctx context.Context, host string) ([]netip.Addr, error) {
	found := []netip.Addr{}
	if address, err := netip.ParseAddr(host); err == nil {
		found = append(found, address)
	} else if found, err = r.config.Resolve(ctx, host); err != nil {
		return nil, fmt.Errorf("resolving %s: %w", host, err)
	}

	var public []netip.Addr
	for _, address := range found {
		if address = address.Unmap(); r.config.Public(address) {
			public = append(public, address)
		}
	}

	switch {
	case len(found) == 0:
		return nil, fail("%s has no address", host)
	case len(public) == 0:
		return nil, refuse("%s resolves to %v, which is not a public address: upload lists from private networks instead", host, found[0])
	}
	slices.SortStableFunc(public, func(a, b netip.Addr) int { return a.BitLen() - b.BitLen() })
	return public, nil
}

// isPublic reports whether an address belongs to a public host on the Internet. Any other
// address could reach a service that trusts its network: instance metadata
// (169.254.169.254, fd00:ec2::254), Lambda's API on loopback, or a host in the VPC of the
// function.
//
// An IPv6 address that contains an IPv4 address is checked as that IPv4 address. This
// applies to the mapped form and to the well-known NAT64 prefix, which networks without IPv4
// need. 6to4, Teredo and all other forms are not public.
func isPublic(address netip.Addr) bool {
	address = address.Unmap()
	switch {
	case !address.IsValid() || address.Zone() != "":
		return false
	case address.Is4():
		return !isInAny(address, special4)
	case nat64.Contains(address):
		bytes := address.As16()
		return isPublic(netip.AddrFrom4([4]byte(bytes[12:])))
	default:
		return unicast6.Contains(address) && !isInAny(address, special6)
	}
}

func isInAny(address netip.Addr, blocks []netip.Prefix) bool {
	for _, block := range blocks {
		if block.Contains(address) {
			return true
		}
	}
	return false
}

// The special-purpose address registries (RFC 6890), without the few blocks that contain
// ordinary hosts.
var (
	special4 = prefixes(
		"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
		"192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15",
		"198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
	)
	// unicast6 is the part of IPv6 that is assigned to hosts (RFC 3587). Addresses outside
	// it are loopback, local or multicast, or contain an IPv4 address.
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
