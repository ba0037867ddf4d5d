package importer

import (
	"io"
	"sync"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/emf"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// Names of metrics; renaming one breaks alarms. Only the age of lists is told apart by
// feed, because each would be one to pay for: the log line beside it names the feed.
const (
	MetricImportAccepted  = "ImportAccepted"  // lists that became a feed's accepted list
	MetricImportRejected  = "ImportRejected"  // lists that were refused
	MetricImportFailed    = "ImportFailed"    // runs that end in an error and are tried again
	MetricListFetched     = "ListFetched"     // new lists that came from their URLs
	MetricListNotModified = "ListNotModified" // fetches of lists that are still the ones
	MetricFetchDeferred   = "FetchDeferred"   // fetches that a server put off
	MetricFetchFailed     = "FetchFailed"     // fetches that went wrong; the feed goes on with its list
	MetricNamesAdded      = "NamesAdded"      // entries of an accepted list that the one before had not
	MetricNamesRemoved    = "NamesRemoved"    // entries of the one before that are gone
	MetricDropped         = "DroppedEntries"  // of an accepted list
	MetricTableChanges    = "TableChanges"    // rows written and deleted
	MetricTablesBehind    = "TablesBehind"    // feeds whose rows a later run has to finish
	MetricPublished       = "IndexPublished"  // new generations
	MetricGeneration      = "Generation"      // that serves, at each publish; like all that follow
	MetricIndexEntries    = "IndexEntries"    // of all feeds
	MetricIndexBytes      = "IndexBytes"
	MetricListAge         = "ListAge"         // since a feed had a list: of the oldest, and by feed
	MetricFeedExpired     = "FeedExpired"     // feeds left out because they are too old
	MetricFeedMissing     = "FeedMissing"     // feeds that count on though no list of theirs is left
	MetricIndicatorsStale = "IndicatorsStale" // publishes that left the published indicators behind
	MetricBadEdits        = "BadTableEdits"   // own edits in the table that are no entries
)

// maxFeedMetrics is how many feeds, in the order of their ids, have a [MetricListAge]
// of their own. The rest shows in the age of the oldest list.
const maxFeedMetrics = 50

// metrics writes a line for the data points that belong together.
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

// put gives points of the stack.
func (m *metrics) put(points ...emf.Metric) { m.write(points) }

// putOf gives points of one feed.
func (m *metrics) putOf(feed indicator.FeedID, points ...emf.Metric) {
	m.write(points, emf.Dimension{Name: settings.MetricDimensionFeed, Value: string(feed)})
}

func (m *metrics) write(points []emf.Metric, more ...emf.Dimension) {
	dimensions := append([]emf.Dimension{{Name: settings.MetricDimensionStack, Value: m.stack}}, more...)
	line := emf.Line(m.now(), settings.MetricNamespace, dimensions, points)
	m.mu.Lock()
	defer m.mu.Unlock()
	_, _ = m.out.Write(line) // there is nowhere else to tell
}
