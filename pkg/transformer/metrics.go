package transformer

import (
	"io"
	"sync"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/emf"
	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
	"github.com/resolverwatch/resolverwatch/pkg/verdict"
)

// Names of the metrics of an invocation. Renaming one breaks alarms. Those of unknown
// objects by reason begin with MetricUnknown.
const (
	MetricRecords          = "Records"          // of Firehose
	MetricDropped          = "Dropped"          // records without a log object
	MetricProcessingFailed = "ProcessingFailed" // records that Firehose sets aside
	MetricNoRoom           = "NoRoom"           // those of them for which the response was too long
	MetricMalicious        = "Malicious"        // log objects, this and the next
	MetricAllowed          = "Allowed"
	MetricClean            = "Clean"
	MetricAlreadyMarked    = "AlreadyMarked"
	MetricUnknown          = "Unknown"
	MetricUnknownNoIndex   = "UnknownNoIndex"
	MetricUnknownStale     = "UnknownStaleIndex"
	MetricUnknownBadName   = "UnknownBadName"
	MetricUnknownTimeout   = "UnknownTimeout"
	MetricIndexLoadFailed  = "IndexLoadFailed" // looks for an index that failed
	MetricIndexGeneration  = "IndexGeneration" // these two only with an index
	MetricIndexAge         = "IndexAge"        // since its last renewal
)

// metrics writes one line for each invocation.
type metrics struct {
	mu    sync.Mutex
	out   io.Writer // nil = nobody counts
	stack string
}

func (m *metrics) write(
	now time.Time, records *stats, objects verdict.Counts, current *index.Current, age time.Duration, loadFailed int64,
) {
	if m.out == nil {
		return
	}
	count := func(name string, n int) emf.Metric { return emf.Metric{Name: name, Unit: emf.Count, Value: float64(n)} }
	list := []emf.Metric{
		count(MetricRecords, records.records),
		count(MetricDropped, records.dropped),
		count(MetricProcessingFailed, records.failed),
		count(MetricNoRoom, records.noRoom),
		count(MetricMalicious, objects.Malicious),
		count(MetricAllowed, objects.Allowed),
		count(MetricClean, objects.Clean),
		count(MetricAlreadyMarked, objects.AlreadyMarked),
		count(MetricUnknown, objects.Unknown()),
		count(MetricUnknownNoIndex, objects.NoIndex),
		count(MetricUnknownStale, objects.StaleIndex),
		count(MetricUnknownBadName, objects.BadName),
		count(MetricUnknownTimeout, objects.Timeout),
		count(MetricIndexLoadFailed, int(loadFailed)),
	}
	if current != nil {
		list = append(list,
			emf.Metric{Name: MetricIndexGeneration, Unit: emf.None, Value: float64(current.Generation)},
			emf.Metric{Name: MetricIndexAge, Unit: emf.Seconds, Value: age.Seconds()})
	}
	dimensions := []emf.Dimension{{Name: settings.MetricDimensionStack, Value: m.stack}}
	line := emf.Line(now, settings.MetricNamespace, dimensions, list)
	m.mu.Lock()
	defer m.mu.Unlock()
	_, _ = m.out.Write(line) // there is nowhere else to tell
}
