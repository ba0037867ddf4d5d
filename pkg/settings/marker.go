package settings

// Marker configures the function that marks the log objects which Resolver writes to S3.
type Marker struct {
	// MemoryMiB is the memory of the function. 1,769 MiB have the power of one processor. Two
	// indexes must fit, as in the transformer.
	MemoryMiB int `json:"memoryMiB" default:"1769" min:"256" max:"10240"`
	// Timeout is the time limit of an invocation, which marks up to ten objects. An object with
	// a gigabyte of text takes about 6 s.
	Timeout Duration `json:"timeout" default:"5m" min:"30s" max:"15m"`
	// MaxConcurrency is how many invocations the queue starts at the same time.
	MaxConcurrency int `json:"maxConcurrency" default:"20" min:"2" max:"1000"`
}

// MarkerFunction has the settings that the marker function receives. Records are marked as the
// transformer marks them, and written where Firehose writes them. Lambda itself tells the
// function its MemoryMiB. Timeout, MaxConcurrency and LogRetentionDays matter only to the
// deployment, so the function sees their defaults.
type MarkerFunction struct {
	// Stack is the value of the metrics' dimension `Stack`.
	Stack string `json:"stack" default:"Resolverwatch"`
	// IndexBucket is the name of the bucket that holds the index.
	IndexBucket string `json:"indexBucket" required:"true"`
	// OutputBucket is the name of the bucket for the marked logs.
	OutputBucket string `json:"outputBucket" required:"true"`
	// LogBucket is the name of the bucket that Resolver writes to. A backfill lists it.
	LogBucket string `json:"logBucket" required:"true"`
	// LogPrefix begins the keys of log objects, before AWSLogs/.
	LogPrefix string `json:"logPrefix"`
	Logging
	Marker
	Marking
	// Transformer has PollInterval, FailureMode and CheckAnswers. The others are not used.
	Transformer Transformer `json:"transformer"`
	// Delivery has Prefix and ErrorPrefix. The others are not used.
	Delivery Delivery `json:"delivery"`
}

// MaxIndexBytes returns the size of the largest index that the function can load while it uses
// another one.
func (f *MarkerFunction) MaxIndexBytes() int { return MaxIndexBytes(f.MemoryMiB) }
