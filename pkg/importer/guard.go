package importer

import (
	"errors"
	"fmt"

	"github.com/resolverwatch/resolverwatch/pkg/domainname"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// Guards say what a list must not do. The thresholds refuse a whole list; entries
// that would mark half of the Internet are dropped, one by one, and reported. Beside a
// core of names that is built in, the user's own lists say which those are.
type Guards struct {
	settings.Guards
	// Memory bounds lists and indexes by what a process of so many bytes can hold. One
	// that was killed for its memory would leave every other feed waiting too.
	//
	// Default: they are not bounded by it.
	Memory int64
	own    guardNames
}

// NewGuards returns guards with thresholds that are checked already, and protected
// zones by their names: an entry that is one of them, lies under one, or reaches down
// into one is dropped. Its error joins every name that is none.
func NewGuards(thresholds settings.Guards, protected []string) (Guards, error) {
	guards := Guards{Guards: thresholds}
	var problems []error
	for _, text := range protected {
		zone, err := domainname.Parse(text)
		if err != nil {
			problems = append(problems, fmt.Errorf("protected name %q: %w", text, err))
			continue
		}
		guards.own.set(zone.String(), markZone, markAboveCore)
	}
	return guards, errors.Join(problems...)
}

// DropReason is why an entry is not taken although it can be read.
type DropReason string

// Reasons for a drop. The words stand in reports.
const (
	DropSingleLabel    DropReason = "single_label"    // a top-level domain, or a host without one
	DropPublicSuffix   DropReason = "public_suffix"   // strangers register names under it
	DropPrivateSuffix  DropReason = "private_suffix"  // the same, by the company that owns it
	DropProtected      DropReason = "protected"       // what a VPC cannot do without, or the user's own
	DropSharedHost     DropReason = "shared_host"     // its paths belong to strangers
	DropTopList        DropReason = "top_list"        // half of the world asks for it
	DropWideBlock      DropReason = "wide_block"      // more addresses than one owner has
	DropSpecialAddress DropReason = "special_address" // private, local, multicast and the like
)

// Explain says why in words for the reader of a report.
func (r DropReason) Explain() string {
	switch r {
	case DropSingleLabel:
		return "a single label: it would mark everything under a top-level domain"
	case DropPublicSuffix:
		return "a public suffix: strangers own the names under it"
	case DropPrivateSuffix:
		return "a hosting, storage or dynamic DNS suffix: customers own the names under it"
	case DropProtected:
		return "a protected name: AWS, Internet infrastructure, or your own"
	case DropSharedHost:
		return "a shared host: list single names under it with scope name, or block by URL elsewhere"
	case DropTopList:
		return "a name of your top list: too many ask for it"
	case DropWideBlock:
		return "a block of too many addresses"
	case DropSpecialAddress:
		return "an address for a special purpose (RFC 6890): private, local or multicast"
	default:
		return string(r)
	}
}
