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
	"github.com/resolverwatch/resolverwatch/pkg/awsio"
	"github.com/resolverwatch/resolverwatch/pkg/awsio/athenaio"
	"github.com/resolverwatch/resolverwatch/pkg/catalog"
	"github.com/resolverwatch/resolverwatch/pkg/verdict"
)

const (
	// retroPrefix is the folder of the output bucket that hits are written to: beside the
	// logs, which the table reads, so that no record counts twice.
	retroPrefix = "retro/"
	// recordsQuery is the name of the named query that has records of hosts.
	recordsQuery = "host-records"
	// hostsAtOnce bounds the hosts that one query names: its text may have 256 KiB.
	hostsAtOnce = 1000
)

// writeRecords reads the records of the hosts that were found, marks them anew, and
// writes those that are hits and were not malicious before.
func (h *huntOptions) writeRecords(ctx context.Context, found *huntWriter, progress *queryProgress) error {
	if found.unmarked == 0 {
		progress.printf("there are no records to write: all were marked as malicious when they were logged")
		return nil
	}
	if err := h.findAll(ctx, h.needOutput()); err != nil {
		return err
	}
	o, err := h.operator(ctx, h.needIndex())
	if err != nil {
		return err
	}
	x, err := o.Open(ctx, 0)
	if err != nil {
		return err
	}
	group, err := h.athena(ctx)
	if err != nil {
		return err
	}
	last, err := time.Parse(time.RFC3339, found.last)
	if err != nil {
		return fmt.Errorf("reading when the last query was: %w", err)
	}
	r := &retroWriter{hunted: hunt.NewEntries(found.indicators), days: map[string][]byte{}}
	r.marker = verdict.NewMarker(x, verdict.Options{OnMark: r.onMark})
	queries, err := group.NamedQueries(ctx)
	if err != nil {
		return err
	}
	for hosts := range slices.Chunk(slices.Sorted(maps.Keys(found.unmarkedHosts)), hostsAtOnce) {
		text, err := fillQuery(queries, recordsQuery, map[string]string{"hosts": strings.Join(hosts, " "),
			"from": found.first, "until": last.Add(time.Second).Format(time.RFC3339)})
		if err != nil {
			return err
		}
		if err := runQuery(ctx, group, text, r, newQueryProgress(progress.messages, true)); err != nil {
			return err
		}
	}
	return h.put(ctx, r, progress)
}

// put writes an object a day. It has the name of its content: a hunt that is run once more
// writes nothing twice, as long as it finds the same and the same index serves.
func (h *huntOptions) put(ctx context.Context, r *retroWriter, progress *queryProgress) error {
	bucket := awsio.Bucket{Client: awsio.NewS3(h.config), Name: h.outputBucket}
	known := 0
	for _, day := range slices.Sorted(maps.Keys(r.days)) {
		var packed bytes.Buffer
		w := gzip.NewWriter(&packed)
		_, err := w.Write(r.days[day])
		if err := errors.Join(err, w.Close()); err != nil {
			return fmt.Errorf("compressing records: %w", err)
		}
		key := fmt.Sprintf("%s%s/hunt-%x.gz", retroPrefix, day, xxh3.Hash128(r.days[day]).Bytes())
		err = bucket.Create(ctx, key, "application/octet-stream", packed.Bytes())
		switch {
		case errors.Is(err, awsio.ErrCondition):
			known++
		case err != nil:
			return fmt.Errorf("writing the records of %s: %w", day, err)
		}
	}
	progress.printf("%d records are in s3://%s/%s in %d objects, %d of which were there before", r.found, h.outputBucket, retroPrefix,
		len(r.days), known)
	return nil
}

// retroWriter marks the records in the rows of [recordsQuery] anew: it is a resultWriter.
type retroWriter struct {
	hunted  hunt.Entries
	marker  *verdict.Marker
	columns []string
	line    []byte
	isHit   bool
	day     string            // of the record at hand
	days    map[string][]byte // lines by day
	found   int
}

func (r *retroWriter) begin(columns []athenaio.Column) error {
	r.columns = nil
	for _, column := range columns {
		r.columns = append(r.columns, column.Name)
	}
	return nil
}

func (r *retroWriter) row(row athenaio.Row) (err error) {
	record, was, err := r.record(row)
	if err != nil || was == string(verdict.Malicious) {
		return err
	}
	r.isHit = false
	if r.line, err = r.marker.Mark(r.line[:0], record); err != nil {
		return fmt.Errorf("marking a record anew: %w", err)
	}
	if !r.isHit {
		return nil
	}
	r.days[r.day] = append(r.days[r.day], r.line...)
	r.found++
	return nil
}

func (r *retroWriter) onMark(m *verdict.Mark) {
	r.isHit = m.Verdict == verdict.Malicious && m.Threat != nil && r.hunted.Covers(m.Threat.Matched)
	// A time that cannot be read has a folder of its own.
	r.day = "unknown"
	if at, err := time.Parse(time.RFC3339, string(m.Object.QueryTimestamp.Decode(new([]byte)))); err == nil {
		r.day = at.UTC().Format("2006/01/02")
	}
}

func (r *retroWriter) end() error { return nil }

// record returns a row as Resolver wrote it, and the verdict that it had. Members that
// have no column are lost.
func (r *retroWriter) record(row athenaio.Row) (record []byte, was string, err error) {
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
		if isStructured := column.Name == "answers" || column.Name == "srcids"; !isStructured || !json.Valid(value) {
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
