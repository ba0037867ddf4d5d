package hunt

import (
	"net/netip"

	"github.com/resolverwatch/resolverwatch/pkg/domainname"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

// Entries are the entries in the rows of a report.
type Entries struct {
	names  map[string]bool
	blocks []netip.Prefix
}

// NewEntries returns the entries of these texts: canonical names, addresses and blocks.
func NewEntries(indicators map[string]bool) Entries {
	e := Entries{names: map[string]bool{}}
	for text := range indicators {
		if block, err := indicator.ParseBlock(text); err == nil {
			e.blocks = append(e.blocks, block)
		} else {
			e.names[text] = true
		}
	}
	return e
}

// Cover reports whether one of them is the name or address that a record matched by, or
// is above it. Lists that have grown since may have a deeper entry for it.
func (e Entries) Cover(matched []byte) bool {
	if address, err := netip.ParseAddr(string(matched)); err == nil {
		for _, block := range e.blocks {
			if block.Contains(address.Unmap()) {
				return true
			}
		}
		return false
	}
	var name domainname.Query
	if name.Set(matched) != nil {
		return false
	}
	for labels := name.Labels(); labels > 0; labels-- {
		if e.names[string(name.Suffix(labels))] {
			return true
		}
	}
	return false
}
