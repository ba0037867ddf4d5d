package notifier

import (
	"context"
	"fmt"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/metric"
)

const (
	// digestFor is how far back a digest looks. Should digests fail for longer, the alerts are
	// still on the bus.
	digestFor = 8 * 24 // hours
	// digestPause is the time after which nothing is added to an hour any more. It is longer than
	// an invocation.
	digestPause = lease
)

// digestKey returns the key of the alerts of an hour.
func digestKey(hour int64) string { return fmt.Sprintf("digest#%d", hour) }

func hourOf(at time.Time) int64 { return at.Unix() / int64(time.Hour/time.Second) }

// collect adds alerts to the digest of the current hour.
func (n *Notifier) collect(ctx context.Context, t *tally) error {
	now := n.now()
	if t.isEmpty() {
		return nil
	}
	return changeState(ctx, n, digestKey(hourOf(now)), now.Add(2*digestFor*time.Hour), func(stored *tally) bool {
		stored.add(t, noticeHosts)
		return true
	})
}

// sendDigest publishes one summary of the alerts of the hours that are complete and were not
// reported yet. Without any, it publishes nothing. If it fails or is killed, the next one reports
// the same hours.
func (n *Notifier) sendDigest(ctx context.Context) error {
	if n.Topic == nil {
		return nil
	}
	now := n.now()
	last := hourOf(now.Add(-digestPause)) - 1
	keys := make([]string, 0, digestFor)
	for hour := last - digestFor + 1; hour <= last; hour++ {
		keys = append(keys, digestKey(hour))
	}
	hours, err := n.Table.States(ctx, keys)
	if err != nil {
		return fmt.Errorf("reading the alerts since the last digest: %w", err)
	}

	var sum tally
	for _, key := range keys {
		if hour := decodeState[tally](hours[key]); !hour.isEmpty() {
			sum.add(&hour, noticeHosts)
		}
	}
	if sum.isEmpty() {
		return nil
	}
	if err := n.Topic.Publish(ctx, n.composer.digestNotice(&sum)); err != nil {
		n.metrics.Put(metric.Count(metric.NoticesFailed, 1))
		return fmt.Errorf("sending a digest: %w", err)
	}
	n.clearDigest(ctx, hours, now)
	return nil
}

// clearDigest empties the hours that were reported. One that was changed meanwhile stays, so that
// the next digest reports it.
func (n *Notifier) clearDigest(ctx context.Context, hours map[string]State, now time.Time) {
	for key, state := range hours {
		if hour := decodeState[tally](state); hour.isEmpty() {
			continue
		}
		state.Text, state.ExpiresAt = encode(&tally{}), now
		if err := n.Table.PutState(ctx, key, state); err != nil {
			n.Log.ErrorContext(ctx, "clearing a digest failed", "key", key, "why", err)
		}
	}
}
