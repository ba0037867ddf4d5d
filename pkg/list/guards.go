package list

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/publicsuffix"

	"github.com/resolverwatch/resolverwatch/pkg/domainname"
	"github.com/resolverwatch/resolverwatch/pkg/feed"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/reach"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// Guards limit what a list may do. Thresholds refuse a whole list. Entries that would match
// too much are dropped one by one and reported: names of a built-in core, and names on the
// user's own guard lists.
type Guards struct {
	settings.Guards
	// Memory is the memory of the process in bytes. Lists are refused for which it does not
	// suffice. Without this bound the process would be killed, and the other feeds would
	// have to wait.
	//
	// Default: memory does not limit lists.
	Memory int64
	// Now is the time at which entries count as expired or not.
	//
	// Default: the current time.
	Now    time.Time
	own    guardNames
	hasTop bool // own contains names of a top list
}

// NewGuards returns guards with thresholds, which must be valid, and protected zones. An
// entry is dropped if it is a protected zone, lies under one, or matches a name in one. The
// error joins all names that are not valid.
func NewGuards(thresholds settings.Guards, protected []string) (Guards, error) {
	guards := Guards{Guards: thresholds}
	var problems []error
	for _, text := range protected {
		zone, err := domainname.Parse(text)
		if err != nil {
			problems = append(problems, fmt.Errorf("protected name %q: %w", text, err))
			continue
		}
		guards.own.set(zone.String(), coreZone, aboveCore)
	}
	return guards, errors.Join(problems...)
}

func (g *Guards) now() time.Time {
	if g.Now.IsZero() {
		return time.Now()
	}
	return g.Now
}

// Clone returns a copy to which guard lists can be added.
func (g *Guards) Clone() Guards {
	clone := *g
	clone.own = guardNames{maps.Clone(g.own.traits), slices.Clone(g.own.blocks)}
	return clone
}

// Fingerprint identifies everything that decides which entries are dropped. The words
// identify guard lists that have not been added yet.
func (g *Guards) Fingerprint(words ...string) string {
	bounds := reach.NewBounds(g.ReachBounds)
	all := []string{
		coreNames, coreZones, sharedApexes, sharedHosts, neededNames, customerWildcards,
		publicsuffix.List.String(), string(DropUnknownTLD),
		fmt.Sprint(reach.Special(), bounds.Feed, bounds.Total, g.MaxWideBlocks),
		fmt.Sprint(g.own, g.MinPrefixIPv4, g.MinPrefixIPv6, g.TopListRanks),
	}
	hash := sha256.Sum256(fmt.Appendf(nil, "%q", append(all, words...)))
	return hex.EncodeToString(hash[:8])
}

// Folders of the user's guard lists in the list bucket. A folder may hold any number of
// lists with any names.
const (
	protectedPrefix = settings.GuardPrefix + "protected/"
	sharedPrefix    = settings.GuardPrefix + "shared/"
	topPrefix       = settings.GuardPrefix + "top/"
)

var errNoKind = fmt.Errorf("must be under %s, %s or %s", protectedPrefix, sharedPrefix, topPrefix)

// ReadOwnList adds a guard list of the kind that its key in the list bucket says. Guard
// lists may have any format of a feed. A line that cannot be read is an error, except in a
// top list, because otherwise it would protect nothing.
func (g *Guards) ReadOwnList(key string, r io.Reader) error {
	switch {
	case strings.HasPrefix(key, protectedPrefix):
		return g.ReadProtected(r)
	case strings.HasPrefix(key, sharedPrefix):
		return g.ReadShared(r)
	case strings.HasPrefix(key, topPrefix):
		return g.ReadTop(r)
	default:
		return errNoKind
	}
}

// ReadProtected adds a list of names and addresses that no feed may block. A name with the
// scope `name`, as in a hosts file, protects only itself; other names protect everything
// under them too.
func (g *Guards) ReadProtected(r io.Reader) error {
	return g.readStrictly(r, func(entry *indicator.Indicator) {
		switch entry.Scope {
		case indicator.ScopeCIDR:
			g.own.blocks = append(g.own.blocks, entry.Block)
		case indicator.ScopeName:
			g.own.set(entry.Name.String(), coreName, aboveCore)
		default:
			g.own.set(entry.Name.String(), coreZone, aboveCore)
		}
	})
}

// ReadShared adds a list of hosts that serve many unrelated users by path. A feed may list
// names under such a host: single names, or also subtrees if the host has the scope `name`.
func (g *Guards) ReadShared(r io.Reader) error {
	return g.readStrictly(r, func(entry *indicator.Indicator) {
		switch entry.Scope {
		case indicator.ScopeCIDR: // there are no names under an address
		case indicator.ScopeName:
			g.own.set(entry.Name.String(), sharedHost, aboveShared)
		default:
			g.own.set(entry.Name.String(), sharedHost|sharedZone, aboveShared)
		}
	})
}

// errEnough ends the reading of a list when the rest does not matter.
var errEnough = errors.New("enough")

// ReadTop adds a list of the most popular names, the most popular one first. It replaces the
// built-in names that every network needs. Only the first TopListRanks names count. Such lists come from third parties, so lines that cannot be
// read are ignored.
func (g *Guards) ReadTop(r io.Reader) error {
	rank := 0
	_, err := feed.Parse(r, feed.Options{Limits: g.limits()}, func(entry *indicator.Indicator) error {
		if rank++; rank > g.TopListRanks {
			return errEnough
		}
		if len(g.own.traits) >= g.maxNames() {
			return errGuardNames
		}
		if entry.Scope != indicator.ScopeCIDR {
			g.own.set(entry.Name.String(), topName, aboveTop)
			g.hasTop = true
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

// readStrictly reads a list and returns an error if a line cannot be read.
func (g *Guards) readStrictly(r io.Reader, add func(*indicator.Indicator)) error {
	var first error
	options := feed.Options{Limits: g.limits(), OnReject: func(e feed.LineError) {
		if first == nil {
			first = e
		}
	}}
	_, err := feed.Parse(r, options, func(entry *indicator.Indicator) error {
		if len(g.own.traits)+len(g.own.blocks) >= g.maxNames() {
			return errGuardNames
		}
		add(entry)
		return nil
	})
	return cmp.Or(err, first)
}

// Bounds of the names on the user's guard lists. They are in memory while lists are read.
const (
	maxGuardNames     = 1 << 20
	guardShare        = 16  // of [Guards.Memory]
	bytesPerGuardName = 150 // a long name, and its place in a map
)

var errGuardNames = errors.New("the guard lists have more names than the importer has memory for")

// maxNames returns how many names the user's guard lists may have, including the names above
// them.
func (g *Guards) maxNames() int {
	if g.Memory == 0 {
		return maxGuardNames
	}
	return int(min(maxGuardNames, g.Memory/guardShare/bytesPerGuardName))
}

// IsBadList reports whether an error of [Guards.ReadOwnList] is caused by the list and not
// by the reader, so that reading the list again fails too.
func IsBadList(err error) bool {
	var refused *feed.RefusedError
	var line feed.LineError
	return errors.Is(err, errNoKind) || errors.Is(err, errGuardNames) || errors.As(err, &refused) || errors.As(err, &line)
}

// limits returns the limits for reading a list.
func (g *Guards) limits() feed.Limits {
	return feed.Limits{
		InputBytes:    g.MaxListBytes,
		ExpandedBytes: g.MaxExpandedBytes,
		Ratio:         g.MaxRatio,
		LineBytes:     g.MaxLineBytes,
	}
}

// traits is a bit set of the properties of a name.
type traits uint16

const (
	coreName     traits = 1 << iota // a protected name; names under it may be listed
	coreZone                        // a protected zone: the name and everything under it
	sharedHost                      // a shared host
	sharedZone                      // a shared host under which no name belongs to one customer
	topName                         // a name of a top list; names under it may be listed
	aboveCore                       // an ancestor of a protected name or zone
	aboveShared                     // an ancestor of a shared host
	aboveTop                        // an ancestor of a name of a top list
	customerZone                    // a zone of [customerWildcards]
)

// guardNames are the names and address blocks that the guards know.
type guardNames struct {
	traits map[string]traits
	blocks []netip.Prefix // protected
}

// set adds traits to a name and to its ancestors.
func (g *guardNames) set(name string, own, above traits) {
	if g.traits == nil {
		g.traits = map[string]traits{}
	}
	if _, known := g.traits[name]; !known {
		name = strings.Clone(name) // the parser's texts share their memory
	}
	g.traits[name] |= own
	for ancestor := range ancestors(name) {
		g.traits[ancestor] |= above
	}
}

// ancestors yields the names above name, from the parent to the top-level domain.
func ancestors(name string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for {
			_, parent, found := strings.Cut(name, ".")
			if !found || !yield(parent) {
				return
			}
			name = parent
		}
	}
}
