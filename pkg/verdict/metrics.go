package verdict

import (
	"github.com/resolverwatch/resolverwatch/pkg/emf"
	"github.com/resolverwatch/resolverwatch/pkg/metric"
)

// Metrics returns the counts as metrics. The functions that mark records write them under the
// same names, so that they add up.
func (c *Counts) Metrics() []emf.Metric {
	return []emf.Metric{
		metric.Count(metric.Malicious, c.Malicious),
		metric.Count(metric.Allowed, c.Allowed),
		metric.Count(metric.Clean, c.Clean),
		metric.Count(metric.AlreadyMarked, c.AlreadyMarked),
		metric.Count(metric.Unknown, c.Unknown()),
		metric.Count(metric.UnknownNoIndex, c.NoIndex),
		metric.Count(metric.UnknownStaleIndex, c.StaleIndex),
		metric.Count(metric.UnknownBadName, c.BadName),
		metric.Count(metric.UnknownTimeout, c.Timeout),
		metric.Count(metric.ShapeResolver, c.Resolver),
		metric.Count(metric.ShapeOCSF, c.OCSF),
		metric.Count(metric.ShapeOther, c.Other),
		metric.Count(metric.Delayed, c.Delayed),
		metric.Count(metric.UnreadAnswers, c.UnreadAnswers),
	}
}

// Add adds the counts of other objects.
func (c *Counts) Add(other *Counts) {
	c.Malicious += other.Malicious
	c.Allowed += other.Allowed
	c.Clean += other.Clean
	c.NoIndex += other.NoIndex
	c.Timeout += other.Timeout
	c.BadName += other.BadName
	c.StaleIndex += other.StaleIndex
	c.AlreadyMarked += other.AlreadyMarked
	c.Resolver += other.Resolver
	c.OCSF += other.OCSF
	c.Other += other.Other
	c.Delayed += other.Delayed
	c.UnreadAnswers += other.UnreadAnswers
	c.Shortened += other.Shortened
}
