package health

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var errDenied = errors.New("access denied: cloudwatch:X")

// aws is all that a stack's health comes from. An error takes the place of an answer.
type aws struct {
	metrics    map[string]float64 // by name
	alarms     []Alarm
	waiting    map[string]int
	vpcs       []Association
	configured int
	err        error
	slow       bool // metrics never come
	asked      []Series
	hours      time.Duration
}

func (a *aws) Values(ctx context.Context, from, until time.Time, series []Series) ([]*float64, error) {
	a.asked, a.hours = series, until.Sub(from)
	if a.slow {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	values := make([]*float64, len(series))
	for i, one := range series {
		if value, found := a.metrics[one.Name]; found {
			values[i] = &value
		}
	}
	return values, a.err
}

func (a *aws) Alarms(context.Context, string) ([]Alarm, error) { return a.alarms, a.err }

func (a *aws) Waiting(_ context.Context, url string) (int, error) {
	waiting, found := a.waiting[url]
	if !found {
		return 0, errDenied
	}
	return waiting, a.err
}

func (a *aws) Associations(context.Context, string) ([]Association, int, error) {
	return a.vpcs, a.configured, a.err
}

// working returns the AWS of a stack that works.
func working() *aws {
	return &aws{
		metrics:    map[string]float64{"IncomingRecords": 10, "DeliveryToS3.DataFreshness": 70, "Clean": 9, "Malicious": 1},
		alarms:     []Alarm{{Name: "a", State: "OK"}, {Name: "b", State: "INSUFFICIENT_DATA"}},
		waiting:    map[string]int{"url": 0},
		vpcs:       []Association{{VPC: "vpc-1", Status: "ACTIVE"}},
		configured: 1,
	}
}

func (a *aws) stack() *Stack {
	return &Stack{
		Name: "S", MetricStack: "S", Stream: "stream", DeadLetters: []Queue{{"Dead", "url"}},
		Metrics: a, Alarms: a, Queues: a, QueryLogging: a,
		Missing: func(err error) string {
			if errors.Is(err, errDenied) {
				return "cloudwatch:X"
			}
			return ""
		},
		Now: func() time.Time { return time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC) },
	}
}

func check(t *testing.T, s *Stack) *Report {
	t.Helper()
	r, err := s.Check(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// What is wrong with a stack is said in one line each, and nothing is said of one that works.
func TestReport_Problems(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		change func(*aws, *Stack)
		want   []string
	}{
		{"nothing", func(*aws, *Stack) {}, nil},
		{"no logs", func(a *aws, _ *Stack) { delete(a.metrics, "IncomingRecords") }, []string{"no query log arrived in the last hour"}},
		{"late", func(a *aws, _ *Stack) { a.metrics["DeliveryToS3.DataFreshness"] = 1501 },
			[]string{"deliveries are late: records were up to 25 min old when they were stored"}},
		{"some unknown", func(a *aws, _ *Stack) { a.metrics["Unknown"], a.metrics["Clean"] = 10, 990 }, nil},
		{"many unknown", func(a *aws, _ *Stack) { a.metrics["Unknown"], a.metrics["Clean"] = 11, 988 }, []string{"11 of 1000 verdicts are unknown"}},
		{"not marked", func(a *aws, _ *Stack) { a.metrics["ProcessingFailed"] = 2 }, []string{"2 records could not be marked"}},
		{"alarms", func(a *aws, _ *Stack) {
			a.alarms = append(a.alarms, Alarm{Name: "d", State: "ALARM"}, Alarm{Name: "c", State: "ALARM"})
		}, []string{"alarm c", "alarm d"}},
		{"dead letters", func(a *aws, _ *Stack) { a.waiting["url"] = 3 }, []string{"3 dead letters in Dead"}},
		{"VPCs", func(a *aws, _ *Stack) {
			a.vpcs = []Association{{VPC: "d", Status: "FAILED"}, {VPC: "c", Status: "ACTION_NEEDED"}, {VPC: "b", Status: "OVERRIDDEN"},
				{VPC: "a", Status: "DELETING"}, {VPC: "e", Status: "CREATING"}}
		}, []string{"query logging of b is OVERRIDDEN", "query logging of c is ACTION_NEEDED", "query logging of d is FAILED"}},
		{"no VPC", func(a *aws, _ *Stack) { a.vpcs = nil }, []string{"no VPC logs its queries to the stack"}},
		{"logged by another account", func(a *aws, _ *Stack) { a.vpcs, a.configured = nil, 0 }, nil},
		{"no stream and no queues", func(a *aws, s *Stack) { s.Stream, s.DeadLetters, a.vpcs = "", nil, nil }, nil},
		{"no alarms", func(a *aws, _ *Stack) { a.alarms = nil }, nil},
		{"nothing can be read", func(a *aws, _ *Stack) { a.err = errDenied }, []string{
			"arriving: could not be read", "marked: could not be read", "alarms: could not be read",
			"dead letters: could not be read", "query logging: could not be read"}},
		{"one queue cannot be read", func(a *aws, s *Stack) {
			a.waiting["url"], s.DeadLetters = 3, append(s.DeadLetters, Queue{"Other", "other"})
		}, []string{"3 dead letters in Dead", "dead letters: could not be read"}},
		{"the outputs cannot be read", func(_ *aws, s *Stack) { s.Stream, s.DeadLetters, s.Unknown = "", nil, errDenied },
			[]string{"arriving: could not be read", "dead letters: could not be read", "query logging: could not be read"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			a := working()
			s := a.stack()
			test.change(a, s)
			if got := check(t, s).Problems(); !slices.Equal(got, test.want) {
				t.Errorf("problems %q, want %q", got, test.want)
			}
		})
	}
}

// Each section that could not be read says which permission is missing.
func TestStack_Check_denied(t *testing.T) {
	t.Parallel()
	a := working()
	a.err = errDenied
	for _, section := range check(t, a.stack()).sections() {
		if section.Error != errDenied.Error() || section.MissingAction != "cloudwatch:X" || section.Off != "" {
			t.Errorf("%s: %+v", section.name, section.Section)
		}
	}
}

// A part that the stack does not have is off, which is not an error.
func TestStack_Check_off(t *testing.T) {
	t.Parallel()
	a := &aws{}
	s := a.stack()
	s.Stream, s.DeadLetters = "", nil
	for _, section := range check(t, s).sections() {
		if want := section.name != "marked"; section.Error != "" || (section.Off != "") != want {
			t.Errorf("%s: %+v", section.name, section.Section)
		}
	}
}

// The metrics of the last hour are read by their names and dimensions.
func TestStack_Check_metrics(t *testing.T) {
	t.Parallel()
	a := working()
	a.metrics = map[string]float64{
		"IncomingRecords": 7, "DeliveryToS3.DataFreshness": 61.5, "Malicious": 1, "Allowed": 2, "Clean": 3, "Unknown": 4,
		"UnknownNoIndex": 1, "UnknownStaleIndex": 2, "UnknownBadName": 1, "UnknownTimeout": 0, "ProcessingFailed": 5,
	}
	s := a.stack()
	s.MetricStack = "other"
	r := check(t, s)
	oldest := 61.5
	want := &Report{
		Arriving: Arriving{Records: 7, OldestSeconds: &oldest},
		Marked: Marked{Malicious: 1, Allowed: 2, Clean: 3, Unknown: 4, Failed: 5,
			UnknownReasons: map[string]int{"no_index": 1, "stale_index": 2, "bad_name": 1}},
		Alarms:       AlarmState{InAlarm: []Alarm{}, Others: 2},
		DeadLetters:  DeadLetters{Queues: []QueueState{{"Dead", "url", new(int)}}},
		QueryLogging: Logging{VPCs: a.vpcs},
	}
	if diff := cmp.Diff(want, r); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
	if a.hours != time.Hour || len(a.asked) != len(a.metrics) {
		t.Errorf("%d series of %v", len(a.asked), a.hours)
	}
	for _, series := range a.asked {
		own := series.Namespace == "Resolverwatch" && series.Dimension == "Stack" && series.Value == "other"
		stream := series.Namespace == "AWS/Firehose" && series.Dimension == "DeliveryStreamName" && series.Value == "stream"
		if !own && !stream || series.Highest != (series.Name == "DeliveryToS3.DataFreshness") {
			t.Errorf("series %+v", series)
		}
	}
}

// A service that does not answer keeps no other section from being read.
func TestStack_Check_slow(t *testing.T) {
	t.Parallel()
	a := working()
	a.slow = true
	s := a.stack()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	r, err := s.Check(ctx)
	if !errors.Is(err, context.DeadlineExceeded) || r.Alarms.Others != 2 || r.Marked.Error == "" || len(r.QueryLogging.VPCs) != 1 {
		t.Errorf("%v: %+v", err, r)
	}
}
