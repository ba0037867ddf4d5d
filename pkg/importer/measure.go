package importer

import (
	"slices"
	"strings"

	"github.com/resolverwatch/resolverwatch/pkg/emf"
)

// measureIndex says how large the index is.
func (im *Importer) measureIndex(built *built) {
	entries := 0
	for _, feed := range built.feeds {
		entries += feed.Count
	}
	im.metrics.put(count(MetricIndexEntries, entries),
		emf.Metric{Name: MetricIndexBytes, Unit: emf.Bytes, Value: float64(len(built.data))})
}

// measureFeeds says how long each feed has waited for a list, and which has waited
// longest: a feed that nobody feeds any more is the failure that nobody notices.
func (im *Importer) measureFeeds(rows []FeedRow) {
	now := im.now()
	oldest, told := now, 0
	slices.SortFunc(rows, func(a, b FeedRow) int { return strings.Compare(string(a.ID), string(b.ID)) })
	for _, row := range rows {
		if row.Accepted.Snapshot == "" {
			continue
		}
		current := row.Accepted.current()
		if current.Before(oldest) {
			oldest = current
		}
		if told++; told <= maxFeedMetrics {
			im.metrics.putOf(row.ID, seconds(MetricListAge, now.Sub(current)))
		}
	}
	im.metrics.put(seconds(MetricListAge, now.Sub(oldest)))
}
