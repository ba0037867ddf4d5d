// Package tail follows the marked logs that a delivery stream writes into a bucket. The folders of
// the stream and a listing of their objects go in; each new object is read once, soon after it
// was written.
//
// A listing by key is the only way to learn of new objects without a right to change the bucket.
// Objects come late: Firehose tries for a day to deliver a record, and names the object after the
// time at which the record arrived. So a [Follower] looks at the folders of the last day every few
// minutes, and in between only at what may be new in the folders of the last hour. An object that
// cannot be read is tried again.
package tail

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Times that a follower works with.
const (
	// keyLag is how much older the time in a key may be than the object: Firehose tries to deliver
	// a record for 24 h, and buffers it for up to 15 min before.
	keyLag = 25 * time.Hour
	// recentLag is the same for objects that are delivered at once.
	recentLag = 75 * time.Minute
	// sweepEvery is the time between two looks at all folders.
	sweepEvery = 5 * time.Minute
	// memory is how long an object that was read is remembered after a look at all folders. The
	// time of an object that is uploaded in parts is when the upload began.
	memory = time.Hour
	// clockSkew is how far the clock of this machine may be behind that of the stream.
	clockSkew = 10 * time.Minute
	// maxAhead is how far it may be ahead.
	maxAhead = 6 * time.Hour
	// patience is how long an object that cannot be read is tried again.
	patience = 10 * time.Minute
)

// Object is an object of the bucket.
type Object struct {
	Key     string
	Size    int64
	written time.Time
}

// Bucket lists objects.
type Bucket interface {
	// List calls visit for each object whose key begins with prefix and comes after a key, in the
	// order of the keys. visit may stop the listing with an error.
	List(ctx context.Context, prefix, after string, visit func(Object)) error
}

// Pending is an object to read. Shown is how many of its matches were shown before its reading
// failed.
type Pending struct {
	Object
	Shown int

	failing time.Time // since when it cannot be read
}

// Reader reads objects.
type Reader interface {
	// Read reads objects and shows their matches, without those that were shown before. It adds to
	// Shown, and returns an error for each object, nil if it was read to its end. The second error
	// ends the run.
	Read(ctx context.Context, objects []*Pending) ([]error, error)
}

// Follower finds new objects. Its fields must not change after the first [Follower.Poll].
type Follower struct {
	Bucket Bucket
	Reader Reader
	// Folders returns the beginnings of the keys of all objects for records that arrived in a
	// period, the oldest first.
	Folders func(from, until time.Time) []string
	// Since is when the first object was written that is read.
	Since time.Time
	Now   func() time.Time
	// Warn is called with a problem that the follower survives.
	Warn func(text string)

	horizon   time.Time            // objects that were written before were read or are not wanted
	newest    time.Time            // when the newest object was written
	lastSweep time.Time            // when the last look at all folders began
	read      map[string]time.Time // objects written since horizon that were read, with their times
	floors    map[string]string    // by folder: objects up to this key are old
	failing   map[string]*Pending  // objects that could not be read

	skipped int // objects that were given up

	// Objects counts the objects that were read.
	Objects int
}

// Poll looks for new objects once, and reads them. An error is about the listing, or one of the
// reader that ends the run. The next Poll continues where this one ended.
func (f *Follower) Poll(ctx context.Context) error {
	now := f.Now()
	if f.read == nil {
		f.horizon, f.read, f.floors, f.failing = f.Since, map[string]time.Time{}, map[string]string{}, map[string]*Pending{}
	}

	sweep := f.lastSweep.IsZero() || now.Sub(f.lastSweep) >= sweepEvery
	from := now.Add(-recentLag)
	if sweep {
		from = f.horizon.Add(-keyLag)
	}
	folders := f.Folders(from, now.Add(clockSkew))
	for _, folder := range folders {
		if err := f.pollFolder(ctx, folder, sweep); err != nil {
			return err
		}
	}
	if sweep {
		f.finishSweep(now, folders)
	}
	return nil
}

// pollFolder reads what is new in a folder.
func (f *Follower) pollFolder(ctx context.Context, folder string, sweep bool) error {
	after := f.floors[folder]
	if sweep {
		after = ""
	}
	recent := f.recent()
	floor, isOld := "", true
	var found []*Pending
	err := f.Bucket.List(ctx, folder, after, func(o Object) {
		if isOld = isOld && o.written.Before(recent); isOld {
			floor = o.Key
		}
		if pending := f.pending(o); pending != nil {
			found = append(found, pending)
		}
	})
	if err != nil {
		return &listingError{err}
	}
	if sweep {
		f.floors[folder] = floor
	}
	slices.SortStableFunc(found, func(a, b *Pending) int { return a.written.Compare(b.written) })
	return f.readAll(ctx, found)
}

// listingError is an error of the listing.
type listingError struct{ error }

func (e *listingError) Unwrap() error { return e.error }

// IsListing reports whether an error of [Follower.Poll] is about the listing, so that another Poll
// may succeed.
func IsListing(err error) bool {
	var listing *listingError
	return errors.As(err, &listing)
}

// Incomplete returns an error if objects could not be read, or nil.
func (f *Follower) Incomplete() error {
	if missing := len(f.failing) + f.skipped; missing > 0 {
		return fmt.Errorf("%d objects could not be read, so matches in them are missing", missing)
	}
	return nil
}

// recent returns the time from which objects count as new in the next look at all folders.
func (f *Follower) recent() time.Time {
	if f.newest.IsZero() {
		return f.horizon
	}
	return f.newest.Add(-memory)
}

// pending returns an object that must be read, or nil.
func (f *Follower) pending(o Object) *Pending {
	_, done := f.read[o.Key]
	if done || o.written.Before(f.horizon) || strings.HasSuffix(o.Key, "/") {
		return nil
	}
	if o.written.After(f.newest) {
		f.newest = o.written
	}
	if failing := f.failing[o.Key]; failing != nil {
		return failing
	}
	return &Pending{Object: o}
}

// batchObjects bounds the objects that the reader gets at once.
const batchObjects = 64

func (f *Follower) readAll(ctx context.Context, found []*Pending) error {
	for batch := range slices.Chunk(found, batchObjects) {
		errs, err := f.Reader.Read(ctx, batch)
		if err != nil {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		for i, pending := range batch {
			f.finish(pending, errs[i])
		}
	}
	return nil
}

// finish remembers what became of an object.
func (f *Follower) finish(o *Pending, err error) {
	now := f.Now()
	switch {
	case err == nil:
		f.Objects++
	case o.failing.IsZero():
		o.failing = now
		f.failing[o.Key] = o
		f.Warn(fmt.Sprintf("%v; it is tried again", err))
		return
	case now.Sub(o.failing) < patience:
		return
	default:
		f.skipped++
		f.Warn(fmt.Sprintf("%v; it is left out, so matches in it are missing", err))
	}
	delete(f.failing, o.Key)
	f.read[o.Key] = o.written
}

// finishSweep forgets what is too old to be listed as new again.
func (f *Follower) finishSweep(began time.Time, folders []string) {
	f.lastSweep = began
	next := earlier(began, f.newest).Add(-memory)
	if limit := began.Add(-maxAhead); next.Before(limit) {
		next = limit
	}
	for _, failing := range f.failing {
		next = earlier(next, failing.written)
	}
	if next.After(f.horizon) {
		f.horizon = next
	}

	for key, written := range f.read {
		if written.Before(f.horizon) {
			delete(f.read, key)
		}
	}
	for folder := range f.floors {
		if !slices.Contains(folders, folder) {
			delete(f.floors, folder)
		}
	}
}

// Resume returns the time with which another run continues where this one ended. It shows the
// matches of a few minutes again, and leaves none out.
func (f *Follower) Resume() time.Time {
	if f.lastSweep.IsZero() {
		return f.Since
	}
	resume := earlier(f.lastSweep, f.newest)
	for _, failing := range f.failing {
		resume = earlier(resume, failing.written)
	}
	if resume.Before(f.Since) {
		return f.Since
	}
	return resume
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
