package feed

import (
	"fmt"
	"slices"
	"strings"
)

// Format is how a list is written.
type Format string

// The formats. Plain is one name, address, CIDR block or URL a line; Wildcard is
// Plain written as `*.x`, read alike; JSON includes one JSON value a line.
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
)

// Formats returns all formats, in the order of the documentation.
func Formats() []Format {
	return []Format{Plain, Hosts, Adblock, Dnsmasq, Unbound, BIND, RPZ, Wildcard, CSV, JSON}
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

func joinFormats() string {
	var names []string
	for _, format := range Formats() {
		names = append(names, string(format))
	}
	return strings.Join(names, ", ")
}
