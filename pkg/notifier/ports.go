package notifier

import (
	"context"
	"errors"
	"time"
)

// Table keeps what was sent. Every write is conditional on the revision of the row that was
// read: a row that does not exist has revision 0, and a write stores the revision after it.
type Table interface {
	// Sent returns the rows of alerts with these keys, if they exist.
	Sent(ctx context.Context, keys []string) (map[string]Sent, error)
	// PutSent stores a row, or returns [storage.ErrConflict].
	PutSent(ctx context.Context, key string, row Sent) error
	// States returns the documents with these keys, if they exist.
	States(ctx context.Context, keys []string) (map[string]State, error)
	// PutState stores a document, or returns [storage.ErrConflict].
	PutState(ctx context.Context, key string, state State) error
	// PutTest stores what became of a test alert, whatever is there.
	PutTest(ctx context.Context, key string, outcome TestOutcome) error
}

// Sent is the row of a host and an indicator. Times have milliseconds.
type Sent struct {
	Revision  int64
	CreatedAt time.Time // of the first claim
	FirstSeen time.Time // the first query
	LastSeen  time.Time // the last query

	WindowFrom time.Time // when the window began, which is part of the id of its alert
	LeaseUntil time.Time // until then the notifier that claimed the row owns it
	SentAt     time.Time // when the alert of the window was sent; zero until then
	SentBefore time.Time // when the alert before that was sent; zero if there was none
	Delivered  []string  // the targets that have the alert of the window

	Records    int // all that were ever counted
	Suppressed int // those since the last alert that no alert has reported yet
	ExpiresAt  time.Time
}

// State is a small document of the notifier itself: the counters of a slot, the backlog of a
// storm, or a part of a digest.
type State struct {
	Revision  int64
	Text      []byte // JSON
	ExpiresAt time.Time
}

// TestOutcome has the answer of each target to a test alert: "ok", the text of an error, or "off"
// for a target that is not configured.
type TestOutcome struct {
	At, ExpiresAt   time.Time
	Bus, Topic, Hub string
}

// Event is an event for a bus.
type Event struct {
	DetailType string
	Detail     []byte // JSON
	Time       time.Time
}

// Bus puts events on a bus. The result has an error for each event, nil if it was accepted.
type Bus interface {
	Put(ctx context.Context, events []Event) []error
}

// Notice is a message for people. The subject is ASCII and has at most 100 characters.
type Notice struct {
	Subject  string
	Body     string
	Severity string // the worst, for filters of subscriptions
	Kind     string // alerts, storm, digest or test, for filters of subscriptions
}

// Topic publishes notices.
type Topic interface {
	Publish(ctx context.Context, notice Notice) error
}

// ErrRefused is the error about a finding that will never be accepted, however often it is sent.
var ErrRefused = errors.New("refused")

// Hub imports findings. The result has an error for each finding, nil if it was accepted.
type Hub interface {
	Import(ctx context.Context, findings []Finding) []error
}
