package importer

import (
	"io"
	"sync"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/emf"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// Names of metrics. Renaming one breaks alarms. Only the age of lists has the feed as a
// dimension, because every value of a dimension costs money; the log line next to each
// metric names the feed.
const (
	metricImportAccepted  = "ImportAccepted"  // lists that became a feed's accepted list
	metricImportRejected  = "ImportRejected"  // lists that were refused
	metricImportFailed    = "ImportFailed"    // runs that ended in an error and are tried again
	metricListFetched     = "ListFetched"     // new lists that were fetched
	metricListNotModified = "ListNotModified" // fetches of lists that did not change
	metricFetchDeferred   = "FetchDeferred"   // fetches that the server asked to repeat later
	metricFetchFailed     = "FetchFailed"     // fetches that failed; the feed keeps its list
	metricNamesAdded      = "NamesAdded"      // entries that are new in an accepted list
	metricNamesRemoved    = "NamesRemoved"    // entries that an accepted list no longer has
	metricNamesChanged    = "NamesChanged"    // entries that stay but differ, for example in their references
	metricDropped         = "DroppedEntries"  // entries that were dropped from an accepted list
	metricTableChanges    = "TableChanges"    // table rows that were written or deleted
	metricTablesBehind    = "TablesBehind"    // feeds whose table rows are left to a later run
	metricPublished       = "IndexPublished"  // new generations
	metricBadEdits        = "BadTableEdits"   // manual entries that were left out
	metricBlocksLeftOut   = "BlocksLeftOut"   // address blocks left out because their feed reaches too far
	metricFeedMissing     = "FeedMissing"     // feeds that are kept although they have no list
	metricSnapshotsLost   = "SnapshotsLost"   // accepted lists that are lost or were changed, and are imported again
	metricIndicatorsStale = "IndicatorsStale" // publishes that could not update the indicators

	// These are written by each publish.
	metricGeneration   = "Generation"   // the generation that serves
	metricIndexEntries = "IndexEntries" // the entries of all feeds
	metricIndexBytes   = "IndexBytes"
	metricListAge      = "ListAge"     // time since a feed had a list, of each feed and of the oldest
	metricFeedExpired  = "FeedExpired" // feeds that were left out because they are too old
	// Feeds whose accepted lists are left out, because the index could not be used with them.
	metricFeedsLeftOut   = "FeedsLeftOut"
	metricFeedsOverLimit = "FeedsOverLimit" // feeds beyond the number that an index can have
	metricPointerInvalid = "PointerInvalid" // pointers with numbers or times out of range
)

// maxFeedMetrics is how many feeds, in the order of their ids, have a ListAge of their own.
// The age of the oldest list covers the other feeds.
const maxFeedMetrics = 50

// metrics writes metrics in the Embedded Metric Format.
type metrics struct {
	mu    sync.Mutex
	out   io.Writer
	stack string
	now   func() time.Time
}

func count(name string, n int) emf.Metric {
	return emf.Metric{Name: name, Unit: emf.Count, Value: float64(n)}
}

func seconds(name string, d time.Duration) emf.Metric {
	return emf.Metric{Name: name, Unit: emf.Seconds, Value: d.Seconds()}
}

// put writes metrics of the stack.
func (m *metrics) put(points ...emf.Metric) { m.write(points) }

// putForFeed writes metrics of one feed.
func (m *metrics) putForFeed(feed indicator.FeedID, points ...emf.Metric) {
	m.write(points, emf.Dimension{Name: settings.MetricDimensionFeed, Value: string(feed)})
}

func (m *metrics) write(points []emf.Metric, more ...emf.Dimension) {
	dimensions := append([]emf.Dimension{{Name: settings.MetricDimensionStack, Value: m.stack}}, more...)
	line := emf.Line(m.now(), settings.MetricNamespace, dimensions, points)
	m.mu.Lock()
	defer m.mu.Unlock()
	_, _ = m.out.Write(line) // a failure cannot be reported anywhere else
}
