package transformer

import (
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/emf"
	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/metric"
	"github.com/resolverwatch/resolverwatch/pkg/verdict"
)

// writeMetrics writes the metrics of an invocation. Current is nil without an index.
func (t *Transformer) writeMetrics(records *stats, objects verdict.Counts, current *index.Current, age time.Duration) {
	list := []emf.Metric{
		metric.Count(metric.Records, records.records),
		metric.Count(metric.Dropped, records.dropped),
		metric.Count(metric.ProcessingFailed, records.failed),
		metric.Count(metric.NoRoom, records.noRoom),
		metric.Count(metric.ShortenedMarks, objects.Shortened),
		metric.Count(metric.Malicious, objects.Malicious),
		metric.Count(metric.Allowed, objects.Allowed),
		metric.Count(metric.Clean, objects.Clean),
		metric.Count(metric.AlreadyMarked, objects.AlreadyMarked),
		metric.Count(metric.Unknown, objects.Unknown()),
		metric.Count(metric.UnknownNoIndex, objects.NoIndex),
		metric.Count(metric.UnknownStaleIndex, objects.StaleIndex),
		metric.Count(metric.UnknownBadName, objects.BadName),
		metric.Count(metric.UnknownTimeout, objects.Timeout),
		metric.Count(metric.ShapeResolver, objects.Resolver),
		metric.Count(metric.ShapeOCSF, objects.OCSF),
		metric.Count(metric.ShapeOther, objects.Other),
		metric.Count(metric.Delayed, objects.Delayed),
		metric.Count(metric.UnreadAnswers, objects.UnreadAnswers),
		metric.Count(metric.IndexLoadFailed, int(t.indexes.failures.Swap(0))),
	}

	if current != nil {
		list = append(list,
			emf.Metric{Name: metric.IndexGeneration, Unit: emf.None, Value: float64(current.Generation)},
			metric.Seconds(metric.IndexAge, age))
	}
	if records.alerts.rows+records.alerts.failed > 0 {
		list = append(list,
			metric.Count(metric.AlertRows, records.alerts.sent()),
			metric.Count(metric.AlertRowsCut, records.alerts.cut),
			metric.Count(metric.AlertSendFailed, records.alerts.failed))
	}
	t.metrics.Put(list...)
}
