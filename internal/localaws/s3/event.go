package s3

import "time"

// Event is an S3 event in EventBridge's envelope. Keys are not URL-encoded, unlike in the
// notifications that S3 sends itself.
type Event struct {
	Version    string    `json:"version"` // "0"
	ID         string    `json:"id"`
	DetailType string    `json:"detail-type"` // "Object Created" or "Object Deleted"
	Source     string    `json:"source"`      // "aws.s3"
	Account    string    `json:"account"`
	Time       time.Time `json:"time"`
	Region     string    `json:"region"`
	Resources  []string  `json:"resources"` // the bucket's ARN
	Detail     Detail    `json:"detail"`
}

// Values of [Event.DetailType].
const (
	objectCreated = "Object Created"
	objectDeleted = "Object Deleted"
)

// Detail describes a change of an object.
type Detail struct {
	Version string `json:"version"` // "0"
	Bucket  struct {
		Name string `json:"name"`
	} `json:"bucket"`
	Object    EventObject `json:"object"`
	RequestID string      `json:"request-id"`
	Requester string      `json:"requester"`
	SourceIP  string      `json:"source-ip-address"`
	// Reason is the operation: PutObject (also for a completed multipart upload), CopyObject or
	// DeleteObject.
	Reason       string `json:"reason"`
	DeletionType string `json:"deletion-type,omitempty"` // of a deletion: delete marker or permanent
}

// EventObject is the object of a [Detail]. Only created objects have a size and an ETag.
type EventObject struct {
	Key       string `json:"key"`
	Size      *int64 `json:"size,omitempty"` // bytes
	ETag      string `json:"etag,omitempty"`
	VersionID string `json:"version-id,omitempty"`
	// Sequencer orders the events of one key: later events have greater strings.
	Sequencer string `json:"sequencer"`
}

// Region is the region of the local AWS.
const Region = "us-east-1"

const accountID = "000000000000"

// Kinds of deletion.
const (
	deletedByMarker    = "Delete Marker Created"
	deletedPermanently = "Permanently Deleted"
)
