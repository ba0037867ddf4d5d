// Package storage holds what the ports to buckets and tables have in common: their errors,
// the description of an object, and the rule for conditional writes.
package storage

import (
	"errors"
	"fmt"
	"time"
)

// Errors of the ports. Adapters translate the errors of an SDK into these.
var (
	// ErrNotFound means that the object, version or parameter does not exist.
	ErrNotFound = errors.New("not found")
	// ErrExists means that an object that is written only once already exists.
	ErrExists = errors.New("exists already")
	// ErrConflict means that another writer changed what was read: read and decide again.
	ErrConflict = errors.New("changed by another writer")
)

// Object describes an object in a bucket.
type Object struct {
	Key          string
	Version      string // always names the same bytes; empty in listings
	ETag         string // only in some listings
	Size         int64  // bytes
	LastModified time.Time
	Metadata     map[string]string // set by the user, keys in lower case; empty in listings
}

// Swap makes a conditional write. If the write ends in [ErrConflict], Swap reads what is
// stored. When isWritten reports that it is what write was meant to store, an earlier
// attempt succeeded and only its reply was lost, so there is no conflict.
func Swap[T any](write func() error, read func() (T, error), isWritten func(T) bool) error {
	err := write()
	if !errors.Is(err, ErrConflict) {
		return err
	}

	stored, readErr := read()
	if readErr != nil {
		return errors.Join(err, readErr)
	}
	if isWritten(stored) {
		return nil
	}
	return err
}

// maxAttempts bounds [Retry]. Few writers run at once, so repeated conflicts have another cause.
const maxAttempts = 10

// Retry calls attempt until it ends without [ErrConflict]. Each attempt must read and
// decide again. After too many conflicts, the error names what was attempted.
func Retry(what string, attempt func() error) error {
	for range maxAttempts {
		if err := attempt(); !errors.Is(err, ErrConflict) {
			return err
		}
	}
	return fmt.Errorf("%s: %w %d times", what, ErrConflict, maxAttempts)
}
