package feed

import (
	"bytes"
	"errors"
	"net/netip"
	"strconv"
)

var (
	errNoAddress   = errors.New("neither a name nor an address")
	errLeadingZero = errors.New("IPv4 octet with a leading zero, which some read as octal")
	errZone        = errors.New("IPv6 address with a zone, which means something on one machine only")
	errBits        = errors.New("length of a CIDR block that its addresses do not have")
)

// isAddress reports whether text is an address or a CIDR block.
func isAddress(text []byte) bool {
	if text == nil || !mayBeAddress(text) {
		return false
	}
	_, err := parseBlock(text)
	return err == nil
}

// mayBeAddress is a quick test that no address or block fails: it ends in a digit or
// holds a colon.
func mayBeAddress(text []byte) bool {
	return len(text) > 0 && isDigit(text[len(text)-1]) || bytes.IndexByte(text, ':') >= 0
}

// parseBlock reads an address or a CIDR block, masked. IPv4 in IPv6 is unmapped. The
// error is [errNoAddress] for what does not look like an address at all.
func parseBlock(text []byte) (netip.Prefix, error) {
	address, length, isBlock := bytes.Cut(text, []byte{'/'})
	ip, err := parseAddress(address)
	if err != nil {
		return netip.Prefix{}, err
	}
	bits := ip.BitLen()
	if isBlock {
		if len(length) == 0 || len(length) > 3 || !allOf(length, isDigit) {
			return netip.Prefix{}, errNoAddress // a path after an address
		}
		bits, _ = strconv.Atoi(string(length)) // digits only
		if ip.Is4() && bytes.IndexByte(address, ':') >= 0 {
			bits -= 96
		}
		if bits < 0 || bits > ip.BitLen() {
			return netip.Prefix{}, errBits
		}
	}
	return netip.PrefixFrom(ip, bits).Masked(), nil
}

// parseAddress reads an address without its brackets.
func parseAddress(text []byte) (netip.Addr, error) {
	if bytes.IndexByte(text, ':') < 0 {
		return parseIPv4(text)
	}
	if bytes.IndexByte(text, '%') >= 0 {
		return netip.Addr{}, errZone
	}
	ip, err := netip.ParseAddr(string(text))
	if err != nil {
		return netip.Addr{}, errNoAddress
	}
	return ip.Unmap(), nil
}

// parseIPv4 is netip.ParseAddr without the conversion to a string, which would cost
// an allocation for each line of a list of addresses.
func parseIPv4(text []byte) (netip.Addr, error) {
	const longest = len("255.255.255.255")
	if len(text) == 0 || len(text) > longest {
		return netip.Addr{}, errNoAddress
	}
	var octets [4]byte
	field, value, digits, leadingZero := 0, 0, 0, false
	for _, c := range text {
		switch {
		case isDigit(c):
			leadingZero = leadingZero || digits == 1 && value == 0
			value = 10*value + int(c-'0')
			digits++
		case c != '.' || digits == 0 || value > 255 || field == 3:
			return netip.Addr{}, errNoAddress
		default:
			octets[field] = byte(value) //nolint:gosec // the case above
			field, value, digits = field+1, 0, 0
		}
	}
	switch {
	case field != 3 || digits == 0 || value > 255:
		return netip.Addr{}, errNoAddress
	case leadingZero:
		return netip.Addr{}, errLeadingZero
	}
	octets[3] = byte(value)
	return netip.AddrFrom4(octets), nil
}
