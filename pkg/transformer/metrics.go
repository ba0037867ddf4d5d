package transformer

import (
	"github.com/resolverwatch/resolverwatch/pkg/emf"
	"github.com/resolverwatch/resolverwatch/pkg/loader"
	"github.com/resolverwatch/resolverwatch/pkg/metric"
	"github.com/resolverwatch/resolverwatch/pkg/verdict"
)

// writeMetrics writes the metrics of an invocation. inService is nil without an index.
func (t *Transformer) writeMetrics(records *stats, objects verdict.Counts, inService *loader.Loaded) {
	list := []emf.Metric{
		metric.Count(metric.Records, records.records),
		metric.Count(metric.Dropped, records.dropped),
		metric.Count(metric.ProcessingFailed, records.failed),
		metric.Count(metric.NoRoom, records.noRoom),
		metric.Count(metric.ShortenedMarks, objects.Shortened),
		metric.Count(metric.IndexLoadFailed, t.indexes.TakeFailures()),
	}
	list = append(list, objects.Metrics()...)
	list = append(list, inService.Metrics(t.config.clock())...)
	if records.alerts.rows+records.alerts.failed > 0 {
		list = append(list,
			metric.Count(metric.AlertRows, records.alerts.sent()),
			metric.Count(metric.AlertRowsCut, records.alerts.cut),
			metric.Count(metric.AlertSendFailed, records.alerts.failed))
	}
	t.metrics.Put(list...)
}
