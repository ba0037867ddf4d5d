package settings

import "time"

// Importer configures the function that turns lists into the index.
type Importer struct {
	// MemoryMiB is the memory of the function. A million names need about 200 MiB. Lists that
	// need more memory than the function has are refused.
	MemoryMiB int `json:"memoryMiB" default:"1024" min:"128" max:"10240"`
	// ListKey is the key of the single list that the original sample reads. It is the feed
	// "default".
	ListKey string `json:"listKey" default:"config/all-malicious-domains.txt" legacy:"LEGACY_KEY"`
	// Protected names, such as your own zones, are never marked, and neither is anything under
	// them, whatever a list says.
	Protected []string `json:"protected" unset:"the built-in core of AWS and Internet infrastructure"`
	// Guards keep an upload from replacing a good list with a bad one.
	Guards ListGuards `json:"guards"`
}

// Constants of the importer.
const (
	// ImporterTimeout is Lambda's maximum ("Lambda quotas" in its developer guide). A run that
	// is cut off is completed by the next run.
	ImporterTimeout = 15 * time.Minute
	// PublishInterval is how often the importer publishes without an upload. Publishing removes
	// expired entries, and shows transformers that the importer works.
	PublishInterval = time.Hour
)

// ImporterFunction has the settings that the importer function receives. Lambda itself tells the
// function its MemoryMiB. LogRetentionDays matters only to the deployment, so the function sees
// its default.
type ImporterFunction struct {
	// Stack is the value of the metrics' dimension `Stack`, and begins the names of the feeds'
	// parameters.
	Stack string `json:"stack" default:"Resolverwatch" legacy:"STACK"`
	// ListBucket is the name of the bucket that lists are uploaded to.
	ListBucket string `json:"listBucket" required:"true" legacy:"LIST_BUCKET"`
	// IndexBucket is the name of the bucket that holds the index.
	IndexBucket string `json:"indexBucket" required:"true" legacy:"INDEX_BUCKET"`
	// Table is the name of the indicator table.
	Table string `json:"table" required:"true" legacy:"TABLE"`
	// MaxIndexBytes is the size of the largest index that is published: [MaxIndexBytes] of the
	// transformers.
	MaxIndexBytes int `json:"maxIndexBytes" default:"83886080" min:"1" legacy:"MAX_INDEX_BYTES"`
	// SecretPins bind the secrets of feeds to the hosts that may receive them: see
	// [PinSecrets]. A secret without a pin is not sent. The configuration of the previous
	// release has no pins, so feeds with a secret are not fetched until the update is complete.
	SecretPins []string `json:"secretPins" unset:"no secret is sent"`
	// Events sends [EventIndexPublished] to the default event bus after a publish with changes.
	// A deployment with hunts or alerts sets it, and grants the permission.
	Events bool `json:"events"`
	Logging
	Importer
	// Guards has all thresholds for refusing a list. It replaces [Importer].Guards, which has the
	// few that a deployment can set.
	Guards Guards `json:"guards"`
	// DeletionGrace is how long a feed stays in the index after its last list was deleted: long
	// enough to notice and undo a mistake. With 0s it is removed at once.
	DeletionGrace *Duration `json:"deletionGrace" default:"24h" min:"0s" max:"365d" legacy:"DELETION_GRACE"`
}
