package importer

import (
	"maps"
	"net/netip"
	"slices"
)

// mark is what is known about a name, as bits.
type mark uint16

const (
	markCore        mark = 1 << iota // a protected name; names under it may be listed
	markZone                         // a protected zone: the name and all under it
	markShared                       // a shared host
	markSharedZone                   // a shared host, and no name below it is a customer's
	markTop                          // a name of a top list; names under it may be listed
	markAboveCore                    // an ancestor of a protected name or zone
	markAboveShared                  // an ancestor of a shared host
	markAboveTop                     // an ancestor of a name of a top list
	markCustomers                    // a zone of [customerWildcards]
)

// guardNames are names and address blocks that guards look at.
type guardNames struct {
	marks  map[string]mark
	blocks []netip.Prefix // protected
}

func (g *guardNames) clone() guardNames {
	return guardNames{maps.Clone(g.marks), slices.Clone(g.blocks)}
}

// set marks a name, and the names above it.
func (g *guardNames) set(name string, own, above mark) {
	if g.marks == nil {
		g.marks = map[string]mark{}
	}
	g.marks[name] |= own
	for ancestor := range ancestors(name) {
		g.marks[ancestor] |= above
	}
}
