package resolverwatch

import (
	"time"

	"github.com/resolverwatch/resolverwatch/infra/monitor"
)

// parts returns what to watch, as plain data.
func (p MonitoringProps) parts() *monitor.Parts {
	parts := &monitor.Parts{Settings: p.MonitoringSettings}
	if t := p.Transformer; t != nil {
		parts.Stack, parts.PollInterval = t.stack, t.pollInterval
		parts.Functions = append(parts.Functions, t.function.watched("Transformer"))
	}
	if i := p.Importer; i != nil {
		importer := i.function.watched("Importer")
		importer.Async = true
		parts.Stack, parts.PublishInterval = i.stack, i.interval
		parts.Functions = append(parts.Functions, importer)
		parts.Queues = append(parts.Queues, monitor.Queue{Role: "ImporterDeadLetters", Name: *i.deadLetters.QueueName(),
			Says: "Events of the importer failed every time and are in its dead-letter queue."})
	}
	if p.Store != nil {
		parts.Table = *p.Store.Table().TableName()
	}
	if d := p.Delivery; d != nil && d.stream != nil {
		parts.Stream = d.watched
		parts.Stream.Name = *d.stream.DeliveryStreamName()
	}
	if p.Catalog != nil {
		parts.WorkGroup = p.Catalog.WorkGroupName()
	}
	p.addAlerts(parts)
	p.addHunts(parts)
	p.addLogSource(parts)
	return parts
}

const (
	// maxAlertAge is how long a match may wait for the notifier, which collects for half a minute.
	maxAlertAge = 15 * time.Minute
	// notifierRetries is how many errors of the notifier within five minutes are normal, because
	// the queue repeats them.
	notifierRetries = 2
)

func (p MonitoringProps) addAlerts(parts *monitor.Parts) {
	a := p.Alerts
	if a == nil {
		return
	}
	notifier := a.function.watched("Notifier")
	notifier.Retried = notifierRetries
	parts.Functions = append(parts.Functions, notifier)
	parts.Queues = append(parts.Queues,
		monitor.Queue{Role: "AlertsBehind", Name: *a.queue.QueueName(), MaxAge: maxAlertAge,
			Says: "Matches wait too long for the notifier."},
		monitor.Queue{Role: "AlertDeadLetters", Name: *a.deadLetters.QueueName(),
			Says: "Matches that the notifier could not handle are in its dead-letter queue."})
	parts.Alerts = &monitor.Alerts{Findings: a.findings}
	if a.topic != nil {
		parts.Alerts.Topic = *a.topic.TopicName()
	}
}

func (p MonitoringProps) addHunts(parts *monitor.Parts) {
	h := p.Hunts
	if h == nil {
		return
	}
	hunter := h.function.watched("Hunter")
	hunter.Long = true // it waits for Athena
	parts.Functions = append(parts.Functions, hunter)
	parts.Queues = append(parts.Queues, monitor.Queue{Role: "HuntDeadLetters", Name: *h.deadLetters.QueueName(),
		Says: "Scheduled queries that could not be started are in the dead-letter queue."})
	parts.Hunts = &monitor.Hunts{Group: h.GroupName(), Every: h.every, Compacts: h.compacts}
}

// maxObjectAge is how long a log object may wait for the marker. One that fails is tried again
// every half an hour.
const maxObjectAge = 2 * time.Hour

func (p MonitoringProps) addLogSource(parts *monitor.Parts) {
	s := p.LogSource
	if s == nil {
		return
	}
	parts.Stack, parts.Objects = s.stack, true
	if parts.PollInterval == 0 {
		parts.PollInterval = s.pollInterval
	}
	marker := s.function.watched("Marker")
	marker.Long = true // a batch of large objects, and a task of a backfill
	parts.Functions = append(parts.Functions, marker)
	parts.Queues = append(parts.Queues,
		monitor.Queue{Role: "MarkerBehind", Name: *s.queue.QueueName(), MaxAge: maxObjectAge,
			Says: "Log objects wait too long for the marker."},
		monitor.Queue{Role: "MarkerDeadLetters", Name: *s.deadLetters.QueueName(),
			Says: "Log objects that the marker could not mark are in its dead-letter queue."})
}

// watched returns what to watch of a function. Role begins the ids of its alarms.
func (f *function) watched(role string) monitor.Function {
	return monitor.Function{Role: role, Name: *f.FunctionName(), Timeout: f.timeout, Reserved: f.reserved}
}
