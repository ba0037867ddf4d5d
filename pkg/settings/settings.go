// Package settings is the contract between whoever deploys and what runs, once:
// the environment of each Lambda function, and the SSM parameter of a feed. Infra
// encodes, the functions decode, and a name or a default is spelled nowhere else.
//
// It is a leaf without dependencies, so that importing it into a CDK app costs
// nothing. Values are checked for form here; what a word means (a list format, a
// scope) is for the package that owns the word.
package settings

import (
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// Names of the environment. Renaming one is a breaking change.
const (
	EnvStack          = "RESOLVERWATCH_STACK"
	EnvLogLevel       = "RESOLVERWATCH_LOG_LEVEL"
	EnvIndexBucket    = "RESOLVERWATCH_INDEX_BUCKET"
	EnvListBucket     = "RESOLVERWATCH_LIST_BUCKET"
	EnvLegacyKey      = "RESOLVERWATCH_LEGACY_KEY"
	EnvTable          = "RESOLVERWATCH_TABLE"
	EnvMaxIndexBytes  = "RESOLVERWATCH_MAX_INDEX_BYTES"
	EnvGuards         = "RESOLVERWATCH_GUARDS"
	EnvProtected      = "RESOLVERWATCH_PROTECTED"
	EnvDeletionGrace  = "RESOLVERWATCH_DELETION_GRACE"
	EnvPollInterval   = "RESOLVERWATCH_POLL_INTERVAL"
	EnvMaxIndexAge    = "RESOLVERWATCH_MAX_INDEX_AGE"
	EnvColdStartWait  = "RESOLVERWATCH_COLD_START_WAIT"
	EnvFailureMode    = "RESOLVERWATCH_FAILURE_MODE"
	EnvCheckCNAMEs    = "RESOLVERWATCH_CHECK_CNAMES"
	EnvCheckAddresses = "RESOLVERWATCH_CHECK_ADDRESSES"
)

// envMemory is the memory of the function in MiB, as Lambda itself tells it.
const envMemory = "AWS_LAMBDA_FUNCTION_MEMORY_SIZE"

// What all metrics have in common, in CloudWatch. A few are told apart by feed too.
const (
	MetricNamespace      = "Resolverwatch"
	MetricDimensionStack = "Stack"
	MetricDimensionFeed  = "Feed"
)

// Defaults of the settings that have one.
const (
	DefaultStack         = "Resolverwatch"
	DefaultLegacyKey     = "config/all-malicious-domains.txt"
	DefaultDeletionGrace = 24 * time.Hour
	DefaultPollInterval  = time.Minute
	DefaultMaxIndexAge   = 7 * 24 * time.Hour
	DefaultColdStartWait = 2 * time.Second
)

// DefaultMaxIndexBytes is [MaxIndexBytes] of the transformer's default memory.
const DefaultMaxIndexBytes = (defaultMiB - reservedMiB) << 20 / 2

const (
	defaultMiB         = 256
	defaultImporterMiB = 1024
)

// reservedMiB is what a transformer needs beside two indexes, the served one and
// the one being loaded.
const reservedMiB = 96

// MaxIndexBytes returns the largest index that a transformer of the given memory
// can load while it serves another. It is zero or less where there is no room at all.
func MaxIndexBytes(transformerMiB int) int { return (transformerMiB - reservedMiB) << 20 / 2 }

// EnvMemoryLimit is the variable by which the Go runtime knows its memory limit.
const EnvMemoryLimit = "GOMEMLIMIT"

// MemoryLimit returns the value of [EnvMemoryLimit] for a function of the given memory. The
// heap may take nine tenths of the memory before the collector works harder. Without a
// limit, loading a second index or a long list could end the function.
func MemoryLimit(memoryMiB int) string { return fmt.Sprintf("%dMiB", memoryMiB*9/10) }

// FeedParameter returns the name of the SSM parameter that holds a feed's settings.
func FeedParameter(stack, feed string) string { return "/" + stack + "/feeds/" + feed }

// Lookup reads one variable of an environment, like [os.LookupEnv].
type Lookup func(name string) (value string, found bool)

// Importer is the environment of the importer.
type Importer struct {
	Stack         string
	LogLevel      slog.Level
	ListBucket    string // required
	LegacyKey     string // key of the one list that is the feed "default"
	IndexBucket   string // required
	Table         string // required
	MaxIndexBytes int    // an index over this is refused
	Guards        Guards
	Protected     []string // names that no list may block: the user's own zones
	// DeletionGrace is how long a feed counts whose last list was deleted. 0 is not at
	// all: the next run takes it away.
	DeletionGrace time.Duration
	// MemoryMiB is the memory of the function, which is no variable of ours.
	MemoryMiB int
}

// DecodeImporter reads the environment of the importer. Its error joins every
// problem, each with the name of its variable.
func DecodeImporter(lookup Lookup) (Importer, error) {
	d := decoder{lookup: lookup}
	return Importer{
		Stack:         d.text(EnvStack, DefaultStack),
		LogLevel:      d.level(EnvLogLevel),
		ListBucket:    d.required(EnvListBucket),
		LegacyKey:     d.text(EnvLegacyKey, DefaultLegacyKey),
		IndexBucket:   d.required(EnvIndexBucket),
		Table:         d.required(EnvTable),
		MaxIndexBytes: d.number(EnvMaxIndexBytes, DefaultMaxIndexBytes),
		Guards:        d.guards(EnvGuards),
		Protected:     d.words(EnvProtected),
		DeletionGrace: d.span(EnvDeletionGrace, DefaultDeletionGrace),
		MemoryMiB:     d.number(envMemory, defaultImporterMiB),
	}, errors.Join(d.problems...)
}

// Encode is the inverse of [DecodeImporter], but for MemoryMiB.
func (s Importer) Encode() map[string]string {
	return encode(map[string]any{
		EnvStack:         s.Stack,
		EnvLogLevel:      s.LogLevel,
		EnvListBucket:    s.ListBucket,
		EnvLegacyKey:     s.LegacyKey,
		EnvIndexBucket:   s.IndexBucket,
		EnvTable:         s.Table,
		EnvMaxIndexBytes: s.MaxIndexBytes,
		EnvGuards:        s.Guards,
		EnvProtected:     s.Protected,
		EnvDeletionGrace: s.DeletionGrace,
	})
}

// FailureMode is what a transformer does that starts without an index.
type FailureMode string

// Logs are evidence: a missing mark can be made good later, a log that was not
// delivered cannot. Hence mark is the default.
const (
	FailureModeMark FailureMode = "mark" // deliver the records as unknown
	FailureModeFail FailureMode = "fail" // fail the invocation, Firehose tries again
)

// Transformer is the environment of the transformer.
type Transformer struct {
	Stack          string
	LogLevel       slog.Level
	IndexBucket    string        // required
	PollInterval   time.Duration // between two looks at CURRENT
	MaxIndexAge    time.Duration // since the last publish; older is stale
	ColdStartWait  time.Duration // for the first index
	FailureMode    FailureMode
	CheckCNAMEs    bool
	CheckAddresses bool
	// MaxIndexBytes is what the memory of the function, which is no variable of ours,
	// leaves for an index.
	MaxIndexBytes int
}

// DecodeTransformer reads the environment of the transformer. Its error joins every
// problem, each with the name of its variable.
func DecodeTransformer(lookup Lookup) (Transformer, error) {
	d := decoder{lookup: lookup}
	return Transformer{
		Stack:          d.text(EnvStack, DefaultStack),
		LogLevel:       d.level(EnvLogLevel),
		IndexBucket:    d.required(EnvIndexBucket),
		PollInterval:   d.duration(EnvPollInterval, DefaultPollInterval),
		MaxIndexAge:    d.duration(EnvMaxIndexAge, DefaultMaxIndexAge),
		ColdStartWait:  d.duration(EnvColdStartWait, DefaultColdStartWait),
		FailureMode:    FailureMode(d.choice(EnvFailureMode, string(FailureModeMark), string(FailureModeFail))),
		CheckCNAMEs:    d.flag(EnvCheckCNAMEs, true),
		CheckAddresses: d.flag(EnvCheckAddresses, true),
		MaxIndexBytes:  MaxIndexBytes(d.number(envMemory, defaultMiB)),
	}, errors.Join(d.problems...)
}

// Encode is the inverse of [DecodeTransformer], but for MaxIndexBytes.
func (s Transformer) Encode() map[string]string {
	return encode(map[string]any{
		EnvStack:          s.Stack,
		EnvLogLevel:       s.LogLevel,
		EnvIndexBucket:    s.IndexBucket,
		EnvPollInterval:   s.PollInterval,
		EnvMaxIndexAge:    s.MaxIndexAge,
		EnvColdStartWait:  s.ColdStartWait,
		EnvFailureMode:    s.FailureMode,
		EnvCheckCNAMEs:    s.CheckCNAMEs,
		EnvCheckAddresses: s.CheckAddresses,
	})
}
