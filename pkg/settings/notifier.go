package settings

import "time"

// Alerting says when a match is reported again and how. The deployment and the notifier share it.
type Alerting struct {
	// Window is the time for which a host and an indicator are reported once. Repeats within it are
	// counted, and the next alert has their number.
	Window Duration `json:"window" default:"1h" min:"5m" max:"24h"`
	// Retell is the time after which a finding of a scheduled query is reported again if it is still
	// there.
	Retell Duration `json:"retell" default:"7d" min:"1h" max:"90d"`
	// Digest lets SNS send one summary an hour or a day instead of a notice for each batch of
	// alerts. Events and findings are not delayed.
	Digest Digest `json:"digest" unset:"a notice at once" oneof:"hourly daily"`
	// MaxFindingSeverity is the highest severity of findings in Security Hub. AWS asks providers
	// to keep high and critical for resources that are certainly compromised.
	MaxFindingSeverity string `json:"maxFindingSeverity" default:"critical" oneof:"low medium high critical"`
}

// Digest says how often SNS sends a summary.
type Digest string

// The zero Digest means that notices are sent at once.
const (
	DigestHourly Digest = "hourly"
	DigestDaily  Digest = "daily"
)

// NotifierFunction has the settings that the notifier function receives. LogRetentionDays
// matters only to the deployment, so the function sees its default.
type NotifierFunction struct {
	// Stack is the value of the metrics' dimension `Stack`.
	Stack string `json:"stack" default:"Resolverwatch"`
	// Table is the name of the table of sent alerts.
	Table string `json:"table" required:"true"`
	// EventBus is the name or ARN of the bus that gets the events.
	EventBus string `json:"eventBus" default:"default"`
	// Topic is the ARN of the SNS topic that gets notices.
	Topic string `json:"topic" unset:"no notices are sent"`
	// ProductARN is the product of Security Hub that findings are imported into:
	// arn:<partition>:securityhub:<region>:<account>:product/<account>/default. Its account and
	// Region are those of the findings.
	ProductARN string `json:"productArn" unset:"no findings are imported"`
	Alerting
	Logging
}

// DecodeNotifier reads the environment of the notifier. Its error joins all problems.
func DecodeNotifier(lookup Lookup) (NotifierFunction, error) {
	none := func(Lookup) (NotifierFunction, error) { return NotifierFunction{}, errNotSet }
	return decodeFunction(lookup, none, func(*NotifierFunction) *int { return new(int) })
}

// Encode returns the value of [EnvSettings]. It leaves out the settings that the function does not
// read from there.
func (f *NotifierFunction) Encode() string {
	sent := *f
	sent.LogRetention = Default[NotifierFunction]().LogRetention
	return encode(&sent)
}

// Constants of the notifier.
const (
	// NotifierTimeout bounds one batch of messages. The visibility timeout of the queue is six
	// times as long, as AWS recommends ("Using Lambda with Amazon SQS" in its developer guide).
	NotifierTimeout = 2 * time.Minute
	// SentTableKey is the partition key of the table of sent alerts. Its TTL attribute is
	// [TableTTL].
	SentTableKey = "key"
)

// SentTestKey returns the key of the row in the table of sent alerts that says what became of
// a test alert.
func SentTestKey(id string) string { return "test#" + id }
