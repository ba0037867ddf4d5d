package replay

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"testing"
)

// repeating is a bucket whose client repeats each call, as it does when an answer is lost.
type repeating struct{ *world }

func (r repeating) Replace(ctx context.Context, key, tag string, body io.ReadSeeker) (string, error) {
	if _, err := r.world.Replace(ctx, key, tag, body); err != nil {
		return "", err
	}
	_, _ = body.Seek(0, io.SeekStart)
	return r.world.Replace(ctx, key, tag, body)
}

// A lost answer does not end a replay.
func TestToStream_lostAnswers(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.setAside(t, "a", record(0), record(1))
	w.setAside(t, "b", record(2))
	got, err := start(t.Context(), Config{Bucket: repeating{w}, Prefix: failedPrefix}, newToStream(w, unlimited, 0))
	if err != nil || got.Records != 3 || len(w.sent) != 3 {
		t.Errorf("%+v, error %v; sent %q", got, err, w.sent)
	}
}

// overtaken is a bucket in which another replay always writes the ledger first.
type overtaken struct{ *world }

func (o overtaken) Replace(ctx context.Context, key, tag string, body io.ReadSeeker) (string, error) {
	text, err := io.ReadAll(body)
	if err != nil {
		return "", err
	}
	var l ledger
	if err := json.Unmarshal(text, &l); err != nil {
		return "", err
	}
	l.By = "another"
	if text, err = json.Marshal(l); err != nil {
		return "", err
	}
	o.objects[key] = text
	return o.world.Replace(ctx, key, tag, body)
}

// Two replays of one object do not go on together, not even in step.
func TestToStream_twoReplays(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.setAside(t, "a", record(0))
	if got, err := start(t.Context(), Config{Bucket: overtaken{w}, Prefix: failedPrefix}, newToStream(w, unlimited, 0)); !errors.Is(err, errTwoReplays) {
		t.Errorf("%+v, error %v", got, err)
	}
}
