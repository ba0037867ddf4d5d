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

// Entry is an entry of an accepted list, as the table has it.
type Entry struct {
	indicator.Indicator
	// AddedAt is when this feed was first accepted with the entry. It survives later
	// imports, and begins anew when the entry was gone for one.
	AddedAt time.Time
}

// same reports whether two entries of one key are equal in everything else.
func (e *Entry) same(other *Entry) bool {
	a, b := *e, *other
	for _, t := range []*time.Time{&a.FirstSeen, &a.ExpiresAt, &a.AddedAt, &b.FirstSeen, &b.ExpiresAt, &b.AddedAt} {
		*t = t.UTC().Truncate(time.Second)
	}
	return a == b
}

// Head is the first line of a snapshot.
type Head struct {
	Format     int              `json:"format"`
	Feed       indicator.FeedID `json:"feed"`
	Key        string           `json:"key"`
	Version    string           `json:"version"`
	AcceptedAt time.Time        `json:"accepted_at"`
	Entries    int              `json:"entries"`
}

// An accepted list is a zstd stream of lines: the head in JSON behind a mark, the
// names of the columns, and one entry a line, sorted, fields parted by tabs. `zstdcat`
// shows it. No field holds a tab or a line break. Empty fields are unknown.
const (
	snapshotFormat  = 1
	snapshotMark    = "#resolverwatch-snapshot "
	snapshotColumns = "value\tscope\taction\tseverity\tconfidence\tcategory\treference\tfirst_seen\texpires_at\tadded_at"
	snapshotFields  = 10

	snapshotWindow  = 256 << 10 // bytes
	maxSnapshotLine = 8 << 10   // bytes; a name, a category and a reference fit several times
)

// write writes the entries of a list. Those that stand in base too keep the time
// when they were added, and are counted; base may be nil.
func write(head Head, entries *list.List, base *Reader) (body []byte, kept int, err error) {
	var out bytes.Buffer
	// One goroutine, since a Lambda of this size has one core; what repeats in a sorted
	// list repeats within a small window.
	compressed, err := zstd.NewWriter(&out, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(snapshotWindow))
	if err != nil {
		return nil, 0, fmt.Errorf("writing a snapshot: %w", err)
	}
	head.Format, head.Entries = snapshotFormat, entries.Len()
	first, err := json.Marshal(head)
	if err != nil {
		return nil, 0, fmt.Errorf("writing a snapshot: %w", err)
	}
	// The writes go to memory: they cannot fail before Close says so.
	_, _ = fmt.Fprintf(compressed, "%s%s\n%s\n", snapshotMark, first, snapshotColumns)
	var line []byte
	for found := range entries.All() {
		entry := Entry{*found, head.AcceptedAt}
		if before, err := base.seek(found); err != nil {
			return nil, 0, err
		} else if before != nil {
			kept++
			entry.AddedAt = before.AddedAt
		}
		line = appendEntry(line[:0], &entry)
		_, _ = compressed.Write(line)
	}
	if err := compressed.Close(); err != nil {
		return nil, 0, fmt.Errorf("writing a snapshot: %w", err)
	}
	return out.Bytes(), kept, nil
}

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
