package importer

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

// writeSnapshot keeps the list of a judgement and returns its key. Entries that the
// accepted list has too keep the time when they were added.
//
// No key is ever used twice, so that a sweep deletes what it saw and nothing newer: a
// run that was cut off leaves its snapshot to the sweep and writes another.
func (im *Importer) writeSnapshot(ctx context.Context, row *FeedRow, j *judgement) (string, error) {
	base, err := im.readOldSnapshot(ctx, row.Accepted.Snapshot)
	if err != nil {
		return "", err
	}
	defer base.Close()
	head := SnapshotHead{Feed: row.ID, Key: j.report.Key, Version: j.report.Version, AcceptedAt: j.report.At}
	body, kept, err := writeSnapshot(head, &j.list, base)
	if err != nil {
		return "", err
	}
	j.report.Added, j.report.Removed = j.list.Len()-kept, row.Accepted.Entries-kept
	key := snapshotKey(row.ID, j.report.Version, im.newOwner())
	err = im.archive.Create(ctx, key, body)
	if err != nil && !errors.Is(err, ErrExists) { // the reply to a first try was lost
		return "", fmt.Errorf("writing a snapshot: %w", err)
	}
	return key, nil
}

// snapshotKey returns the key of a snapshot; word is one that no other has.
func snapshotKey(id indicator.FeedID, version, word string) string {
	const enough = 12 // of 5 bits a letter
	return AcceptedPrefix + string(id) + "/" + version + "." + strings.ToLower(word[:enough])
}

// readSnapshot opens a snapshot. Of no snapshot the reader is nil, which has no entries.
func (im *Importer) readSnapshot(ctx context.Context, key string) (*snapshotReader, error) {
	if key == "" || key == noSnapshot {
		return nil, nil
	}
	body, err := im.archive.Read(ctx, key)
	if err != nil {
		return nil, fmt.Errorf("reading snapshot %q: %w", key, err)
	}
	snapshot, err := openSnapshot(body)
	if err != nil {
		return nil, fmt.Errorf("reading snapshot %q: %w", key, err)
	}
	return snapshot, nil
}

// readOldSnapshot opens a snapshot that is about to be replaced. What of it is lost counts
// as empty, so that a new list is not kept out by the loss of an old one: added_at then
// begins anew, and table rows of entries that are gone stay.
func (im *Importer) readOldSnapshot(ctx context.Context, key string) (*snapshotReader, error) {
	forgive := func(err error) { im.log.WarnContext(ctx, "an accepted list is lost", "key", key, "why", err) }
	snapshot, err := im.readSnapshot(ctx, key)
	if isLost(err) {
		forgive(err)
		return nil, nil
	}
	if snapshot != nil {
		snapshot.forgive = forgive
	}
	return snapshot, err
}

// isLost reports whether an error means that a snapshot is gone or damaged.
func isLost(err error) bool { return errors.Is(err, ErrNotFound) || errors.Is(err, errSnapshot) }

// lostError is an accepted list that can no more be read.
type lostError struct {
	feed indicator.FeedID
	err  error
}

func (e *lostError) Error() string {
	return fmt.Sprintf("feed %q: the accepted list is lost and its newest list is not taken in its place; "+
		"upload a list of the feed again: %v", e.feed, e.err)
}

func (e *lostError) Unwrap() error { return e.err }
