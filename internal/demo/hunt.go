package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/resolverwatch/resolverwatch/internal/hunt"
	"github.com/resolverwatch/resolverwatch/internal/localaws"
	"github.com/resolverwatch/resolverwatch/internal/localaws/sample"
	"github.com/resolverwatch/resolverwatch/internal/report"
	"github.com/resolverwatch/resolverwatch/pkg/catalog"
	"github.com/resolverwatch/resolverwatch/pkg/verdict"
)

// entered is what a hunt found after a name had entered a list.
type entered struct {
	since      time.Time // when the list was uploaded
	generation uint64
	found      []report.Early
}

// enterName adds a name to a feed, and hunts in the delivered logs for hosts that asked for it.
func (d *demo) enterName(ctx context.Context) (*entered, error) {
	e := &entered{since: time.Now().UTC().Truncate(time.Second)} // entries have the time in seconds
	if _, err := d.importFeeds(ctx, []sample.Feed{changingFeed().With(sample.LateLine)}); err != nil {
		return nil, err
	}
	e.generation = d.published.Generation

	published := d.stack.Objects(localaws.IndexBucket, catalog.IndicatorKey)
	if len(published) != 1 {
		return nil, fmt.Errorf("the importer published no indicators: see %s", d.logFile(localaws.Importer))
	}
	list, err := hunt.ReadIndicators(bytes.NewReader(published[0].Body), e.since)
	if err != nil {
		return nil, err
	}
	if e.found, err = huntDelivered(d.stack, list); err != nil {
		return nil, fmt.Errorf("hunting: %w", err)
	}
	return e, checkFound(e.found, d.generator.QuietHost(), countLate(d.ledger))
}

// huntDelivered looks for the entries of a list in the delivered logs.
func huntDelivered(stack *localaws.Stack, list *hunt.List) ([]report.Early, error) {
	found := hunt.NewReport(list)
	marker := verdict.NewMarker(list.Index, verdict.Options{Remark: true, OnMark: func(m *verdict.Mark) {
		if hunt.IsHit(m) {
			hit := hunt.NewHit(m, m.Previous)
			found.Add(&hit)
		}
	}})
	var line []byte
	for _, object := range stack.Objects(localaws.LogBucket, markedLogs+"/") {
		r, err := gzip.NewReader(bytes.NewReader(object.Body))
		if err != nil {
			return nil, err
		}
		text, err := io.ReadAll(r)
		if err != nil {
			return nil, err
		}
		for record := range bytes.Lines(text) {
			if line, err = marker.Mark(line[:0], record); err != nil {
				return nil, err
			}
		}
	}
	return found.Early(), nil
}

// checkFound compares what the hunt found with what was sent: some queries of one host.
func checkFound(found []report.Early, host sample.Host, queries int) error {
	if len(found) != 1 {
		return fmt.Errorf("the hunt found %d hosts, want 1", len(found))
	}
	one := found[0]
	if one.Address != host.SrcAddr || one.Queries != queries || one.Unmarked != queries {
		return errors.New("the hunt found another host, or not all of its queries")
	}
	return nil
}

// countLate counts the queries that were sent for the name before it entered a list.
func countLate(ledger *sample.Ledger) (count int) {
	for _, line := range ledger.Lines {
		if strings.HasSuffix(line.Query, sample.LateName+".") {
			count++
		}
	}
	return count
}
