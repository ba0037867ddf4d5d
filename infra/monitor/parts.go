package monitor

import (
	"strings"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// Parts are the parts of a deployment to watch. Names may be tokens of the CDK. A part that is nil
// or has no name is not watched.
type Parts struct {
	// Stack is the value of the dimension of the functions' own metrics.
	Stack    string
	Settings settings.Monitoring

	Stream    *Stream
	Functions []Function
	Queues    []Queue
	// Objects says that logs come as objects of a log bucket, too.
	Objects bool
	// PollInterval is how often a transformer looks for a new index, or 0 without a transformer.
	PollInterval time.Duration
	// PublishInterval is how often the importer publishes, or 0 without an importer.
	PublishInterval time.Duration
	// Table is the name of the table of indicators.
	Table string
	// WorkGroup is the name of the Athena workgroup.
	WorkGroup string
	Alerts    *Alerts
	Hunts     *Hunts
	// Rule is the name of the rule that watches the query logging configuration.
	Rule string
}

// Stream is the delivery stream.
type Stream struct {
	Name string
	// Buffer is how long records wait until they are written.
	Buffer time.Duration
	// Converts says that records are converted to Parquet.
	Converts bool
	// OwnKey says that a customer managed key encrypts the stream.
	OwnKey bool
}

// Function is a function.
type Function struct {
	// Role begins the ids of the alarms: "Importer".
	Role    string
	Name    string
	Timeout time.Duration
	// Reserved is the reserved concurrency, or 0.
	Reserved int
	// Retried is how many errors within five minutes are normal, because a queue retries them.
	Retried int
	// Async says that events invoke the function.
	Async bool
	// Long says that runs near the timeout are normal.
	Long bool
}

// Queue is a queue.
type Queue struct {
	// Role is the id of the alarm: "ImporterDeadLetters".
	Role string
	Name string
	// MaxAge is how old its oldest message may be. With 0 the queue is for dead letters, and
	// should be empty.
	MaxAge time.Duration
	Says   string
}

// Alerts are the parts that tell people about matches.
type Alerts struct {
	// Topic is the name of the topic of the notices, or "".
	Topic string
	// Findings says that Security Hub gets findings.
	Findings bool
}

// Hunts are the scheduled queries.
type Hunts struct {
	// Group is the name of their schedule group.
	Group string
	// Every is the shortest interval of those that run on a schedule: an hour or a day. With 0, none
	// does.
	Every time.Duration
	// Compacts says that closed days are copied.
	Compacts bool
}

func describe(id, says string) string {
	return says + " See " + Runbook + "#" + strings.ToLower(id)
}
