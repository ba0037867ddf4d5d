package feed

import (
	"bytes"

	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

// take takes one row of a table or one JSON object. Its indicator is the URL, else
// the name, else the address: one each, because an address beside a name is where
// the name pointed once, which says little about the address. text is the row.
func (c *collector) take(row *cells, text []byte) {
	value, partial := row[roleURL], true
	if len(value) == 0 {
		value, partial = row[roleName], len(row[rolePath]) > 0
	}
	if len(value) == 0 {
		value = row[roleAddress]
	}
	kind := valueTypeOf(row[roleType])
	switch {
	case len(value) == 0:
		c.skip(text, SkipNoValue)
		return
	case kind == typeOther:
		c.skip(value, SkipOtherType)
		return
	}
	c.describe(row)
	scope := indicator.ScopeSubtree
	if partial || kind == typeURL {
		scope = indicator.ScopeName
	}
	c.value(value, kind, scope)
}

// value takes a name, an address, or a URL or part of one. It is not empty and has no
// white space at its ends.
func (c *collector) value(value []byte, kind valueType, scope indicator.Scope) {
	switch {
	case kind == typeAddress:
		c.target(parseOnlyAddress(value), value, scope)
	case isSimpleName(value):
		c.name(value, scope, indicator.ActionBlock)
	case kind == typeAddressPort:
		c.target(parseAddressPort(value), value, scope)
	default:
		c.target(parseTarget(value), value, scope)
	}
}

// valueType is what a row says its value is.
type valueType uint8

const (
	typeAny valueType = iota // the value shows what it is
	typeURL
	typeAddress // nothing else will do
	typeAddressPort
	typeOther // no name and no address
)

// otherTypes are how the words for other indicators begin.
var otherTypes = []string{
	"md5", "sha", "hash", "file", "imphash", "ssdeep", "tlsh", "email", "e-mail", "mail", "mutex", "reg",
	"yara", "sigma", "snort", "cve", "asn", "ja3", "x509", "certificate", "btc", "bitcoin", "wallet",
	"user", "process", "package", "pdb",
}

func valueTypeOf(word []byte) valueType {
	if len(word) == 0 {
		return typeAny
	}
	switch string(word) { // as most lists write it
	case "domain", "hostname", "host", "fqdn", "ip", "ipv4", "ipv6", "cidr":
		return typeAny
	case "url":
		return typeURL
	case "ip:port":
		return typeAddressPort
	}
	lower := bytes.ToLower(word)
	switch string(lower) {
	case "url", "uri", "urls":
		return typeURL
	case "ip:port":
		return typeAddressPort
	}
	for _, prefix := range otherTypes {
		if bytes.HasPrefix(lower, []byte(prefix)) {
			return typeOther
		}
	}
	return typeAny
}
