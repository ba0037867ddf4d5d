// Package hunt looks for names in logs that were marked before a list knew them. Lists
// and marked lines go in, a row for each host and indicator comes out, with the columns
// of the named query `retro-hunt`, which does the same in Athena.
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

// List is what is hunted for.
type List struct {
	Index *index.Index
	// Entries is how many entries it has, or names and blocks.
	Entries int
	added   map[indicator.Key]time.Time // nil if nobody knows
	vetoes  map[indicator.FeedID]bool   // feeds whose allow entries veto those of all
}

// NewList returns a list of which all entries are hunted for.
func NewList(x *index.Index) *List {
	info := x.Info()
	return &List{Index: x, Entries: info.Names + info.Addresses}
}

// ReadIndicators reads published indicators, as they lie under indicators/ in the index
// bucket. Hunted for are the block entries that a feed added since then; allow entries
// veto as ever.
func ReadIndicators(r io.Reader, since time.Time) (*List, error) {
	unpacked, err := gzip.NewReader(r)
	if err != nil {
		return nil, fmt.Errorf("unpacking the indicators: %w", err)
	}
	list := &List{added: map[indicator.Key]time.Time{}, vetoes: map[indicator.FeedID]bool{}}
	builder, generation := index.NewBuilder(), uint64(0)
	for rows, number := json.NewDecoder(unpacked), 1; ; number++ {
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
		l.Entries++
		key := entry.Key()
		if first, known := l.added[key]; !known || entry.AddedAt.Before(first) {
			l.added[key] = entry.AddedAt
		}
	}
	// Only the rows of allow entries say whether they veto all.
	l.vetoes[row.Feed] = l.vetoes[row.Feed] || row.VetoesAll
	builder.Feed(row.Feed, l.vetoes[row.Feed])
	return builder.Add(row.Feed, &entry.Indicator)
}

// addedAt returns when the first feed added an entry, "" if nobody knows.
func (l *List) addedAt(key indicator.Key) string {
	if at, known := l.added[key]; known {
		return at.UTC().Format(time.RFC3339)
	}
	return ""
}

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

// Covers reports whether one of them is the name or address that a record matched by, or
// is above it. Lists that have grown since may have a deeper entry for it.
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
