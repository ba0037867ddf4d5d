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
	// dialTime bounds one try to connect, so that another address is left time.
	dialTime = 10 * time.Second
	// maxTries is how many addresses of a host are tried.
	maxTries  = 4
	httpsPort = 443
)

// connect opens a TLS connection to the host of a URL. The host is resolved here and
// nowhere else, and what is dialled is an address, so that no second answer of the DNS
// can lead elsewhere.
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
	for _, address := range addresses[:min(len(addresses), maxTries)] {
		connection, err := r.dial(ctx, netip.AddrPortFrom(address, port))
		if err != nil {
			problems = append(problems, err)
			continue
		}
		secure := tls.Client(connection, &tls.Config{
			ServerName: host, RootCAs: r.config.Roots, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"},
		})
		if err := secure.HandshakeContext(ctx); err != nil {
			return nil, errors.Join(fmt.Errorf("greeting %s: %w", host, err), connection.Close())
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

// resolve returns the public addresses of a host, IPv4 first because a function outside
// a VPC has no other.
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
		return nil, refuse("%s is at %v, which is not public: lists are fetched from the Internet alone", host, found[0])
	}
	slices.SortStableFunc(public, func(a, b netip.Addr) int { return a.BitLen() - b.BitLen() })
	return public, nil
}
