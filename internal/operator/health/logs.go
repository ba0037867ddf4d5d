package health

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/metric"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// Limits of a healthy stack.
const (
	// lateDelivery is the age of records above which a delivery is late: the longest buffer
	// interval of Firehose, 15 min, and as much as the alarm allows beyond the interval.
	lateDelivery = 25 * time.Minute
	// unknownShare is the share of unknown verdicts above which an alarm is raised, too.
	unknownShare = 0.01
)

// Arriving says whether query logs arrive and are delivered.
type Arriving struct {
	Section
	// Records is the number of records that the delivery stream received in the last hour.
	Records int `json:"records"`
	// OldestSeconds is the highest age of a record when it was stored in the output bucket. It is
	// null if nothing was stored.
	OldestSeconds *float64 `json:"oldest_seconds"`
}

func (a *Arriving) problems() []string {
	var all []string
	if a.Off != "" || a.Error != "" {
		return nil
	}
	if a.Records == 0 {
		all = append(all, "no query log arrived in the last hour")
	}
	if a.OldestSeconds != nil && *a.OldestSeconds > lateDelivery.Seconds() {
		all = append(all, fmt.Sprintf("deliveries are late: records were up to %d min old when they were stored", int(*a.OldestSeconds)/60)) //nolint:mnd // minutes
	}
	return all
}

// Marked counts the verdicts of the last hour.
type Marked struct {
	Section
	Malicious int `json:"malicious"`
	Allowed   int `json:"allowed"`
	Clean     int `json:"clean"`
	Unknown   int `json:"unknown"`
	// UnknownReasons has the reasons of unknown verdicts that occurred.
	UnknownReasons map[string]int `json:"unknown_reasons"`
	// Failed is the number of records that could not be marked.
	Failed int `json:"failed"`
}

func (m *Marked) problems() []string {
	var all []string
	if total := m.Malicious + m.Allowed + m.Clean + m.Unknown; float64(m.Unknown) > unknownShare*float64(total) {
		all = append(all, fmt.Sprintf("%d of %d verdicts are unknown", m.Unknown, total))
	}
	if m.Failed > 0 {
		all = append(all, fmt.Sprintf("%d records could not be marked", m.Failed))
	}
	return all
}

// firehose is the namespace and the dimension of the metrics of a delivery stream.
const firehoseNamespace, firehoseDimension = "AWS/Firehose", "DeliveryStreamName"

// reading is a metric and the place for its value.
type reading struct {
	series Series
	store  func(value float64)
}

// readMetrics reads the sections about logs with one call, because CloudWatch bills each metric.
func (s *Stack) readMetrics(ctx context.Context, r *Report) {
	var all []reading
	if s.hasStream(&r.Arriving.Section) {
		all = append(all, s.streamReadings(&r.Arriving)...)
	}
	all = append(all, s.verdictReadings(&r.Marked)...)

	series := make([]Series, len(all))
	for i, one := range all {
		series[i] = one.series
	}
	until := s.Now()
	values, err := s.Metrics.Values(ctx, until.Add(-window), until, series)
	if err != nil {
		if s.Stream != "" {
			s.fail(&r.Arriving.Section, err)
		}
		s.fail(&r.Marked.Section, err)
		return
	}
	for i, value := range values {
		if value != nil {
			all[i].store(*value)
		}
	}
}

// hasStream reports whether the stack has a delivery stream. If not, it says so in a section.
func (s *Stack) hasStream(section *Section) bool {
	switch {
	case s.Stream != "":
		return true
	case s.Unknown != nil:
		s.fail(section, s.Unknown)
	default:
		section.Off = "the stack has no delivery stream"
	}
	return false
}

func (s *Stack) streamReadings(a *Arriving) []reading {
	stream := func(name string, highest bool) Series {
		return Series{firehoseNamespace, name, firehoseDimension, s.Stream, highest}
	}
	return []reading{
		{stream("IncomingRecords", false), func(v float64) { a.Records = int(v) }},
		{stream("DeliveryToS3.DataFreshness", true), func(v float64) { a.OldestSeconds = &v }},
	}
}

// unknownMetrics are the metrics of unknown verdicts by reason.
var unknownMetrics = []string{
	metric.UnknownNoIndex, metric.UnknownStaleIndex, metric.UnknownBadName, metric.UnknownTimeout,
}

// reasonOf returns the reason as records have it: "stale_index" for UnknownStaleIndex.
func reasonOf(name string) string {
	var text strings.Builder
	for i, r := range strings.TrimPrefix(name, metric.Unknown) {
		if i > 0 && r >= 'A' && r <= 'Z' {
			text.WriteByte('_')
		}
		text.WriteRune(r)
	}
	return strings.ToLower(text.String())
}

func (s *Stack) verdictReadings(m *Marked) []reading {
	m.UnknownReasons = map[string]int{}
	own := func(name string) Series {
		return Series{settings.MetricNamespace, name, settings.MetricDimensionStack, s.MetricStack, false}
	}
	all := []reading{
		{own(metric.Malicious), func(v float64) { m.Malicious = int(v) }},
		{own(metric.Allowed), func(v float64) { m.Allowed = int(v) }},
		{own(metric.Clean), func(v float64) { m.Clean = int(v) }},
		{own(metric.Unknown), func(v float64) { m.Unknown = int(v) }},
		{own(metric.ProcessingFailed), func(v float64) { m.Failed = int(v) }},
	}
	for _, name := range unknownMetrics {
		all = append(all, reading{own(name), func(v float64) {
			if v > 0 {
				m.UnknownReasons[reasonOf(name)] = int(v)
			}
		}})
	}
	return all
}
