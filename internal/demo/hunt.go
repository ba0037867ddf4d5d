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
	if e.found, err = d.hunt(list); err != nil {
		return nil, fmt.Errorf("hunting: %w", err)
	}
	return e, d.checkFound(e.found)
}

// hunt looks for the entries of a list in the delivered logs.
func (d *demo) hunt(list *hunt.List) ([]report.Early, error) {
	found := hunt.NewReport(list)
	marker := verdict.NewMarker(list.Index, verdict.Options{Remark: true, OnMark: func(m *verdict.Mark) {
		if hunt.IsHit(m) {
			hit := hunt.NewHit(m, m.Previous)
			found.Add(&hit)
		}
	}})
	var line []byte
	for _, object := range d.stack.Objects(localaws.LogBucket, markedLogs+"/") {
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

// checkFound compares what the hunt found with what was sent.
func (d *demo) checkFound(found []report.Early) error {
	want := d.countLate()
	if len(found) != 1 {
		return fmt.Errorf("the hunt found %d hosts, want 1", len(found))
	}
	one := found[0]
	if one.Address != d.generator.QuietHost().SrcAddr || one.Queries != want || one.Unmarked != want {
		return errors.New("the hunt found another host, or not all of its queries")
	}
	return nil
}

// countLate counts the queries that were sent for the name before it entered a list.
func (d *demo) countLate() (count int) {
	for _, line := range d.ledger.Lines {
		if strings.HasSuffix(line.Query, sample.LateName+".") {
			count++
		}
	}
	return count
}
