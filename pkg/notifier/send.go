package notifier

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/metric"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// The targets of alerts, as the rows of the table name them.
const (
	targetBus   = "bus"
	targetTopic = "topic"
	targetHub   = "hub"
)

// totals counts what an invocation did, for its metrics.
type totals struct {
	sent, suppressed, capped     int
	eventsFailed, noticesFailed  int
	imported, refused, noRoomHub int
}

// handle handles a batch of messages and returns the ids of those that must be delivered again.
func (n *Notifier) handle(ctx context.Context, records []record) []string {
	b, sums := n.read(ctx, records), &totals{}
	for _, t := range b.tests {
		n.sendTest(ctx, b, t)
	}

	until := n.softDeadline(ctx)
	left, cuts := b.matches, b.cut
	var repeats []*match
	for try := 0; ; try++ {
		found := n.ledger.claimAll(ctx, b, left, until)
		sums.eventsFailed += found.failed
		n.send(ctx, b, found.own, cuts, sums)
		repeats, left, cuts = append(repeats, found.repeat...), found.busy, nil
		if len(left) == 0 || try == busyTries || n.Now().After(until) {
			break
		}
		n.Sleep(ctx, busyWait)
	}

	b.failMatches(left) // whoever owns them may have died
	sums.suppressed = n.ledger.countAll(ctx, b, repeats)
	n.putMetrics(sums)
	return b.failures()
}

// softDeadline returns the time after which no more rows are claimed, so that there is time to
// send what was claimed.
func (n *Notifier) softDeadline(ctx context.Context) time.Time {
	remaining := settings.NotifierTimeout
	if deadline, ok := ctx.Deadline(); ok {
		remaining = time.Until(deadline)
	}
	return n.Now().Add(remaining * 6 / 10)
}

func (n *Notifier) putMetrics(t *totals) {
	n.metrics.Put(
		metric.Count(metric.AlertsSent, t.sent),
		metric.Count(metric.AlertsSuppressed, t.suppressed),
		metric.Count(metric.AlertsCapped, t.capped),
		metric.Count(metric.EventsFailed, t.eventsFailed),
		metric.Count(metric.NoticesFailed, t.noticesFailed),
		metric.Count(metric.FindingsImported, t.imported),
		metric.Count(metric.FindingsFailed, t.refused),
		metric.Count(metric.FindingsCapped, t.noRoomHub),
	)
}

// send sends the claims to every target, and marks them. Claims that a target already has
// are not sent there again.
func (n *Notifier) send(ctx context.Context, b *batch, claims []*claim, cuts []cut, sums *totals) {
	left, _, err := readState[backlog](ctx, n, backlogKey)
	if err != nil {
		n.Log.ErrorContext(ctx, "reading the backlog failed", "why", err)
	}

	n.sendEvents(ctx, b, claims, cuts, &left.Events, sums)
	if n.Topic != nil {
		n.sendNotice(ctx, b, claims, cuts, &left.Notices, sums)
	}
	if n.Hub != nil {
		n.sendFindings(ctx, claims, sums)
	}
	n.ledger.markAll(ctx, b, claims)
}

// without returns the claims that a target does not have.
func without(claims []*claim, target string) []*claim {
	var out []*claim
	for _, c := range claims {
		if !c.hasAlert(target) {
			out = append(out, c)
		}
	}
	return out
}

// settle stores in claims and messages whether a target has them.
func settle(b *batch, target string, claims []*claim, cuts []cut, err error) {
	for _, c := range claims {
		if err != nil {
			c.failed = true
		} else {
			c.deliver(target)
		}
	}
	for _, c := range cuts {
		if err != nil {
			b.failed[c.message] = true
		}
	}
}

// sendEvents sends an event for each claim, as long as there is room in the slot. The rest
// becomes one event about a storm.
func (n *Notifier) sendEvents(ctx context.Context, b *batch, claims []*claim, cuts []cut, left *leftOver, sums *totals) {
	claims = without(claims, targetBus)
	granted, err := n.takeRoom(ctx, outletAlerts, len(claims))
	if err != nil {
		n.Log.ErrorContext(ctx, "counting events failed", "why", err)
		settle(b, targetBus, claims, cuts, err)
		return
	}

	events := make([]Event, granted)
	for i := range events {
		events[i] = n.composer.event(claims[i])
	}
	for i, err := range n.putEvents(ctx, events) {
		settle(b, targetBus, claims[i:i+1], nil, err)
		if err != nil {
			n.Log.ErrorContext(ctx, "putting an event failed", "alert", claims[i].id, "why", err)
			sums.eventsFailed++
		} else {
			sums.sent++
		}
	}
	n.sendStorm(ctx, b, claims[granted:], cuts, left, sums)
}

// putEvents puts events on the bus. An adapter that returns too few results accepted nothing
// beyond them.
func (n *Notifier) putEvents(ctx context.Context, events []Event) []error {
	if len(events) == 0 {
		return nil
	}
	return complete(n.Bus.Put(ctx, events), len(events))
}

var errNoResult = errors.New("no result")

func complete(results []error, want int) []error {
	for len(results) < want {
		results = append(results, errNoResult)
	}
	return results[:want]
}

// sendStorm sends one event about claims that got no event of their own, about rows that did not
// fit into messages, and about the backlog. Without room in the slot they join the backlog.
func (n *Notifier) sendStorm(ctx context.Context, b *batch, capped []*claim, cuts []cut, left *leftOver, sums *totals) {
	t := newTally(capped, cuts)
	if t.isEmpty() && left.Tally.isEmpty() {
		return
	}
	granted, err := n.takeRoom(ctx, outletStorms, 1)
	switch {
	case err != nil:
	case granted == 0 && !t.isEmpty():
		err = n.leave(ctx, backlogEvents, t)
	case granted > 0:
		id := stormID(b, capped, cuts, left)
		t.add(&left.Tally, stormHosts)
		if err = n.putEvents(ctx, []Event{n.composer.stormEvent(id, t)})[0]; err == nil {
			n.forget(ctx, backlogEvents, left)
		}
	}

	settle(b, targetBus, capped, cuts, err)
	if err != nil {
		n.Log.ErrorContext(ctx, "reporting a storm failed", "alerts", t.Alerts, "why", err)
		sums.eventsFailed++
		return
	}
	sums.capped += len(capped)
	for _, c := range cuts {
		sums.capped += c.rows
	}
}

// forget takes away what was reported. If it fails, that is reported once more.
func (n *Notifier) forget(ctx context.Context, which func(*backlog) *leftOver, left *leftOver) {
	if err := n.takeAway(ctx, which, left); err != nil {
		n.Log.ErrorContext(ctx, "removing from the backlog failed", "why", err)
	}
}

// stormID returns the id of an event about a storm. It depends on the alerts and messages that the
// event counts.
func stormID(b *batch, capped []*claim, cuts []cut, left *leftOver) string {
	texts := []string{"storm"}
	for _, c := range capped {
		texts = append(texts, c.id)
	}
	for _, c := range cuts {
		texts = append(texts, b.ids[c.message])
	}
	if !left.Tally.isEmpty() {
		texts = append(texts, fmt.Sprint("left over ", left.Taken))
	}
	return digestOf(texts...)
}

// sendNotice publishes one notice about all claims. With a digest, it stores them instead.
func (n *Notifier) sendNotice(ctx context.Context, b *batch, claims []*claim, cuts []cut, left *leftOver, sums *totals) {
	claims = without(claims, targetTopic)
	t := newTally(claims, cuts)
	if t.isEmpty() && left.Tally.isEmpty() {
		return
	}
	err := n.publish(ctx, t, left)
	settle(b, targetTopic, claims, cuts, err)
	if err != nil {
		n.Log.ErrorContext(ctx, "sending a notice failed", "alerts", t.Alerts, "why", err)
		sums.noticesFailed++
	}
}

func (n *Notifier) publish(ctx context.Context, t *tally, left *leftOver) error {
	if n.Settings.Digest != "" {
		t.add(&left.Tally, noticeHosts)
		if err := n.collect(ctx, t); err != nil {
			return err
		}
		n.forget(ctx, backlogNotices, left)
		return nil
	}
	granted, err := n.takeRoom(ctx, outletNotices, 1)
	switch {
	case err != nil:
		return err
	case granted > 0:
		if err := n.Topic.Publish(ctx, n.composer.alertNotice(t, &left.Tally)); err != nil {
			return err
		}
		n.forget(ctx, backlogNotices, left)
	case !t.isEmpty():
		return n.leave(ctx, backlogNotices, t)
	}
	return nil
}

// sendFindings imports a finding for each claim, as long as there is room in the slot. The
// others have their event, or are counted in one, and are only counted here.
func (n *Notifier) sendFindings(ctx context.Context, claims []*claim, sums *totals) {
	claims = without(claims, targetHub)
	granted, err := n.takeRoom(ctx, outletFindings, len(claims))
	if err != nil {
		n.Log.ErrorContext(ctx, "counting findings failed", "why", err)
		settle(nil, targetHub, claims, nil, err)
		return
	}
	if granted == 0 && len(claims) == 0 {
		return
	}

	findings := make([]Finding, granted)
	for i := range findings {
		findings[i] = n.composer.finding(claims[i])
	}
	results := complete(n.Hub.Import(ctx, findings), granted)
	for i, err := range results {
		if err != nil {
			n.Log.ErrorContext(ctx, "importing a finding failed", "alert", claims[i].id, "why", err)
			sums.refused++
		} else {
			sums.imported++
		}
		if errors.Is(err, ErrRefused) { // another attempt would end the same way
			err = nil
		}
		settle(nil, targetHub, claims[i:i+1], nil, err)
	}
	settle(nil, targetHub, claims[granted:], nil, nil)
	sums.noRoomHub += len(claims) - granted
}
