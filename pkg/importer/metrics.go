package importer

import (
	"io"
	"sync"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/emf"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// Names of metrics; renaming one breaks alarms. None is told apart by feed, because
// each would then be one to pay for: the log line beside it names the feed.
const (
	MetricImportAccepted = "ImportAccepted" // lists that became a feed's accepted list
	MetricImportRejected = "ImportRejected" // lists that were refused
	MetricImportFailed   = "ImportFailed"   // runs that end in an error and are tried again
	MetricDropped        = "DroppedEntries" // of an accepted list
	MetricTableChanges   = "TableChanges"   // rows written and deleted
	MetricPublished      = "IndexPublished" // new generations
	MetricIndexEntries   = "IndexEntries"   // of all feeds, at each publish; this and the next
	MetricIndexBytes     = "IndexBytes"
	MetricOldestList     = "OldestListAge" // since the feed that waits longest had a list, at each publish
	MetricFeedExpired    = "FeedExpired"   // feeds left out because they are too old
	MetricBadEdits       = "BadTableEdits" // own edits in the table that are no entries
)

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

func (m *metrics) put(points ...emf.Metric) {
	line := emf.Line(m.now(), settings.MetricNamespace,
		[]emf.Dimension{{Name: settings.MetricDimensionStack, Value: m.stack}}, points)
	m.mu.Lock()
	defer m.mu.Unlock()
	_, _ = m.out.Write(line) // there is nowhere else to tell
}
