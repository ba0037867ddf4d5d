package notifier

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/storage"
)

// room counts what went out in a slot.
type room struct {
	Alerts   int `json:"alerts"`
	Storms   int `json:"storms"`
	Notices  int `json:"notices"`
	Findings int `json:"findings"`
}

// outlet is something of which a slot has a bounded number.
type outlet struct {
	limit int
	used  func(*room) *int
}

var (
	outletAlerts   = outlet{maxAlerts, func(r *room) *int { return &r.Alerts }}
	outletStorms   = outlet{maxStorms, func(r *room) *int { return &r.Storms }}
	outletNotices  = outlet{maxNotices, func(r *room) *int { return &r.Notices }}
	outletFindings = outlet{maxFindings, func(r *room) *int { return &r.Findings }}
)

// slotKey returns the key of the counters of the slot that a time is in.
func slotKey(at time.Time) string {
	return fmt.Sprintf("cap#%d", at.Unix()/int64(slotLength/time.Second))
}

// takeRoom reserves room for at most want things in the slot and returns how many there is room
// for. What was reserved and not used, because the notifier died, stays unused in the slot.
func (n *Notifier) takeRoom(ctx context.Context, out outlet, want int) (granted int, err error) {
	if want == 0 {
		return 0, nil
	}
	now := n.now()
	err = changeState(ctx, n, slotKey(now), now.Add(time.Hour), func(r *room) bool {
		used := out.used(r)
		granted = min(want, max(out.limit-*used, 0))
		*used += granted
		return granted > 0
	})
	return granted, err
}

// readState returns a document. One that does not exist or cannot be read is the zero value.
func readState[T any](ctx context.Context, n *Notifier, key string) (value T, state State, err error) {
	states, err := n.Table.States(ctx, []string{key})
	if err != nil {
		return value, state, err
	}
	state = states[key]
	return decodeState[T](state), state, nil
}

func decodeState[T any](state State) (value T) {
	if json.Unmarshal(state.Text, &value) != nil {
		var none T
		return none
	}
	return value
}

// changeState changes a document. If change returns false, nothing is stored. change is called
// again if another notifier changed the document in between.
func changeState[T any](ctx context.Context, n *Notifier, key string, expires time.Time, change func(*T) bool) error {
	return storage.Retry("changing "+key, func() error {
		value, state, err := readState[T](ctx, n, key)
		if err != nil {
			return fmt.Errorf("reading %s: %w", key, err)
		}
		if !change(&value) {
			return nil
		}
		state.Text, state.ExpiresAt = encode(&value), expires
		err = n.Table.PutState(ctx, key, state)
		if err != nil && !errors.Is(err, storage.ErrConflict) {
			return fmt.Errorf("writing %s: %w", key, err)
		}
		return err
	})
}

// backlogKey is the key of the backlog.
const backlogKey = "backlog"

// backlog sums up the alerts for which their slot had no room. The next event about a storm, or
// the next notice, reports them.
type backlog struct {
	Events  leftOver `json:"events"`
	Notices leftOver `json:"notices"`
}

// leftOver sums up alerts that are not reported yet.
type leftOver struct {
	Taken int   `json:"taken"` // how often it was sent and removed
	Tally tally `json:"tally"`
}

// leave adds to the backlog.
func (n *Notifier) leave(ctx context.Context, which func(*backlog) *leftOver, t *tally) error {
	return changeState(ctx, n, backlogKey, n.now().Add(keptFor), func(b *backlog) bool {
		which(b).Tally.add(t, noticeHosts)
		return true
	})
}

// takeAway removes a sum from the backlog after it was reported. If two notifiers report it at the
// same time, it is removed once.
func (n *Notifier) takeAway(ctx context.Context, which func(*backlog) *leftOver, sent *leftOver) error {
	if sent.Tally.isEmpty() {
		return nil
	}
	return changeState(ctx, n, backlogKey, n.now().Add(keptFor), func(b *backlog) bool {
		left := which(b)
		if left.Taken != sent.Taken {
			return false
		}
		left.Taken++
		left.Tally.subtract(&sent.Tally)
		return true
	})
}

func backlogEvents(b *backlog) *leftOver  { return &b.Events }
func backlogNotices(b *backlog) *leftOver { return &b.Notices }
