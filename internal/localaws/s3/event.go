package s3

import (
	"crypto/rand"
	"fmt"
	"time"

	"github.com/google/uuid"
)

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

// announce tells of a change of v. The caller holds the lock, so that events come in
// the order of the changes.
func (m *memory) announce(bucket *bucket, v *version, reason, deletion string) {
	if m.onEvent == nil {
		return
	}
	m.sequence++
	event := Event{
		Version: "0", ID: uuid.NewString(), DetailType: ObjectCreated, Source: "aws.s3", Account: AccountID,
		Time: m.now(), Region: Region, Resources: []string{"arn:aws:s3:::" + bucket.name},
		Detail: Detail{Version: "0", RequestID: rand.Text(), Requester: AccountID, SourceIP: "127.0.0.1",
			Reason: reason, DeletionType: deletion,
			Object: EventObject{Key: v.key, VersionID: v.id, Sequencer: fmt.Sprintf("%018X", m.sequence)}},
	}
	event.Detail.Bucket.Name = bucket.name
	if deletion != "" {
		event.DetailType = ObjectDeleted
	} else {
		size := int64(len(v.body))
		event.Detail.Object.Size, event.Detail.Object.ETag = &size, v.etag
	}
	m.onEvent(event)
}
