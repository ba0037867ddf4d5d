// Package health answers whether a deployed stack works: do logs arrive, are they marked, which
// alarms and dead letters wait, and does Resolver log each VPC. The metrics, alarms, queues and
// associations of the stack go in, a [Report] of sections comes out.
//
// Each section stands alone. If it cannot be read, for example because a permission is missing, it
// says so, and the others are unaffected.
package health

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// window is the time that the sections about logs look back.
const window = time.Hour

// Metrics are the metrics of CloudWatch.
type Metrics interface {
	// Values returns the value of each series in the period, in their order, or nil for a series
	// without data.
	Values(ctx context.Context, from, until time.Time, series []Series) ([]*float64, error)
}

// Series is a metric with one dimension.
type Series struct {
	Namespace, Name  string
	Dimension, Value string
	Highest          bool // the highest value of the period instead of the sum
}

// Alarms are the alarms of the stack.
type Alarms interface {
	// Alarms returns the alarms of the stack with this name.
	Alarms(ctx context.Context, stack string) ([]Alarm, error)
}

// Queues are queues of dead letters.
type Queues interface {
	// Waiting returns how many messages wait in a queue.
	Waiting(ctx context.Context, url string) (int, error)
}

// QueryLogging is the query logging of Resolver.
type QueryLogging interface {
	// Associations returns the VPCs whose queries Resolver logs to the delivery stream with this
	// name, and how many configurations have it as their destination.
	Associations(ctx context.Context, stream string) (vpcs []Association, configurations int, err error)
}

// Stack is a deployed stack. If the name of a part is empty, the stack does not have it, and its section is off.
type Stack struct {
	Name        string // begins the names of its alarms
	MetricStack string // value of the dimension Stack
	Stream      string // name of the delivery stream
	DeadLetters []Queue
	// Unknown says why the stream and the queues are not known, although they may exist.
	Unknown error

	Metrics      Metrics
	Alarms       Alarms
	Queues       Queues
	QueryLogging QueryLogging
	// Missing returns the permission that an error says is missing, or "".
	Missing func(error) string
	Now     func() time.Time
}

// Queue is a queue of dead letters.
type Queue struct{ Name, URL string }

// Section is the part that all sections of a report have. At most one of Off and Error is set.
type Section struct {
	// Off says why the stack does not have what the section is about.
	Off string `json:"off,omitempty"`
	// Error says why the section could not be read.
	Error string `json:"error,omitempty"`
	// MissingAction is the IAM action without which it could not be read.
	MissingAction string `json:"missing_action,omitempty"`
}

// Report is the health of a stack at a point in time.
type Report struct {
	Arriving     Arriving    `json:"arriving"`
	Marked       Marked      `json:"marked"`
	Alarms       AlarmState  `json:"alarms"`
	DeadLetters  DeadLetters `json:"dead_letters"`
	QueryLogging Logging     `json:"query_logging"`
}

// patience is how long the sections may take together. A network without a way to one service
// must not keep the others from being shown.
const patience = 20 * time.Second

// Check reads all sections. It returns an error only if the context ends.
func (s *Stack) Check(ctx context.Context) (*Report, error) {
	r := &Report{}
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()

	var readers sync.WaitGroup
	readers.Go(func() { s.readMetrics(limited, r) })
	readers.Go(func() { s.readAlarms(limited, &r.Alarms) })
	readers.Go(func() { s.readDeadLetters(limited, &r.DeadLetters) })
	readers.Go(func() { s.readQueryLogging(limited, &r.QueryLogging) })
	readers.Wait()
	return r, ctx.Err()
}

// sections returns the sections with the names by which they are shown.
func (r *Report) sections() []namedSection {
	return []namedSection{
		{"arriving", &r.Arriving.Section},
		{"marked", &r.Marked.Section},
		{"alarms", &r.Alarms.Section},
		{"dead letters", &r.DeadLetters.Section},
		{"query logging", &r.QueryLogging.Section},
	}
}

type namedSection struct {
	name string
	*Section
}

// Problems returns what is wrong with the stack, the sections that could not be read included,
// because a stack that nobody can look at is not known to work.
func (r *Report) Problems() []string {
	var all []string
	all = append(all, r.Arriving.problems()...)
	all = append(all, r.Marked.problems()...)
	all = append(all, r.Alarms.problems()...)
	all = append(all, r.DeadLetters.problems()...)
	all = append(all, r.QueryLogging.problems()...)
	for _, section := range r.sections() {
		if section.Error != "" {
			all = append(all, section.name+": could not be read")
		}
	}
	return all
}

// fail stores why a section could not be read.
func (s *Stack) fail(section *Section, err error) {
	section.Error, section.MissingAction = err.Error(), s.Missing(err)
	if errors.Is(err, context.DeadlineExceeded) {
		section.Error = fmt.Sprintf("AWS did not answer in time: %v", err)
	}
}
