package monitor

import (
	"math"
	"slices"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/metric"
)

// Alarms returns the alarms of a deployment, without the halves of those about silence.
func Alarms(p *Parts) []Alarm {
	return slices.Concat(p.stream(), p.functions(), p.queues(), p.marking(), p.index(), p.lists(), p.refused(), p.storage(), p.alerts(), p.hunts())
}

// Silences returns the alarms about what stopped.
func Silences(p *Parts) []Silence {
	var all []Silence
	if s := p.Stream; s != nil && isOn(p.Settings.ArrivalAlarm) {
		periods := int(p.Settings.Silence.Std() / fiveMinutes)
		all = append(all, silenceAlarm("LogsStopped", "No query log has arrived for a while, although logs arrived before.",
			of(firehose, "IncomingRecords", streamName, s.Name, sum), fiveMinutes, periods, 0))
	}
	if p.PublishInterval > 0 {
		all = append(all, silenceAlarm("PublisherStopped", "The importer no longer publishes or renews the index.",
			p.own(metricID, metric.Generation, samples), p.publishPeriod(), 3, 0))
	}
	if h := p.Hunts; h != nil && h.Every > 0 {
		hours, least := hoursPerDay+2, 2 // of a daily query
		if h.Every <= time.Hour {
			hours, least = 3, 0
		}
		all = append(all, silenceAlarm("HuntsStopped", "No scheduled query has succeeded for a while.",
			p.own(metricID, huntSucceeded, sum), time.Hour, hours, least))
	}
	if p.Objects && isOn(p.Settings.ArrivalAlarm) {
		periods := int(p.Settings.Silence.Std() / fiveMinutes)
		all = append(all, silenceAlarm("LogObjectsStopped", "No log object has been marked for a while, although some were before.",
			p.own(metricID, metric.ObjectsMarked, sum), fiveMinutes, periods, 0))
	}
	return all
}

func isOn(setting *bool) bool { return setting == nil || *setting }

// Namespaces and dimensions of AWS.
const (
	firehose   = "AWS/Firehose"
	lambda     = "AWS/Lambda"
	sqs        = "AWS/SQS"
	dynamoDB   = "AWS/DynamoDB"
	sns        = "AWS/SNS"
	events     = "AWS/Events"
	scheduler  = "AWS/Scheduler"
	athena     = "AWS/Athena"
	streamName = "DeliveryStreamName"
)

// stream returns the alarms of the delivery stream.
func (p *Parts) stream() []Alarm {
	s := p.Stream
	if s == nil {
		return nil
	}
	metric := func(name, statistic string) Metric { return of(firehose, name, streamName, s.Name, statistic) }
	const late = 10 * time.Minute
	all := []Alarm{
		above((s.Buffer + late).Seconds(), "DeliveryLate", metric("DeliveryToS3.DataFreshness", maximum),
			"Marked logs reach S3 late: records have waited longer than the buffers explain.").lasting(3),
		below(1, "DeliveryFails", metric("DeliveryToS3.Success", average),
			"Firehose cannot write all marked logs to S3.").lasting(3),
		above(0, "StreamThrottled", metric("ThrottledRecords", sum),
			"The delivery stream throttles records, and Resolver may drop them."),
		below(0.99, "MarkingFails", metric("ExecuteProcessing.Success", average),
			"Firehose cannot get records marked; they go to the error prefix.").lasting(2),
	}
	for _, limit := range []struct{ id, used, limit, unit string }{
		{"StreamBytesNearLimit", "IncomingBytes", "BytesPerSecondLimit", "bytes"},
		{"StreamRecordsNearLimit", "IncomingRecords", "RecordsPerSecondLimit", "records"},
		{"StreamRequestsNearLimit", "IncomingPutRequests", "PutRequestsPerSecondLimit", "requests"},
	} {
		used, most := metric(limit.used, sum), metric(limit.limit, maximum)
		used.ID, most.ID = "used", "most"
		all = append(all, expression(80, limit.id, "100 * used / PERIOD(used) / most", []Metric{used, most},
			"The delivery stream uses more than 80 % of its quota of "+limit.unit+" per second.").lasting(3))
	}
	if s.Converts {
		all = append(all, above(0, "ConversionFails", metric("FailedConversion.Records", sum),
			"Firehose cannot convert marked records to Parquet; they go to the error prefix."))
	}
	if s.OwnKey {
		for _, problem := range []string{"AccessDenied", "Disabled", "InvalidState", "NotFound"} {
			all = append(all, above(0, "StreamKey"+problem, metric("KMSKey"+problem, sum),
				"Firehose cannot use the key of the delivery stream, so nothing is delivered."))
		}
	}
	return all
}

// functions returns the alarms of all functions.
func (p *Parts) functions() []Alarm {
	var all []Alarm
	for _, f := range p.Functions {
		metric := func(name, statistic string) Metric { return of(lambda, name, "FunctionName", f.Name, statistic) }
		all = append(all,
			above(float64(f.Retried), f.Role+"Errors", metric("Errors", sum), "Invocations of the function end in an error or a timeout."),
			above(0, f.Role+"Throttles", metric("Throttles", sum), "Lambda throttles the function: the concurrency of the account or of the function is used up."))
		if !f.Long {
			all = append(all, above(f.Timeout.Seconds()*1000/2, f.Role+"Slow", metric("Duration", percentile),
				"The slowest invocations take more than half of the function's timeout.").lasting(3))
		}
		if f.Reserved > 0 {
			all = append(all, above(math.Floor(float64(f.Reserved)*0.8), f.Role+"Concurrency", metric("ConcurrentExecutions", maximum),
				"The function uses more than 80 % of its reserved concurrency.").lasting(3))
		}
		if f.Async {
			all = append(all, above(0, f.Role+"EventsLost", metric("AsyncEventsDropped", sum),
				"Lambda dropped events of the function that it could not deliver in time."))
		}
	}
	return all
}

// queues returns the alarms of all queues.
func (p *Parts) queues() []Alarm {
	var all []Alarm
	for _, q := range p.Queues {
		if q.MaxAge > 0 {
			all = append(all, above(q.MaxAge.Seconds(), q.Role, of(sqs, "ApproximateAgeOfOldestMessage", "QueueName", q.Name, maximum), q.Says).lasting(3))
		} else {
			all = append(all, above(0, q.Role, of(sqs, "ApproximateNumberOfMessagesVisible", "QueueName", q.Name, maximum), q.Says))
		}
	}
	return all
}

// minUnknown is how many unknown verdicts within a period matter. In a quiet deployment, one odd
// name would be many percent.
const minUnknown = 10

// marking returns the alarms of the verdicts.
func (p *Parts) marking() []Alarm {
	if p.PollInterval == 0 {
		return nil
	}
	one := func(name, statistic string) Metric { return p.own(metricID, name, statistic) }
	unknown, noIndex := p.own("unknown", metric.Unknown, sum), p.own("noIndex", metric.UnknownNoIndex, sum)
	malicious, records := p.own("malicious", metric.Malicious, sum), p.own("records", metric.Records, sum)
	return []Alarm{
		// Verdicts without an index are left out: before the first list there are no others.
		expression(p.Settings.UnknownPercent, "UnknownVerdicts",
			"IF(unknown - noIndex >= "+number(minUnknown)+", 100 * (unknown - noIndex) / (malicious + allowed + clean + unknown), 0)",
			[]Metric{unknown, noIndex, malicious, p.own("allowed", metric.Allowed, sum), p.own("clean", metric.Clean, sum)},
			"Too many records have the verdict unknown although there is an index.").lasting(2),
		above(0, "RecordsFailed", one(metric.ProcessingFailed, sum), "Records could not be marked and are under the error prefix."),
		expression(p.Settings.OutbreakPercent, "Outbreak",
			"IF(malicious > "+number(p.Settings.OutbreakRecords)+", 100 * malicious / records, 0)", []Metric{malicious, records},
			"Unusually many records are malicious: an outbreak, or a list with a common name.").each(15 * time.Minute),
	}
}

// index returns the alarms of the index that the transformers have loaded.
func (p *Parts) index() []Alarm {
	if p.PollInterval == 0 {
		return nil
	}
	one := func(name, statistic string) Metric { return p.own(metricID, name, statistic) }
	oldest, newest := p.own("oldest", metric.IndexGeneration, minimum), p.own("newest", metric.IndexGeneration, maximum)
	all := []Alarm{
		above(max(6*time.Hour, 3*p.PublishInterval).Seconds(), "IndexStale", one(metric.IndexAge, maximum),
			"Transformers mark with an index that nobody has renewed for hours.").lasting(3),
		above(0, "IndexLoadFailed", one(metric.IndexLoadFailed, sum),
			"Transformers cannot load the published index and keep the one before.").within(2, 3),
		// Transformers change the index within one poll interval, so one step of the metric is normal.
		expression(0, "IndexSkew", "newest - oldest", []Metric{oldest, newest},
			"Transformers mark with different generations of the index at the same time.").lasting(3 + int(p.PollInterval/fiveMinutes)),
	}
	if p.PublishInterval > 0 {
		generation := p.own("generation", metric.Generation, samples)
		all = append(all, expression(p.Settings.UnknownPercent, "IndexMissing",
			"IF(FILL(generation, 0) > 0, 100 * noIndex / records, 0)",
			[]Metric{generation, p.own("noIndex", metric.UnknownNoIndex, sum), p.own("records", metric.Records, sum)},
			"Transformers have no index, although one is published.").each(p.publishPeriod()).lasting(3))
	}
	return all
}

// publishPeriod is the period of metrics that each publish writes.
func (p *Parts) publishPeriod() time.Duration {
	return max(time.Hour, p.PublishInterval)
}

// lists returns the alarms of the lists. Metrics that each publish writes are looked at over two
// periods, because publishes do not begin when periods do.
func (p *Parts) lists() []Alarm {
	if p.PublishInterval == 0 {
		return nil
	}
	one := func(name string) Metric { return p.own(metricID, name, sum) }
	published := func(alarm Alarm) Alarm { return alarm.each(p.publishPeriod()).within(1, 2) }
	return []Alarm{
		published(above(p.Settings.MaxListAge.Std().Seconds(), "ListOld", p.own(metricID, metric.ListAge, maximum),
			"A list is older than it should be: nobody uploads it, or it cannot be fetched.")),
		above(0, "ImportRejected", one(metric.ImportRejected), "A list was refused; the feed keeps the list before."),
		above(0, "ImportFailed", one(metric.ImportFailed), "Runs of the importer end in an error and are tried again.").each(time.Hour).within(2, 3),
		above(0, "FetchFailed", one(metric.FetchFailed), "A list could not be fetched for most of a day.").each(6 * time.Hour).lasting(3),
		published(above(0, "FeedExpired", one(metric.FeedExpired), "A feed is older than its maxAge and is left out of the index.")),
		published(above(0, "FeedMissing", one(metric.FeedMissing), "The last list of a feed was deleted; the feed is removed a day later.")),
	}
}

// refused returns the alarms about lists, entries and objects that are left out or were changed.
func (p *Parts) refused() []Alarm {
	if p.PublishInterval == 0 {
		return nil
	}
	one := func(name string) Metric { return p.own(metricID, name, sum) }
	published := func(alarm Alarm) Alarm { return alarm.each(p.publishPeriod()).within(1, 2) }
	return []Alarm{
		published(above(0, "FeedsLeftOut", one(metric.FeedsLeftOut), "Accepted lists are not in the index: it would be too large, or they are lost.")),
		published(above(0, "FeedsOverLimit", one(metric.FeedsOverLimit), "There are more feeds than an index can have; some are refused.")),
		published(above(0, "BlocksLeftOut", one(metric.BlocksLeftOut), "Address blocks of a feed are not in the index, because they reach too far.")),
		published(above(0, "BadTableEdits", one(metric.BadTableEdits), "Manual entries of the table cannot be read and have no effect.")),
		published(above(0, "PointerInvalid", one(metric.PointerInvalid), "index/CURRENT had numbers or times that the importer did not write.")),
		published(above(0, "SnapshotsLost", one(metric.SnapshotsLost), "An accepted list was changed or deleted behind the importer's back.")),
		above(0, "TablesBehind", one(metric.TablesBehind), "Rows of the table have been behind the index for hours.").each(p.publishPeriod()).within(2, 3),
		above(0, "IndicatorsStale", one(metric.IndicatorsStale), "The table of published indicators has been behind the index for hours.").each(p.publishPeriod()).within(2, 3),
	}
}

// storage returns the alarms of the table.
func (p *Parts) storage() []Alarm {
	if p.Table == "" {
		return nil
	}
	return []Alarm{above(0, "TableThrottled", of(dynamoDB, "WriteThrottleEvents", "TableName", p.Table, sum),
		"DynamoDB throttles the importer's writes.").lasting(3)}
}

// alerts returns the alarms of the notifier and of the rules.
func (p *Parts) alerts() []Alarm {
	var all []Alarm
	if p.Rule != "" {
		all = append(all, above(0, "WatchdogFailed", of(events, "FailedInvocations", "RuleName", p.Rule, sum),
			"EventBridge could not tell the topic that query logging was changed."))
	}
	if p.Alerts == nil {
		return all
	}
	one := func(name string) Metric { return p.own(metricID, name, sum) }
	all = append(all,
		above(0, "AlertsLost", one(alertSendFailed), "Matches could not be handed to the notifier. They are in the marked logs."),
		above(0, "EventsFailed", one(eventsFailed), "Alerts could not be put on the event bus."),
		above(0, "NoticesFailed", one(noticesFailed), "Notices could not be published to the topic."))
	if p.Alerts.Findings {
		all = append(all, above(0, "FindingsFailed", one(findingsFailed), "Security Hub refused findings."))
	}
	if p.Alerts.Topic != "" {
		all = append(all, above(0, "NoticesUndelivered", of(sns, "NumberOfNotificationsFailed", "TopicName", p.Alerts.Topic, sum),
			"SNS could not deliver notices to a subscriber."))
	}
	return all
}

// hunts returns the alarms of the scheduled queries.
func (p *Parts) hunts() []Alarm {
	if p.Hunts == nil {
		return nil
	}
	all := []Alarm{
		above(0, "HuntFailed", p.own(metricID, huntFailed, sum), "A scheduled query failed or was stopped."),
		above(0, "HuntsDropped", of(scheduler, "InvocationDroppedCount", "ScheduleGroup", p.Hunts.Group, sum),
			"EventBridge Scheduler gave up on starting a scheduled query."),
		above(0, "PublishNotTold", p.own(metricID, eventSendFailed, sum), "The importer could not tell the event bus of a new index, so no query looks for its names in older logs.").
			each(time.Hour).within(2, 3),
	}
	if p.Hunts.Compacts {
		all = append(all,
			above(0, "CompactionFailed", p.own(metricID, metric.CompactionFailed, sum), "A closed day of marked logs could not be copied."),
			// After a replay of many days, one is copied each hour.
			above(maxBehind, "CompactionBehind", p.own(metricID, metric.CompactionBehind, maximum),
				"Many closed days of marked logs have not been copied for a day.").each(time.Hour).lasting(hoursPerDay))
	}
	return all
}

// maxBehind is how many days may wait to be copied.
const maxBehind = 7
