// Package monitor lists the alarms and the dashboard of a deployment as data: the parts of a
// deployment in, definitions for CloudWatch out. The construct library turns them into
// resources, and tests evaluate them without AWS.
//
// # How a new deployment stays quiet
//
// No alarm that notifies somebody may go off in a deployment without lists, without VPCs or
// on its first day. Three rules see to that:
//
//   - Missing data is not breaching, so a metric that nothing writes yet raises nothing.
//   - An alarm that depends on a list has a condition on a metric that exists only once there is
//     an index.
//   - An alarm about silence is a [Silence]: it needs a day of data before it can go off.
package monitor

import (
	"math"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// Metric is a metric of CloudWatch with its statistic.
type Metric struct {
	ID         string // the name in an expression
	Namespace  string
	Name       string
	Dimensions []Dimension
	Statistic  string
}

// Dimension is one dimension of a metric.
type Dimension struct{ Name, Value string }

// The comparisons and the treatments of missing data, named as in CloudWatch.
const (
	greaterThan  = "GreaterThanThreshold"
	lessThan     = "LessThanThreshold"
	breaching    = "breaching"
	notBreaching = "notBreaching"
)

// Alarm is an alarm on one metric, or on an expression of several metrics.
type Alarm struct {
	// ID is the id of the construct, and the heading in docs/runbook.md.
	ID   string
	says string // what the alarm means, in a sentence
	// Metrics has one metric, or those of Expression.
	Metrics    []Metric
	Expression string
	Period     time.Duration
	Comparison string // of a value with Threshold
	Threshold  float64
	// The alarm goes off if Breaches of the newest Points data points breach the threshold.
	Breaches, Points int
	Missing          string // how missing data are treated
	// Silent alarms notify nobody. They are the two halves of a [Silence].
	Silent bool
}

// Silence is an alarm that goes off when something stops. CloudWatch combines its two halves by
// [Silence.Rule].
type Silence struct {
	ID   string
	says string // what the alarm means, in a sentence
	// Recent is in alarm if the metric had no data recently.
	Recent Alarm
	// FirstDay is in alarm unless there were data in a day's worth of the last week's periods. So
	// it is in alarm on the first day of a deployment, and a week after the data stopped.
	FirstDay Alarm
}

// Runbook is the address of the published page with an entry for each alarm.
const Runbook = "https://github.com/resolverwatch/resolverwatch/blob/main/docs/runbook.md"

// Description returns the description of an alarm: what it means, and where to read on.
func (a Alarm) Description() string {
	if a.Silent {
		return a.says
	}
	return describe(a.ID, a.says)
}

// Rule returns the rule that combines the two halves, given their names or ARNs. It asks that the
// second one is OK, and not only that it is not in alarm: an alarm over a week is looked at once
// an hour, so for the first hour it has no state.
func (s Silence) Rule(recent, firstDay string) string {
	return `ALARM("` + recent + `") AND OK("` + firstDay + `")`
}

// Description returns the description of the alarm.
func (s Silence) Description() string { return describe(s.ID, s.says) }

// fiveMinutes is the usual period. AWS measures most services every minute, and five of them
// make an alarm calmer.
const fiveMinutes = 5 * time.Minute

// own returns a metric that the functions write.
func (p *Parts) own(id, name, statistic string) Metric {
	return Metric{ID: id, Namespace: settings.MetricNamespace, Name: name, Statistic: statistic,
		Dimensions: []Dimension{{settings.MetricDimensionStack, p.Stack}}}
}

// Statistics of CloudWatch.
const (
	sum         = "Sum"
	average     = "Average"
	maximum     = "Maximum"
	minimum     = "Minimum"
	samples     = "SampleCount"
	percentile  = "p99"
	metricID    = "m"
	hoursPerDay = 24
)

// of returns a metric of AWS with one dimension.
func of(namespace, name, dimension, value, statistic string) Metric {
	return Metric{ID: metricID, Namespace: namespace, Name: name, Statistic: statistic,
		Dimensions: []Dimension{{dimension, value}}}
}

// above returns an alarm on values above a threshold. It goes off after one period of five
// minutes.
func above(threshold float64, id string, metric Metric, says string) Alarm {
	return Alarm{ID: id, says: says, Metrics: []Metric{metric}, Period: fiveMinutes,
		Comparison: greaterThan, Threshold: threshold, Breaches: 1, Points: 1, Missing: notBreaching}
}

// below returns an alarm on values below a threshold.
func below(threshold float64, id string, metric Metric, says string) Alarm {
	alarm := above(threshold, id, metric, says)
	alarm.Comparison = lessThan
	return alarm
}

// expression returns an alarm on the value of an expression above a threshold.
func expression(threshold float64, id, formula string, metrics []Metric, says string) Alarm {
	alarm := above(threshold, id, Metric{}, says)
	alarm.Expression, alarm.Metrics = formula, metrics
	return alarm
}

// lasting makes an alarm wait until a number of points in a row breach.
func (a Alarm) lasting(points int) Alarm { return a.within(points, points) }

// within makes an alarm go off if some of a number of points breach.
func (a Alarm) within(breaches, points int) Alarm {
	a.Breaches, a.Points = breaches, points
	return a
}

// each sets the period of an alarm.
func (a Alarm) each(period time.Duration) Alarm {
	a.Period = period
	return a
}

// week is the longest time that an alarm can look at (PutMetricAlarm in the API reference of
// CloudWatch).
const week = 7 * hoursPerDay * time.Hour

// silenceAlarm returns an alarm that goes off if a metric has no data in a number of periods. Before
// that, the metric must have had data in some hours of a week: in least of them, or in a day's worth
// if least is 0. With a period above an hour, periods count instead of hours.
func silenceAlarm(id, says string, metric Metric, period time.Duration, periods, least int) Silence {
	recent := below(1, id+"Recent", metric, settings.AlarmHelper+id+", notifies nobody: in alarm while there are no recent data.").
		each(period).lasting(periods)
	long := max(period, time.Hour)
	points := int(week / long)
	if least == 0 {
		least = max(2, int(math.Ceil(float64(hoursPerDay*time.Hour)/float64(long))))
	}
	firstDay := below(1, id+"FirstDay", metric, settings.AlarmHelper+id+", notifies nobody: in alarm on the first day, and after a week without data.").
		each(long).within(points-least+1, points)
	recent.Missing, firstDay.Missing = breaching, breaching
	recent.Silent, firstDay.Silent = true, true
	return Silence{ID: id, says: says, Recent: recent, FirstDay: firstDay}
}
