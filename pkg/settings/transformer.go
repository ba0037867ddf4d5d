package settings

import "time"

// Transformer configures the function that marks records on their way through Firehose.
type Transformer struct {
	// MemoryMiB is the memory of the function. Two indexes must fit, the active one and the one
	// that is being loaded, so an index may have (memoryMiB - 96) / 2 MiB. A name takes about 13
	// bytes. The importer does not publish a larger index.
	MemoryMiB int `json:"memoryMiB" default:"256" min:"128" max:"10240"`
	// Timeout is the time limit of an invocation. Firehose does not wait longer than 5 minutes.
	Timeout Duration `json:"timeout" default:"2m" min:"1s" max:"5m" was:"timeoutSeconds"`
	// PollInterval is how often a running transformer looks for a new index.
	PollInterval Duration `json:"pollInterval" default:"1m" min:"1s" max:"1h" was:"pollSeconds" legacy:"POLL_INTERVAL"`
	// FailureMode says what happens to records while there is no index: "mark" delivers them
	// with the verdict "unknown"; "fail" fails the invocation, so that Firehose tries three more
	// times and then writes the records to the error prefix.
	FailureMode FailureMode `json:"failureMode" default:"mark" oneof:"mark fail" legacy:"FAILURE_MODE"`
	// CheckAnswers says what is looked up besides the query name: the names in answers (targets
	// of CNAME, MX, SRV, HTTPS and SVCB), the addresses (A, AAAA, and the hints of HTTPS and
	// SVCB), or both.
	CheckAnswers CheckAnswers `json:"checkAnswers" default:"all" oneof:"all names addresses none" was:"checkCnames checkAddresses"`
}

// FailureMode says what a transformer does without an index.
type FailureMode string

// Logs are evidence: a mark can be added later, but a log that was not delivered is lost.
// Hence FailureModeMark is the default.
const (
	FailureModeMark FailureMode = "mark"
	FailureModeFail FailureMode = "fail"
)

// CheckAnswers says which parts of answers are looked up.
type CheckAnswers string

// The default is CheckAnswersAll.
const (
	CheckAnswersAll       CheckAnswers = "all"
	CheckAnswersNames     CheckAnswers = "names"
	CheckAnswersAddresses CheckAnswers = "addresses"
	CheckAnswersNone      CheckAnswers = "none"
)

// Names reports whether the names in answers are looked up.
func (c CheckAnswers) Names() bool { return c == "" || c == CheckAnswersAll || c == CheckAnswersNames }

// Addresses reports whether the addresses in answers are looked up.
func (c CheckAnswers) Addresses() bool {
	return c == "" || c == CheckAnswersAll || c == CheckAnswersAddresses
}

// Constants of the transformer.
const (
	// ProcessorBufferMiB is the size of a batch. With marks, and in base64, a larger batch could
	// exceed Lambda's response limit of 6 MB.
	ProcessorBufferMiB = 1
	// ProcessorBufferInterval is how long Firehose collects a batch that does not become full.
	// It equals the default of delivery.bufferInterval, because an object waits for both.
	ProcessorBufferInterval = time.Minute
)

// TransformerFunction has the settings that the transformer function receives. Lambda itself tells
// the function its MemoryMiB. Timeout and LogRetentionDays matter only to the deployment, so the
// function sees their defaults.
type TransformerFunction struct {
	// Stack is the value of the metrics' dimension `Stack`.
	Stack string `json:"stack" default:"Resolverwatch" legacy:"STACK"`
	// IndexBucket is the name of the bucket that holds the index.
	IndexBucket string `json:"indexBucket" required:"true" legacy:"INDEX_BUCKET"`
	Logging
	Transformer
	Marking
}

// Marking has what every function that marks records is told by its deployment.
type Marking struct {
	// ColdStartWait is how long a starting function waits for its first index. Loading one
	// takes well under a second, and Firehose bills the wait.
	ColdStartWait Duration `json:"coldStartWait" default:"2s" min:"1ms" max:"1m" legacy:"COLD_START_WAIT"`
	// MaxIndexAge is how long after the last publish "clean" becomes "unknown". The importer
	// publishes every hour, so an index of this age means that it has failed for days.
	MaxIndexAge Duration `json:"maxIndexAge" default:"7d" min:"1h" max:"36500d" legacy:"MAX_INDEX_AGE"`
	// AlertQueue is the URL of the queue that gets the matches of each invocation. Without one,
	// the function tells nobody about matches.
	AlertQueue string `json:"alertQueue"`
	// ReachBounds are those of the importer's guards. An index that exceeds them is not loaded.
	ReachBounds
}

// MaxIndexBytes returns the size of the largest index that the function can load while it
// serves another one.
func (f *TransformerFunction) MaxIndexBytes() int { return MaxIndexBytes(f.MemoryMiB) }

// reservedMiB is the memory that a transformer needs in addition to two indexes.
const reservedMiB = 96

// MaxIndexBytes returns the size of the largest index that a transformer with the given memory
// can load while it serves another one. It is zero or less if there is no room at all.
func MaxIndexBytes(transformerMiB int) int { return (transformerMiB - reservedMiB) << 20 / 2 }
