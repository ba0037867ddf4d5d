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

// Names of the metrics of an invocation. Renaming one breaks alarms. The metrics of unknown
// objects by reason start with metricUnknown.
const (
	metricRecords          = "Records"          // Firehose records
	metricDropped          = "Dropped"          // records without a log object
	metricProcessingFailed = "ProcessingFailed" // records that Firehose sets aside
	metricNoRoom           = "NoRoom"           // failed records that did not fit into the response
	metricShortened        = "ShortenedMarks"   // log objects whose threat lost members for want of room
	metricMalicious        = "Malicious"        // this and the next eight count log objects
	metricAllowed          = "Allowed"
	metricClean            = "Clean"
	metricAlreadyMarked    = "AlreadyMarked"
	metricUnknown          = "Unknown"
	metricUnknownNoIndex   = "UnknownNoIndex"
	metricUnknownStale     = "UnknownStaleIndex"
	metricUnknownBadName   = "UnknownBadName"
	metricUnknownTimeout   = "UnknownTimeout"
	metricShapeResolver    = "ShapeResolver" // this and the next two count log objects by shape
	metricShapeOCSF        = "ShapeOCSF"
	metricShapeOther       = "ShapeOther"
	metricDelayed          = "Delayed"         // log objects that Resolver delivered late
	metricUnreadAnswers    = "UnreadAnswers"   // answers of a checked type that could not be read
	metricIndexLoadFailed  = "IndexLoadFailed" // failed polls for an index
	metricIndexGeneration  = "IndexGeneration" // this and the next need an index
	metricIndexAge         = "IndexAge"        // time since the index was last renewed
)

// metrics writes one line for each invocation.
type metrics struct {
	mu    sync.Mutex
	out   io.Writer // nil to write nothing
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
		count(metricRecords, records.records),
		count(metricDropped, records.dropped),
		count(metricProcessingFailed, records.failed),
		count(metricNoRoom, records.noRoom),
		count(metricShortened, objects.Shortened),
		count(metricMalicious, objects.Malicious),
		count(metricAllowed, objects.Allowed),
		count(metricClean, objects.Clean),
		count(metricAlreadyMarked, objects.AlreadyMarked),
		count(metricUnknown, objects.Unknown()),
		count(metricUnknownNoIndex, objects.NoIndex),
		count(metricUnknownStale, objects.StaleIndex),
		count(metricUnknownBadName, objects.BadName),
		count(metricUnknownTimeout, objects.Timeout),
		count(metricShapeResolver, objects.Resolver),
		count(metricShapeOCSF, objects.OCSF),
		count(metricShapeOther, objects.Other),
		count(metricDelayed, objects.Delayed),
		count(metricUnreadAnswers, objects.UnreadAnswers),
		count(metricIndexLoadFailed, int(loadFailed)),
	}

	if current != nil {
		list = append(list,
			emf.Metric{Name: metricIndexGeneration, Unit: emf.None, Value: float64(current.Generation)},
			emf.Metric{Name: metricIndexAge, Unit: emf.Seconds, Value: age.Seconds()})
	}

	dimensions := []emf.Dimension{{Name: settings.MetricDimensionStack, Value: m.stack}}
	line := emf.Line(now, settings.MetricNamespace, dimensions, list)
	m.mu.Lock()
	defer m.mu.Unlock()
	_, _ = m.out.Write(line) // there is no other place to report an error
}
