package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/zeebo/xxh3"

	"github.com/resolverwatch/resolverwatch/internal/hunt"
	"github.com/resolverwatch/resolverwatch/pkg/awsio/athena"
	"github.com/resolverwatch/resolverwatch/pkg/awsio/bucket"
	"github.com/resolverwatch/resolverwatch/pkg/catalog"
	"github.com/resolverwatch/resolverwatch/pkg/storage"
	"github.com/resolverwatch/resolverwatch/pkg/verdict"
)

const (
	// retroPrefix is the folder of the output bucket for hits. The table does not read it,
	// so that no record counts twice.
	retroPrefix = "retro/"
	// recordsQuery is the named query that returns the records of hosts.
	recordsQuery = "host-records"
	// hostsPerQuery limits the hosts in one query, because its text may have 256 KiB.
	hostsPerQuery = 1000
)

// writeRecords reads the records of the hosts that were found, marks them again, and writes
// the hits that were not logged as malicious.
func (h *huntOptions) writeRecords(ctx context.Context, found *huntWriter, progress *queryProgress) error {
	if found.unmarked == 0 {
		progress.printf("no records to write: all of them were logged as malicious")
		return nil
	}
	o, err := h.operator(ctx, h.needOutput(), h.needIndex())
	if err != nil {
		return err
	}
	x, err := o.Open(ctx, 0)
	if err != nil {
		return err
	}

	r := &retroWriter{hunted: hunt.NewEntries(found.indicators), days: map[string][]byte{}}
	r.marker = verdict.NewMarker(x, verdict.Options{OnMark: r.onMark})
	if err := h.readRecords(ctx, found, r, newQueryProgress(progress.messages, true)); err != nil {
		return err
	}
	return h.put(ctx, r, progress)
}

// readRecords passes the records of the hosts that were found to out.
func (h *huntOptions) readRecords(ctx context.Context, found *huntWriter, out resultWriter, progress *queryProgress) error {
	group, err := h.athena(ctx)
	if err != nil {
		return err
	}
	queries, err := group.NamedQueries(ctx)
	if err != nil {
		return err
	}
	last, err := time.Parse(time.RFC3339, found.last)
	if err != nil {
		return fmt.Errorf("reading the time of the last query: %w", err)
	}

	for hosts := range slices.Chunk(slices.Sorted(maps.Keys(found.unmarkedHosts)), hostsPerQuery) {
		text, err := fillQuery(queries, recordsQuery, map[string]string{
			"hosts": strings.Join(hosts, " "),
			"from":  found.first,
			"until": last.Add(time.Second).Format(time.RFC3339),
		})
		if err != nil {
			return err
		}
		if err := runQuery(ctx, group, text, out, progress); err != nil {
			return err
		}
	}
	return nil
}

// put writes one object for each day. The key of an object contains the hash of its records,
// so repeating a hunt with the same result and the same index writes nothing twice.
func (h *huntOptions) put(ctx context.Context, r *retroWriter, progress *queryProgress) error {
	objects := bucket.Bucket{Client: bucket.NewClient(h.config), Name: h.outputBucket}
	known := 0
	for _, day := range slices.Sorted(maps.Keys(r.days)) {
		var packed bytes.Buffer
		w := gzip.NewWriter(&packed)
		_, err := w.Write(r.days[day])
		if err := errors.Join(err, w.Close()); err != nil {
			return fmt.Errorf("compressing records: %w", err)
		}
		key := fmt.Sprintf("%s%s/hunt-%x.gz", retroPrefix, day, xxh3.Hash128(r.days[day]).Bytes())
		err = objects.Create(ctx, key, "application/octet-stream", packed.Bytes())
		switch {
		case errors.Is(err, storage.ErrExists):
			known++
		case err != nil:
			return fmt.Errorf("writing the records of %s: %w", day, err)
		}
	}
	progress.printf("%d records are under s3://%s/%s in %d objects, %d of which already existed", r.found, h.outputBucket, retroPrefix,
		len(r.days), known)
	return nil
}

// retroWriter is a [resultWriter] that marks the records in the rows of [recordsQuery] again.
type retroWriter struct {
	hunted  hunt.Entries
	marker  *verdict.Marker
	columns []string
	line    []byte
	isHit   bool
	day     string            // of the current record
	days    map[string][]byte // lines by day
	found   int
}

func (r *retroWriter) begin(columns []athena.Column) error {
	r.columns = nil
	for _, column := range columns {
		r.columns = append(r.columns, column.Name)
	}
	return nil
}

func (r *retroWriter) row(row athena.Row) (err error) {
	record, previous, err := r.record(row)
	if err != nil || previous == string(verdict.Malicious) {
		return err
	}
	r.isHit = false
	if r.line, err = r.marker.Mark(r.line[:0], record); err != nil {
		return fmt.Errorf("marking a record again: %w", err)
	}
	if !r.isHit {
		return nil
	}
	r.days[r.day] = append(r.days[r.day], r.line...)
	r.found++
	return nil
}

func (r *retroWriter) onMark(m *verdict.Mark) {
	r.isHit = hunt.IsHit(m) && r.hunted.Covers(m.Threat.Matched)
	// Records without a readable time go to a folder of their own.
	r.day = "unknown"
	if at, err := time.Parse(time.RFC3339, string(m.Object.QueryTimestamp.Decode(new([]byte)))); err == nil {
		r.day = at.UTC().Format("2006/01/02")
	}
}

func (r *retroWriter) end() error { return nil }

// record returns the record of a row in the form that Resolver writes, and the verdict that it
// was logged with. Members for which the table has no column are missing.
func (r *retroWriter) record(row athena.Row) (record []byte, previous string, err error) {
	cells := map[string]string{}
	for i, cell := range row {
		if cell != nil && i < len(r.columns) {
			cells[r.columns[i]] = *cell
		}
	}

	record = append(record, '{')
	for _, column := range catalog.LogColumns() {
		cell, found := cells[column.Name]
		if !found {
			continue
		}
		value := []byte(cell)
		isStructured := column.Name == "answers" || column.Name == "srcids" || column.Name == "additional_properties"
		if !isStructured || !json.Valid(value) {
			if value, err = json.Marshal(cell); err != nil {
				return nil, "", fmt.Errorf("encoding %s: %w", column.Name, err)
			}
		}
		if len(record) > 1 {
			record = append(record, ',')
		}
		record = append(append(append(append(record, '"'), column.Name...), `":`...), value...)
	}
	return append(record, '}'), cells[catalog.Verdict], nil
}
