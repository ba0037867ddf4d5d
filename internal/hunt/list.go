// Package hunt finds the hosts that asked for a name before a list had it. Lists and marked
// records go in, a row for each host and entry comes out. The named query retro-hunt does
// the same in Athena, with the same columns.
package hunt

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/resolverwatch/resolverwatch/pkg/domainname"
	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/table"
)

// List holds the entries to hunt for.
type List struct {
	Index  *index.Index
	added  map[indicator.Key]time.Time // when each entry was first added; nil if unknown
	vetoes map[indicator.FeedID]bool   // feeds whose allow entries veto every feed
}

// NewList returns a list of all entries of an index.
func NewList(x *index.Index) *List { return &List{Index: x} }

// ReadIndicators reads published indicators, which are under indicators/ in the index bucket.
// The list has the block entries that a feed added since then, and all allow entries.
func ReadIndicators(r io.Reader, since time.Time) (*List, error) {
	decompressed, err := gzip.NewReader(r)
	if err != nil {
		return nil, fmt.Errorf("decompressing the indicators: %w", err)
	}
	list := &List{added: map[indicator.Key]time.Time{}, vetoes: map[indicator.FeedID]bool{}}
	builder, generation := index.NewBuilder(), uint64(0)
	for rows, number := json.NewDecoder(decompressed), 1; ; number++ {
		var row table.IndicatorRow
		err := rows.Decode(&row)
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = list.addRow(builder, &row, since)
		}
		if err != nil {
			return nil, fmt.Errorf("reading row %d of the indicators: %w", number, err)
		}
		generation = row.Generation
	}

	data, err := builder.Build(index.Options{Generation: generation})
	if err != nil {
		return nil, fmt.Errorf("building an index of the indicators: %w", err)
	}
	if list.Index, err = index.Open(data); err != nil {
		return nil, fmt.Errorf("opening the index of the indicators: %w", err)
	}
	return list, nil
}

func (l *List) addRow(builder *index.Builder, row *table.IndicatorRow, since time.Time) error {
	entry, err := row.Entry()
	if err != nil {
		return err
	}
	if entry.Action == indicator.ActionBlock {
		if entry.AddedAt.Before(since) {
			return nil
		}
		key := entry.Key()
		if first, known := l.added[key]; !known || entry.AddedAt.Before(first) {
			l.added[key] = entry.AddedAt
		}
	}
	// Only the rows of allow entries say whether their feed vetoes every feed.
	l.vetoes[row.Feed] = l.vetoes[row.Feed] || row.VetoesAll
	builder.Feed(row.Feed, l.vetoes[row.Feed])
	return builder.Add(row.Feed, &entry.Indicator)
}

// addedAt returns the time at which the first feed added an entry, or "" if it is unknown.
func (l *List) addedAt(key indicator.Key) string {
	if at, known := l.added[key]; known {
		return at.UTC().Format(time.RFC3339)
	}
	return ""
}

// Entries is a set of entries: names, addresses and blocks.
type Entries struct {
	names  map[string]bool
	blocks []netip.Prefix
}

// NewEntries returns the set of the given indicators, which are canonical names, addresses and
// CIDR blocks.
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

// Covers reports whether an entry is the name or address that a record matched, a parent of
// the name, or a block with the address. The current index may have a more specific
// entry by now, so the comparison cannot be by indicator alone.
func (e Entries) Covers(matched []byte) bool {
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
