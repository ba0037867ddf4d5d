// Package metric names the metrics that the functions write, and writes them. The functions
// and the alarms share the names, so that an alarm never watches a metric that nothing
// writes. Renaming a metric breaks the alarms and dashboards of users.
//
// All metrics are in the namespace [settings.MetricNamespace] and have the dimension `Stack`.
// Few have a second dimension, because every value of a dimension costs money; the log lines
// say what a metric is about.
package metric

import (
	"io"
	"sync"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/emf"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// Writer writes metrics of a stack in the Embedded Metric Format. It is safe for concurrent
// use.
type Writer struct {
	mu    sync.Mutex
	out   io.Writer
	stack string
	now   func() time.Time
}

// NewWriter returns a writer of the metrics of a stack. Nothing is written if out is nil. The
// metrics get the time that now returns.
func NewWriter(out io.Writer, stack string, now func() time.Time) *Writer {
	return &Writer{out: out, stack: stack, now: now}
}

// Put writes metrics of the stack.
func (w *Writer) Put(metrics ...emf.Metric) { w.write(metrics) }

// PutFor writes metrics that have one more dimension.
func (w *Writer) PutFor(dimension emf.Dimension, metrics ...emf.Metric) {
	w.write(metrics, dimension)
}

func (w *Writer) write(metrics []emf.Metric, more ...emf.Dimension) {
	if w.out == nil {
		return
	}
	dimensions := append([]emf.Dimension{{Name: settings.MetricDimensionStack, Value: w.stack}}, more...)
	line := emf.Line(w.now(), settings.MetricNamespace, dimensions, metrics)
	w.mu.Lock()
	defer w.mu.Unlock()
	_, _ = w.out.Write(line) // there is no other place to report an error
}

// Count returns a metric that counts n things.
func Count(name string, n int) emf.Metric {
	return emf.Metric{Name: name, Unit: emf.Count, Value: float64(n)}
}

// Seconds returns a metric that is a time.
func Seconds(name string, d time.Duration) emf.Metric {
	return emf.Metric{Name: name, Unit: emf.Seconds, Value: d.Seconds()}
}
