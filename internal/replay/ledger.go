package replay

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/resolverwatch/resolverwatch/pkg/storage"
)

// errTwoReplays means that another replay works on the same object.
var errTwoReplays = errors.New("another replay works on this object: wait until it ends, and start again")

// ledger says how far an object was replayed.
type ledger struct {
	Key   string `json:"key"`
	Lines int    `json:"lines"` // the lines whose records came back or are in the quarantine
	Done  bool   `json:"done"`
	By    string `json:"by,omitempty"` // the replay that wrote it last

	path, etag string
}

// openLedger reads the ledger of a version of an object.
func (r *run) openLedger(ctx context.Context, key, path string) (*ledger, error) {
	l := &ledger{Key: key, path: path}
	var stored *storage.Object
	err := r.Bucket.List(ctx, l.path, func(found storage.Object) error { stored = &found; return nil })
	if err != nil || stored == nil {
		return l, err
	}
	l.etag = stored.ETag
	body, err := r.Bucket.Open(ctx, l.path, l.etag)
	if errors.Is(err, storage.ErrNotFound) {
		return nil, errTwoReplays
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = body.Close() }()
	text, err := io.ReadAll(body)
	if err == nil {
		err = json.Unmarshal(text, l)
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w; delete it to replay the object from the start", l.path, err)
	}
	return l, nil
}

// save stores how far the object was replayed.
func (r *run) save(ctx context.Context, l *ledger) (err error) {
	l.By = r.id
	text, err := json.Marshal(l)
	if err != nil {
		panic(err) // texts and numbers always encode
	}
	etag, err := r.Bucket.Replace(ctx, l.path, l.etag, bytes.NewReader(text))
	if errors.Is(err, storage.ErrConflict) {
		etag, err = r.saved(ctx, l)
	}
	l.etag = etag
	return err
}

// saved returns the ETag of a ledger that this replay has stored: the client repeats a call whose
// answer is lost, and then finds what it wrote itself.
func (r *run) saved(ctx context.Context, l *ledger) (etag string, err error) {
	stored, err := r.openLedger(ctx, l.Key, l.path)
	if err != nil {
		return "", err
	}
	if stored.By != l.By || stored.Lines != l.Lines || stored.Done != l.Done {
		return "", errTwoReplays
	}
	return stored.etag, nil
}

// take opens the ledger and the bytes of an object. The bytes are nil if there is nothing to do,
// which the report counts.
func (r *run) take(ctx context.Context, o *storage.Object) (*ledger, io.ReadCloser, error) {
	l, err := r.openLedger(ctx, o.Key, ledgerPrefix+identity(o)+".json")
	if err != nil {
		return nil, nil, err
	}
	if l.Done {
		r.report.DoneBefore++
		return l, nil, nil
	}
	body, err := r.Bucket.Open(ctx, o.Key, o.ETag)
	if errors.Is(err, storage.ErrNotFound) {
		r.report.ChangedAway++
		return l, nil, nil
	}
	return l, body, err
}
