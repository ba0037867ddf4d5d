package monitor

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/metric"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// everything returns a deployment with all parts.
func everything() *Parts {
	p := &Parts{
		Stack: "Test", Settings: settings.Default[settings.Monitoring](),
		Stream: &Stream{Name: "stream", Buffer: 2 * time.Minute, Converts: true, OwnKey: true},
		Functions: []Function{
			{Role: "Transformer", Name: "transformer", Timeout: 2 * time.Minute, Reserved: 10},
			{Role: "Importer", Name: "importer", Timeout: 15 * time.Minute, Reserved: 2, Async: true},
			{Role: "Notifier", Name: "notifier", Timeout: 2 * time.Minute, Retried: 2},
			{Role: "Hunter", Name: "hunter", Timeout: 15 * time.Minute, Long: true},
			{Role: "Marker", Name: "marker", Timeout: 5 * time.Minute, Long: true},
		},
		Queues: []Queue{
			{Role: "ImporterDeadLetters", Name: "importer-dlq"}, {Role: "AlertDeadLetters", Name: "alert-dlq"},
			{Role: "HuntDeadLetters", Name: "hunt-dlq"}, {Role: "AlertsBehind", Name: "alerts", MaxAge: 15 * time.Minute},
			{Role: "MarkerBehind", Name: "objects", MaxAge: 2 * time.Hour, Says: "Objects wait."},
			{Role: "MarkerDeadLetters", Name: "objects-dlq", Says: "Objects failed."},
		},
		Objects:      true,
		PollInterval: time.Minute, PublishInterval: time.Hour,
		Table: "table", WorkGroup: "workgroup", Rule: "rule",
		Alerts: &Alerts{Topic: "topic", Findings: true},
		Hunts:  &Hunts{Group: "group", Every: time.Hour, Compacts: true},
	}
	return p
}

const day = 24 * time.Hour

// life is what happens to a deployment.
type life struct {
	days int
	// records returns how many records arrive in the five minutes before a time.
	records func(at time.Duration) float64
	// list is when the first list is published; never if it is 0.
	list time.Duration
}

func never(time.Duration) float64    { return 0 }
func constant(time.Duration) float64 { return 500 }

// until returns records that end.
func until(end time.Duration) func(time.Duration) float64 {
	return func(at time.Duration) float64 {
		if at < end {
			return 500
		}
		return 0
	}
}

// live returns the data that AWS and the functions write in a life without problems.
func live(p *Parts, l life, emptyFill bool) *world {
	w := &world{samples: map[string]map[int][]float64{}, emptyFill: emptyFill}
	for at := fiveMinutes; at < time.Duration(l.days)*day; at += fiveMinutes {
		published := l.list > 0 && at >= l.list
		w.own(p, metric.ObjectsMarked, at, 1)
		if at%time.Hour == 0 {
			w.publish(p, at, published)
		}
		if records := l.records(at); records > 0 {
			w.deliver(p, at, records, published)
		}
	}
	return w
}

// own adds a sample of a metric of the functions.
func (w *world) own(p *Parts, name string, at time.Duration, values ...float64) {
	w.put(p.own("", name, "").key(), at, values...)
}

// publish adds what an hour of the importer and the hunter writes.
func (w *world) publish(p *Parts, at time.Duration, published bool) {
	w.own(p, metric.ListAge, at, 0)
	w.own(p, huntSucceeded, at, 1)
	w.put(of(lambda, "Duration", "FunctionName", "importer", "").key(), at, 900)
	w.put(of(lambda, "Errors", "FunctionName", "importer", "").key(), at, 0)
	if published {
		w.own(p, metric.Generation, at, 7)
		w.own(p, metric.FeedsLeftOut, at, 0)
		w.own(p, metric.IndexEntries, at, 1000)
	}
}

// deliver adds what some records cause. Two containers of the transformer share them.
func (w *world) deliver(p *Parts, at time.Duration, records float64, published bool) {
	stream := func(name string, value float64) { w.put(of(firehose, name, streamName, "stream", "").key(), at, value) }
	for name, value := range map[string]float64{
		"IncomingRecords": records, "IncomingBytes": 400 * records, "IncomingPutRequests": records / 100,
		"BytesPerSecondLimit": 1 << 20, "RecordsPerSecondLimit": 100_000, "PutRequestsPerSecondLimit": 1000,
		"DeliveryToS3.DataFreshness": 130, "DeliveryToS3.Success": 1, "ExecuteProcessing.Success": 1, "ThrottledRecords": 0,
		"FailedConversion.Records": 0,
	} {
		stream(name, value)
	}
	w.put(of(lambda, "Errors", "FunctionName", "transformer", "").key(), at, 0)
	w.put(of(lambda, "Duration", "FunctionName", "transformer", "").key(), at, 500)
	verdicts := map[string]float64{metric.Records: records, metric.Malicious: 0, metric.Allowed: 0, metric.Clean: records,
		metric.Unknown: 0, metric.UnknownNoIndex: 0, metric.ProcessingFailed: 0, metric.IndexLoadFailed: 0}
	if !published {
		verdicts[metric.Clean], verdicts[metric.Unknown], verdicts[metric.UnknownNoIndex] = 0, records, records
	} else {
		w.own(p, metric.IndexGeneration, at, 7, 7)
		w.own(p, metric.IndexAge, at, (at % time.Hour).Seconds())
	}
	for name, value := range verdicts {
		w.own(p, name, at, value)
	}
}

// watch evaluates the alarms that notify somebody, as CloudWatch does, and returns when each first
// went off. Alarms over more than a day are looked at once an hour, and the first time an hour
// after they were created.
func (w *world) watch(p *Parts, from, end time.Duration) map[string]time.Duration {
	fired := map[string]time.Duration{}
	report := func(id, state string, at time.Duration) {
		if _, before := fired[id]; state == stateAlarm && !before {
			fired[id] = at
		}
	}
	alarms, silences := Alarms(p), Silences(p)
	firstDay := map[string]string{}
	for at := from; at < end; at += fiveMinutes {
		for _, a := range alarms {
			if _, before := fired[a.ID]; !before {
				report(a.ID, w.evaluate(a, at), at)
			}
		}
		for _, s := range silences {
			if firstDay[s.ID] == "" {
				firstDay[s.ID] = stateInsufficient
			}
			if at%time.Hour == 0 && at > from {
				firstDay[s.ID] = w.evaluate(s.FirstDay, at)
			}
			report(s.ID, combine(s, w.evaluate(s.Recent, at), firstDay[s.ID]), at)
		}
	}
	return fired
}

// A new deployment raises no alarm, whatever it lacks; neither does one without problems.
func TestAlarms_quiet(t *testing.T) {
	t.Parallel()
	for name, l := range map[string]life{
		"nothing but a deployment":     {days: 3, records: never},
		"a list, but no VPC":           {days: 3, records: never, list: 2 * time.Hour},
		"a VPC, but no list":           {days: 3, records: constant},
		"a list after some hours":      {days: 3, records: constant, list: 5*time.Hour + 10*time.Minute},
		"a list within the hour":       {days: 3, records: constant, list: 5*time.Hour + 55*time.Minute},
		"one query on the first day":   {days: 1, list: time.Hour, records: until(2 * fiveMinutes)},
		"a few hours of the first day": {days: 1, list: time.Hour, records: until(6 * time.Hour)},
		"a week without problems":      {days: 7, records: constant, list: time.Hour},
		"an hour of few queries":       {days: 3, list: time.Hour, records: func(time.Duration) float64 { return 1 }},
	} {
		for _, emptyFill := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s/%v", name, emptyFill), func(t *testing.T) {
				t.Parallel()
				p := everything()
				if fired := live(p, l, emptyFill).watch(p, 0, time.Duration(l.days)*day); len(fired) > 0 {
					t.Errorf("alarms: %v", fired)
				}
			})
		}
	}
}

// A deployment that is updated with alarms after a week has all its data already, and is watched
// within an hour.
func TestAlarms_addedLater(t *testing.T) {
	t.Parallel()
	p := everything()
	w := live(p, life{days: 9, records: until(7*day + 2*time.Hour), list: time.Hour}, true)
	fired := w.watch(p, 7*day, 9*day)
	if at, found := fired["LogsStopped"]; !found || at > 7*day+3*time.Hour || len(fired) != 1 {
		t.Errorf("alarms: %v", fired)
	}
}

// Daily queries alone are silent only after more than a day; without any on a schedule, there is no
// such alarm.
func TestSilences_dailyHunts(t *testing.T) {
	t.Parallel()
	p := everything()
	p.Hunts.Every, p.Objects = day, false
	w := &world{samples: map[string]map[int][]float64{}}
	for at := 2 * time.Hour; at < 5*day; at += day {
		w.own(p, huntSucceeded, at, 1)
	}
	s := Silences(p)[2]
	for _, tt := range []struct {
		at   time.Duration
		want string
	}{{day, stateOK}, {4*day + time.Hour, stateOK}, {5*day + 2*time.Hour, stateOK}, {5*day + 5*time.Hour, stateAlarm}} {
		if got := combine(s, w.evaluate(s.Recent, tt.at), w.evaluate(s.FirstDay, tt.at)); got != tt.want {
			t.Errorf("after %v: %s, want %s", tt.at, got, tt.want)
		}
	}
	if p.Hunts.Every = 0; len(Silences(p)) != 2 {
		t.Errorf("%d alarms about silence", len(Silences(p)))
	}
}

// trouble begins after a few days without problems.
const trouble = 3 * day

// problem is what must raise an alarm.
type problem struct {
	id string
	// happen changes the data from [trouble] on.
	happen func(w *world, p *Parts)
	// within is how long it may take.
	within time.Duration
}

// counting adds a count of a metric of the functions at an interval.
func counting(name string, every time.Duration, value float64) func(*world, *Parts) {
	return func(w *world, p *Parts) {
		key := p.own("", name, "").key()
		w.clear(key, trouble)
		for at := trouble; at < trouble+2*day; at += every {
			w.put(key, at, value)
		}
	}
}

// measuring adds values of a metric of AWS every five minutes.
func measuring(m Metric, values ...float64) func(*world, *Parts) {
	return func(w *world, _ *Parts) {
		w.clear(m.key(), trouble)
		for at := trouble; at < trouble+2*day; at += fiveMinutes {
			w.put(m.key(), at, values...)
		}
	}
}

// stopping ends a metric of the functions.
func stopping(names ...string) func(*world, *Parts) {
	return func(w *world, p *Parts) {
		for _, name := range names {
			w.clear(p.own("", name, "").key(), trouble)
		}
	}
}

func ofStream(name string) Metric { return of(firehose, name, streamName, "stream", "") }

func ofFunction(name, function string) Metric { return of(lambda, name, "FunctionName", function, "") }

// problems returns a problem for each alarm.
func problems() []problem {
	const soon = 20 * time.Minute
	hour := time.Hour
	all := []problem{
		{"LogsStopped", func(w *world, p *Parts) { w.clear(ofStream("IncomingRecords").key(), trouble) }, 45 * time.Minute},
		{"DeliveryLate", measuring(ofStream("DeliveryToS3.DataFreshness"), 1000), soon},
		{"DeliveryFails", measuring(ofStream("DeliveryToS3.Success"), 1, 0), soon},
		{"StreamThrottled", measuring(ofStream("ThrottledRecords"), 1), soon},
		{"MarkingFails", measuring(ofStream("ExecuteProcessing.Success"), 0.9), soon},
		{"StreamBytesNearLimit", measuring(ofStream("IncomingBytes"), 0.9*300*(1<<20)), soon},
		{"StreamRecordsNearLimit", measuring(ofStream("IncomingRecords"), 0.9*300*100_000), soon},
		{"StreamRequestsNearLimit", measuring(ofStream("IncomingPutRequests"), 0.9*300*1000), soon},
		{"ConversionFails", measuring(ofStream("FailedConversion.Records"), 1), soon},
		{"TableThrottled", measuring(of(dynamoDB, "WriteThrottleEvents", "TableName", "table", ""), 1), soon},
		{"UnknownVerdicts", func(w *world, p *Parts) {
			counting(metric.Unknown, fiveMinutes, 20)(w, p)
			counting(metric.Clean, fiveMinutes, 480)(w, p)
		}, soon},
		{"RecordsFailed", counting(metric.ProcessingFailed, fiveMinutes, 1), soon},
		{"Outbreak", func(w *world, p *Parts) {
			counting(metric.Malicious, fiveMinutes, 400)(w, p)
			counting(metric.Records, fiveMinutes, 5000)(w, p)
		}, soon},
		{"IndexStale", counting(metric.IndexAge, fiveMinutes, 7*3600), soon},
		{"IndexLoadFailed", counting(metric.IndexLoadFailed, fiveMinutes, 1), soon},
		{"IndexSkew", func(w *world, p *Parts) { measuring(p.own("", metric.IndexGeneration, ""), 7, 8)(w, p) }, soon},
		{"IndexMissing", func(w *world, p *Parts) {
			counting(metric.Unknown, fiveMinutes, 500)(w, p)
			counting(metric.UnknownNoIndex, fiveMinutes, 500)(w, p)
			counting(metric.Clean, fiveMinutes, 0)(w, p)
		}, 4 * hour},
		{"LogObjectsStopped", stopping(metric.ObjectsMarked), 45 * time.Minute},
		{"MarkerBehind", measuring(of(sqs, "ApproximateAgeOfOldestMessage", "QueueName", "objects", ""), 8000), soon},
		{"PublisherStopped", stopping(metric.Generation, metric.ListAge, metric.FeedsLeftOut), 5 * hour},
		{"ListOld", counting(metric.ListAge, hour, 49*3600), 2 * hour},
		{"ImportRejected", counting(metric.ImportRejected, hour, 1), soon},
		{"ImportFailed", counting(metric.ImportFailed, hour, 1), 3 * hour},
		{"FetchFailed", counting(metric.FetchFailed, hour, 1), 19 * hour},
		{"FeedExpired", counting(metric.FeedExpired, hour, 1), 2 * hour},
		{"FeedMissing", counting(metric.FeedMissing, hour, 1), 2 * hour},
		{"FeedsLeftOut", counting(metric.FeedsLeftOut, hour, 1), 2 * hour},
		{"FeedsOverLimit", counting(metric.FeedsOverLimit, hour, 1), 2 * hour},
		{"BlocksLeftOut", counting(metric.BlocksLeftOut, hour, 3), 2 * hour},
		{"BadTableEdits", counting(metric.BadTableEdits, hour, 1), 2 * hour},
		{"PointerInvalid", counting(metric.PointerInvalid, hour, 1), 2 * hour},
		{"SnapshotsLost", counting(metric.SnapshotsLost, hour, 1), 2 * hour},
		{"TablesBehind", counting(metric.TablesBehind, hour, 1), 4 * hour},
		{"IndicatorsStale", counting(metric.IndicatorsStale, hour, 1), 3 * hour},
		{"WatchdogFailed", measuring(of(events, "FailedInvocations", "RuleName", "rule", ""), 1), soon},
		{"AlertsLost", counting(alertSendFailed, fiveMinutes, 1), soon},
		{"EventsFailed", counting(eventsFailed, fiveMinutes, 1), soon},
		{"NoticesFailed", counting(noticesFailed, fiveMinutes, 1), soon},
		{"FindingsFailed", counting(findingsFailed, fiveMinutes, 1), soon},
		{"NoticesUndelivered", measuring(of(sns, "NumberOfNotificationsFailed", "TopicName", "topic", ""), 1), soon},
		{"HuntFailed", counting(huntFailed, hour, 1), soon},
		{"CompactionFailed", counting(metric.CompactionFailed, hour, 1), soon},
		{"CompactionBehind", counting(metric.CompactionBehind, hour, 8), 25 * hour},
		{"HuntsStopped", stopping(huntSucceeded), 4 * hour},
		{"HuntsDropped", measuring(of(scheduler, "InvocationDroppedCount", "ScheduleGroup", "group", ""), 1), soon},
		{"PublishNotTold", counting(eventSendFailed, hour, 1), 3 * hour},
		{"AlertsBehind", measuring(of(sqs, "ApproximateAgeOfOldestMessage", "QueueName", "alerts", ""), 1000), soon},
		{"ImporterEventsLost", measuring(ofFunction("AsyncEventsDropped", "importer"), 1), soon},
	}
	for _, key := range []string{"AccessDenied", "Disabled", "InvalidState", "NotFound"} {
		all = append(all, problem{"StreamKey" + key, measuring(ofStream("KMSKey"+key), 1), soon})
	}
	for role, name := range map[string]string{"ImporterDeadLetters": "importer-dlq", "AlertDeadLetters": "alert-dlq", "HuntDeadLetters": "hunt-dlq",
		"MarkerDeadLetters": "objects-dlq"} {
		all = append(all, problem{role, measuring(of(sqs, "ApproximateNumberOfMessagesVisible", "QueueName", name, ""), 1), soon})
	}
	for role, name := range map[string]string{"Transformer": "transformer", "Importer": "importer", "Notifier": "notifier", "Hunter": "hunter", "Marker": "marker"} {
		all = append(all,
			problem{role + "Errors", measuring(ofFunction("Errors", name), 3), soon},
			problem{role + "Throttles", measuring(ofFunction("Throttles", name), 1), soon})
		if role != "Hunter" && role != "Marker" {
			all = append(all, problem{role + "Slow", measuring(ofFunction("Duration", name), 500_000), soon})
		}
		if role == "Transformer" || role == "Importer" {
			all = append(all, problem{role + "Concurrency", measuring(ofFunction("ConcurrentExecutions", name), 10), soon})
		}
	}
	return all
}

// Each alarm goes off in time when its problem occurs, alone, and not before.
func TestAlarms_fire(t *testing.T) {
	t.Parallel()
	var tested []string
	for _, problem := range problems() {
		tested = append(tested, problem.id)
		t.Run(problem.id, func(t *testing.T) {
			t.Parallel()
			p := everything()
			w := live(p, life{days: 5, records: constant, list: time.Hour}, false)
			problem.happen(w, p)
			fired := w.watch(p, trouble-day, trouble+problem.within+fiveMinutes)
			if at, found := fired[problem.id]; !found || at < trouble {
				t.Errorf("went off: %v at %v, want between %v and %v", found, at, trouble, trouble+problem.within)
			}
			delete(fired, problem.id)
			if len(fired) > 0 {
				t.Errorf("other alarms: %v", fired)
			}
		})
	}
	for _, id := range ids(everything()) {
		if !slices.Contains(tested, id) {
			t.Errorf("no problem raises the alarm %s", id)
		}
	}
}

// What each publish writes does not come at the same minute of every hour. An alarm about a state
// that lasts stays on all the same.
func TestAlarms_stay(t *testing.T) {
	t.Parallel()
	p := everything()
	for _, a := range slices.Concat(p.lists(), p.refused()) {
		if a.Period != time.Hour || a.ID == "ImportFailed" {
			continue
		}
		w := &world{samples: map[string]map[int][]float64{}}
		for at := fiveMinutes; at < 3*day; at += 65 * time.Minute {
			w.put(a.Metrics[0].key(), at, a.Threshold+1)
		}
		for at := day; at < 3*day; at += fiveMinutes {
			if w.evaluate(a, at) != stateAlarm {
				t.Errorf("%s is off after %v", a.ID, at)
				break
			}
		}
	}
}

// ids returns the ids of all alarms that notify somebody.
func ids(p *Parts) []string {
	var all []string
	for _, a := range Alarms(p) {
		all = append(all, a.ID)
	}
	for _, s := range Silences(p) {
		all = append(all, s.ID)
	}
	return all
}
