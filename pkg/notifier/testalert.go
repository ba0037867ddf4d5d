package notifier

import (
	"context"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/alert"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// test is a test alert of a batch.
type test struct {
	message int
	id      string
}

// Answers of targets to a test alert, besides the texts of errors.
const (
	outcomeOK  = "ok"
	outcomeOff = "off" // the target is not configured
)

// testKeptFor is how long the outcome of a test alert can be read.
const testKeptFor = 24 * time.Hour

// testRow is what a test alert is about. Its names are reserved.
func testRow(now time.Time) alert.Row {
	return alert.Row{
		AccountID: "000000000000", VPCID: "vpc-00000000", SrcAddr: "192.0.2.1",
		Indicator: "test-alert.example", Scope: "name", Matched: "test-alert.example", Part: "query_name",
		Feeds: []string{"test"}, Category: "test", Severity: "low",
		FirstSeen: now, LastSeen: now, Records: 1,
	}
}

// sendTest sends a test alert to every target and stores their answers. A target that fails is a
// result, so the message is done. Test alerts do not count as alerts, neither in the table nor in
// the bounds of a slot.
func (n *Notifier) sendTest(ctx context.Context, b *batch, t test) {
	now := n.now()
	key := settings.SentTestKey(t.id)
	row := testRow(now)
	c := &claim{
		id:    t.id,
		match: &match{key: key, row: row, origin: alert.OriginFirehose, stack: n.Settings.Stack},
		sent: Sent{
			CreatedAt: now, FirstSeen: now, LastSeen: now, WindowFrom: now, LeaseUntil: now.Add(lease),
		},
	}

	outcome := TestOutcome{At: now, ExpiresAt: now.Add(testKeptFor), Bus: outcomeOff, Topic: outcomeOff, Hub: outcomeOff}
	detail := n.composer.detail(c)
	detail.Test = true
	outcome.Bus = outcomeOf(n.putEvents(ctx, []Event{{DetailType: detailMatch, Detail: encode(detail), Time: now}})[0])
	if n.Topic != nil {
		outcome.Topic = outcomeOf(n.Topic.Publish(ctx, Notice{
			Subject: "Resolverwatch: test alert, nothing was found",
			Body: "Stack " + shown(n.Settings.Stack, maxWord) + ": this is the test alert " + t.id + ".\n" +
				"Somebody sent it to see whether notices arrive. No host asked for a malicious name.\n",
			Severity: row.Severity, Kind: kindTest,
		}))
	}
	if n.Hub != nil {
		outcome.Hub = outcomeOf(complete(n.Hub.Import(ctx, []Finding{n.composer.testFinding(c)}), 1)[0])
	}

	n.Log.InfoContext(ctx, "test alert sent", "id", t.id, "bus", outcome.Bus, "topic", outcome.Topic, "hub", outcome.Hub)
	if err := n.Table.PutTest(ctx, key, outcome); err != nil {
		n.Log.ErrorContext(ctx, "storing the outcome of a test alert failed", "id", t.id, "why", err)
		b.failed[t.message] = true
	}
}

// testFinding returns an archived sample, which is not in the list of active findings.
func (co *composer) testFinding(c *claim) Finding {
	f := co.finding(c)
	f.ID = "resolverwatch/" + co.home.region + "/test/" + c.id
	f.Title, f.Description = "Test alert of Resolverwatch", "Somebody sent this finding to see whether findings arrive. No host asked for a malicious name."
	f.Severity, f.Archived, f.Sample = "INFORMATIONAL", true, true
	return f
}

func outcomeOf(err error) string {
	if err != nil {
		return shown(err.Error(), maxDescription)
	}
	return outcomeOK
}
