package index

import (
	"bytes"
	"fmt"
	"net/netip"

	"github.com/resolverwatch/resolverwatch/pkg/domainname"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

// CanaryError reports that an index calls a name or address malicious which must
// not be. Whether that is an accident or somebody's wish, the caller must say.
type CanaryError struct {
	Canary    string
	Indicator string
	Feeds     []indicator.FeedID
}

func (e *CanaryError) Error() string {
	return fmt.Sprintf("canary %s is malicious by entry %s of %v", e.Canary, e.Indicator, e.Feeds)
}

// SelfCheck reads the whole index, beyond what [Open] verifies, before it is
// published. It decodes every entry and checks their order and numbers, looks up
// about samples names and every block as a query would be, and looks up the
// canaries, which are names or addresses that must not be malicious.
//
// It returns an error that wraps [ErrCorrupt], or a [*CanaryError].
func (x *Index) SelfCheck(samples int, canaries ...string) error {
	if err := x.checkNames(samples); err != nil {
		return fmt.Errorf("checking an index: %w", err)
	}
	for _, table := range []*addressTable{&x.ipv4, &x.ipv6} {
		if err := x.checkBlocks(table); err != nil {
			return fmt.Errorf("checking an index: %w", err)
		}
	}
	for _, canary := range canaries {
		if err := x.checkCanary(canary); err != nil {
			return fmt.Errorf("checking an index: %w", err)
		}
	}
	return nil
}

// checkNames walks over all names and looks up every step-th of them.
func (x *Index) checkNames(samples int) error {
	step := max(1, int(x.header.Names)/max(1, samples))
	var q domainname.Query
	var before, text []byte
	var problem error
	count, single := 0, 0
	parsed := x.names.all(func(key []byte, group uint32) bool {
		text = appendText(text[:0], key)
		switch {
		case count > 0 && bytes.Compare(before, key) >= 0:
			problem = fmt.Errorf("%w: name %q is out of order", ErrCorrupt, text)
		case x.groups.list(group).len() == 0:
			problem = fmt.Errorf("%w: name %q has no entries", ErrCorrupt, text)
		case count%step == 0 && !x.finds(&q, text, group):
			problem = fmt.Errorf("%w: name %q is not found", ErrCorrupt, text)
		}
		if bytes.IndexByte(key, separator) < 0 {
			single++
		}
		count++
		before = append(before[:0], key...)
		return problem == nil
	})
	switch {
	case problem != nil:
		return problem
	case !parsed:
		return fmt.Errorf("%w: a block of names does not parse", ErrCorrupt)
	case count != int(x.header.Names) || single != int(x.header.SingleLabels):
		return fmt.Errorf("%w: has %d names, %d of one label; its header says %d and %d",
			ErrCorrupt, count, single, x.header.Names, x.header.SingleLabels)
	}
	return nil
}

// finds looks a listed name up the way a query is.
func (x *Index) finds(q *domainname.Query, name []byte, group uint32) bool {
	if q.Set(name) != nil {
		return false
	}
	depths := x.walk(nil, q)
	if len(depths) == 0 {
		return false
	}
	hits := x.lookUp(nil, q, depths)
	return len(hits) > 0 && hits[0] == hit{q.Labels(), group}
}

func (x *Index) checkBlocks(table *addressTable) error {
	var problem error
	var hits []hit
	table.all(func(block netip.Prefix, group uint32) bool {
		hits = table.find(hits[:0], block.Addr())
		found := false
		for _, h := range hits {
			found = found || h == hit{block.Bits(), group}
		}
		if !found || x.groups.list(group).len() == 0 {
			problem = fmt.Errorf("%w: block %s is not found or has no entries", ErrCorrupt, block)
		}
		return problem == nil
	})
	return problem
}

func (x *Index) checkCanary(canary string) error {
	var m Match
	if address, err := netip.ParseAddr(canary); err == nil {
		x.MatchAddr(address, &m)
	} else {
		var q domainname.Query
		if err := q.Set([]byte(canary)); err != nil {
			return fmt.Errorf("canary %q: %w", canary, err)
		}
		x.Match(&q, &m)
	}
	if m.Outcome == Malicious {
		return &CanaryError{canary, string(m.Indicator), m.Feeds}
	}
	return nil
}
