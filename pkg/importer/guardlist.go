package importer

import (
	"cmp"
	"errors"
	"io"

	"github.com/resolverwatch/resolverwatch/pkg/feed"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

// The user's own lists for the guards may be in any format of a feed. A line that
// cannot be read is an error, since what it was to protect would be left open.

// ReadProtected adds a list of what no feed may block. A name of scope `name`, as in a
// hosts file, protects itself; any other protects all that is under it too. Addresses
// and blocks protect themselves.
func (g *Guards) ReadProtected(r io.Reader) error {
	return g.readOwn(r, func(entry *indicator.Indicator) {
		switch entry.Scope {
		case indicator.ScopeCIDR:
			g.own.blocks = append(g.own.blocks, entry.Block)
		case indicator.ScopeName:
			g.own.set(entry.Name.String(), markCore, markAboveCore)
		default:
			g.own.set(entry.Name.String(), markZone, markAboveCore)
		}
	})
}

// ReadShared adds a list of hosts whose paths belong to strangers. Names under one may
// be listed: each for itself, or, under one of scope `name`, with all under them.
func (g *Guards) ReadShared(r io.Reader) error {
	return g.readOwn(r, func(entry *indicator.Indicator) {
		switch entry.Scope {
		case indicator.ScopeCIDR: // an address has no names under it: it is listed or not
		case indicator.ScopeName:
			g.own.set(entry.Name.String(), markShared, markAboveShared)
		default:
			g.own.set(entry.Name.String(), markShared|markSharedZone, markAboveShared)
		}
	})
}

// errEnough ends the reading of a list whose rest does not matter.
var errEnough = errors.New("enough")

// ReadTop adds a list of the most popular names, the most popular first, of which the
// first TopListRanks count. Such lists come from elsewhere: lines that cannot be read
// are passed over.
func (g *Guards) ReadTop(r io.Reader) error {
	rank := 0
	_, err := feed.Parse(r, feed.Options{Limits: g.limits()}, func(entry *indicator.Indicator) error {
		if rank++; rank > g.TopListRanks {
			return errEnough
		}
		if entry.Scope != indicator.ScopeCIDR {
			g.own.set(entry.Name.String(), markTop, markAboveTop)
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

func (g *Guards) readOwn(r io.Reader, take func(*indicator.Indicator)) error {
	var first error
	options := feed.Options{Limits: g.limits(), OnReject: func(e feed.LineError) {
		if first == nil {
			first = e
		}
	}}
	_, err := feed.Parse(r, options, func(entry *indicator.Indicator) error {
		take(entry)
		return nil
	})
	return cmp.Or(err, first)
}

// isOfList reports whether an error of the reading is one of the list, not of the
// reader: the list will not do the next time either.
func isOfList(err error) bool {
	var list *feed.RefusedError
	var line feed.LineError
	return errors.As(err, &list) || errors.As(err, &line)
}

// limits are what a list may cost to read.
func (g *Guards) limits() feed.Limits {
	return feed.Limits{
		InputBytes:    g.MaxListBytes,
		ExpandedBytes: g.MaxExpandedBytes,
		Ratio:         g.MaxRatio,
		LineBytes:     g.MaxLineBytes,
	}
}
