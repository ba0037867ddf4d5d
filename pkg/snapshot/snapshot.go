// Package snapshot stores accepted lists. A snapshot is written from a list and read entry
// by entry; the difference of two snapshots is the changes that lead from one to the other.
package snapshot

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/list"
)

// Entry is an entry of an accepted list.
type Entry struct {
	indicator.Indicator
	// AddedAt is when the feed was first accepted with this entry. It stays the same as long
	// as each accepted list contains the entry.
	AddedAt time.Time
}

// sameContent reports whether two entries of the same key are equal. Times are compared in
// seconds.
func (e *Entry) sameContent(other *Entry) bool {
	a, b := *e, *other
	for _, t := range []*time.Time{&a.FirstSeen, &a.ExpiresAt, &a.AddedAt, &b.FirstSeen, &b.ExpiresAt, &b.AddedAt} {
		*t = t.UTC().Truncate(time.Second)
	}
	return a == b
}

// Head is the first line of a snapshot. The writer sets Format and Entries.
type Head struct {
	Format     int              `json:"format"`
	Feed       indicator.FeedID `json:"feed"`
	Key        string           `json:"key"`
	Version    string           `json:"version"`
	AcceptedAt time.Time        `json:"accepted_at"`
	Entries    int              `json:"entries"`
}

// A snapshot is a zstd stream of text lines, which `zstdcat` shows: headPrefix and the head
// as JSON, the names of the columns, then one entry per line. Entries are sorted, and fields
// are separated by tabs. No field contains a tab or a line break. An empty field means that
// the value is unknown.
const (
	formatNumber = 1
	headPrefix   = "#resolverwatch-snapshot "
	columns      = "value\tscope\taction\tseverity\tconfidence\tcategory\treference\tfirst_seen\texpires_at\tadded_at"
	fieldCount   = 10

	windowBytes  = 256 << 10
	maxLineBytes = 8 << 10 // several times a name, a category and a reference
)

// write returns a snapshot of a list. Entries that base contains too keep their AddedAt. base
// may be nil.
func write(head Head, entries *list.List, base *Reader) (body []byte, kept Kept, err error) {
	var out bytes.Buffer
	// One goroutine is enough, because a Lambda of this size has one core. A small window is
	// enough, because similar entries of a sorted list are close to each other.
	compressed, err := zstd.NewWriter(&out, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(windowBytes))
	if err != nil {
		return nil, kept, fmt.Errorf("writing a snapshot: %w", err)
	}
	head.Format, head.Entries = formatNumber, entries.Len()
	first, err := json.Marshal(head)
	if err != nil {
		return nil, kept, fmt.Errorf("writing a snapshot: %w", err)
	}

	// Writes go to memory, so Close reports their errors.
	_, _ = fmt.Fprintf(compressed, "%s%s\n%s\n", headPrefix, first, columns)
	var line []byte
	for found := range entries.All() {
		entry := Entry{*found, head.AcceptedAt}
		if before, err := base.seek(found); err != nil {
			return nil, kept, err
		} else if before != nil {
			entry.AddedAt = before.AddedAt
			kept.Entries++
			if !before.sameContent(&entry) {
				kept.Changed++
			}
		}
		line = appendEntry(line[:0], &entry)
		_, _ = compressed.Write(line)
	}
	if err := compressed.Close(); err != nil {
		return nil, kept, fmt.Errorf("writing a snapshot: %w", err)
	}
	return out.Bytes(), kept, nil
}

// appendEntry appends the line of an entry.
func appendEntry(line []byte, e *Entry) []byte {
	line = e.AppendValue(line)
	for _, field := range []string{e.Scope.String(), e.Action.String(), e.Severity.String()} {
		line = append(append(line, '\t'), field...)
	}
	line = strconv.AppendUint(append(line, '\t'), uint64(e.Confidence), 10)
	line = append(append(line, '\t'), e.Category...)
	line = append(append(line, '\t'), e.Reference...)
	for _, t := range []time.Time{e.FirstSeen, e.ExpiresAt, e.AddedAt} {
		line = append(line, '\t')
		if !t.IsZero() {
			line = t.UTC().AppendFormat(line, time.RFC3339)
		}
	}
	return append(line, '\n')
}
