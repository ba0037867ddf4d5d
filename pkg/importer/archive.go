package importer

import (
	"context"
	"errors"
	"fmt"
)

// writeSnapshot keeps the list of a judgement and returns its key. Entries that the
// accepted list has too keep the time when they were added.
func (im *Importer) writeSnapshot(ctx context.Context, row *FeedRow, j *judgement) (string, error) {
	base, err := im.readOldSnapshot(ctx, row.Accepted.Snapshot)
	if err != nil {
		return "", err
	}
	defer base.Close()
	head := SnapshotHead{
		Feed:        row.ID,
		Key:         j.report.Key,
		Version:     j.report.Version,
		AcceptedAt:  j.report.At,
		Fingerprint: j.settings.fingerprint(row.Accepted.Snapshot, fmt.Sprint(im.guards)),
	}
	body, err := writeSnapshot(head, &j.list, base)
	if err != nil {
		return "", err
	}
	key := AcceptedPrefix + string(row.ID) + "/" + j.report.Version
	written, err := im.createSnapshot(ctx, key, head.Fingerprint, body)
	if err == nil && !written {
		// The same list was read before with other settings, or after another list.
		key += "." + head.Fingerprint
		_, err = im.createSnapshot(ctx, key, head.Fingerprint, body)
	}
	return key, err
}

// createSnapshot writes a snapshot and reports whether key now holds one that was made
// of the same list in the same way: by this run, or by one that was cut off.
func (im *Importer) createSnapshot(ctx context.Context, key, fingerprint string, body []byte) (bool, error) {
	err := im.archive.Create(ctx, key, body)
	if err == nil {
		return true, nil
	}
	if !errors.Is(err, ErrExists) {
		return false, fmt.Errorf("writing a snapshot: %w", err)
	}
	existing, err := im.readSnapshot(ctx, key)
	if err != nil {
		return false, err
	}
	defer existing.Close()
	return existing.Head.Fingerprint == fingerprint, nil
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

// readOldSnapshot opens a snapshot that is about to be replaced. One that is lost counts
// as empty, so that a new list is not kept out by the loss of an old one: added_at then
// begins anew, and table rows of entries that are gone stay.
func (im *Importer) readOldSnapshot(ctx context.Context, key string) (*snapshotReader, error) {
	snapshot, err := im.readSnapshot(ctx, key)
	if errors.Is(err, ErrNotFound) || errors.Is(err, errSnapshot) {
		im.log.WarnContext(ctx, "an accepted list is lost", "key", key, "why", err)
		return nil, nil
	}
	return snapshot, err
}
