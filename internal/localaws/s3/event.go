package s3

import "time"

// Event is an S3 event in EventBridge's envelope. Keys stand as they are, not
// form-encoded as in S3's own notifications.
type Event struct {
	Version    string    `json:"version"` // "0"
	ID         string    `json:"id"`
	DetailType string    `json:"detail-type"` // [ObjectCreated] or [ObjectDeleted]
	Source     string    `json:"source"`      // "aws.s3"
	Account    string    `json:"account"`
	Time       time.Time `json:"time"`
	Region     string    `json:"region"`
	Resources  []string  `json:"resources"` // the bucket's ARN
	Detail     Detail    `json:"detail"`
}

// Values of [Event.DetailType].
const (
	ObjectCreated = "Object Created"
	ObjectDeleted = "Object Deleted"
)

// Detail says what happened to which object.
type Detail struct {
	Version string `json:"version"` // "0"
	Bucket  struct {
		Name string `json:"name"`
	} `json:"bucket"`
	Object    EventObject `json:"object"`
	RequestID string      `json:"request-id"`
	Requester string      `json:"requester"`
	SourceIP  string      `json:"source-ip-address"`
	// Reason is the operation: PutObject (also for a finished multipart upload),
	// CopyObject, DeleteObject.
	Reason       string `json:"reason"`
	DeletionType string `json:"deletion-type,omitempty"` // of a deletion: with a delete marker, or for good
}

// EventObject is the object of a [Detail]. Size and ETag are those of created
// objects.
type EventObject struct {
	Key       string `json:"key"`
	Size      *int64 `json:"size,omitempty"` // bytes
	ETag      string `json:"etag,omitempty"`
	VersionID string `json:"version-id,omitempty"`
	// Sequencer orders the events of one key: the larger text came later.
	Sequencer string `json:"sequencer"`
}

// AccountID and Region are those of all local parts.
const (
	AccountID = "000000000000"
	Region    = "us-east-1"
)

// Kinds of deletion.
const (
	deletedByMarker = "Delete Marker Created"
	deletedForGood  = "Permanently Deleted"
)
