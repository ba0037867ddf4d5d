package feed

import (
	"fmt"
	"slices"
	"strings"
)

// Format is how a list is written.
type Format string

// The formats. Plain is one name, address, CIDR block or URL a line; Wildcard is
// Plain written as `*.x`, read alike; JSON includes one JSON value a line. MISP is what
// MISP exports and its warninglists, STIX is STIX 2.
const (
	Plain    Format = "plain"
	Hosts    Format = "hosts"
	Adblock  Format = "adblock"
	Dnsmasq  Format = "dnsmasq"
	Unbound  Format = "unbound"
	BIND     Format = "bind"
	RPZ      Format = "rpz"
	Wildcard Format = "wildcard"
	CSV      Format = "csv"
	JSON     Format = "json"
	MISP     Format = "misp"
	STIX     Format = "stix"
)

// Formats returns all formats, in the order of the documentation.
func Formats() []Format {
	return []Format{Plain, Hosts, Adblock, Dnsmasq, Unbound, BIND, RPZ, Wildcard, CSV, JSON, MISP, STIX}
}

// ParseFormat reads the name of a format. The empty text is the empty Format, which
// means that the content decides.
func ParseFormat(text string) (Format, error) {
	format := Format(text)
	if text != "" && !slices.Contains(Formats(), format) {
		return "", fmt.Errorf("format %q: must be one of %s", text, joinFormats())
	}
	return format, nil
}

// isJSON reports whether lists of the format are JSON.
func (f Format) isJSON() bool { return f == JSON || f == MISP || f == STIX }

func joinFormats() string {
	var names []string
	for _, format := range Formats() {
		names = append(names, string(format))
	}
	return strings.Join(names, ", ")
}
