//go:build e2e

package e2e_test

import (
	"testing"
	"time"

	"github.com/resolverwatch/resolverwatch/internal/localaws/sample"
)

// story drives a deployment while it exists.
type story struct {
	*deployed
	generator *sample.Generator
	ledger    *sample.Ledger // of everything that was sent
	guest     *guest
	diverted  map[string]bool // data of records that a broken transformer failed
}

// drive sends lists and logs through the deployment.
func (s *story) drive(t *testing.T, r *report) {
	begin := time.Now()
	m := startMachine(t, s.deployed) // not in a stage: what it starts must live as long as the test
	s.diverted = m.diverted
	r.titlef("  driven, after %.1f s of building for this machine", time.Since(begin).Seconds())
	if s.variant.existing != nil {
		r.stage(t, "change nothing existing", func(t *testing.T) { s.guest.checkUntouched(t, s.deployed) })
		r.stage(t, "upload without events", m.uploadUnheard)
		r.stage(t, "follow the outputs", func(t *testing.T) { r.detailf("%s", s.guest.follow(t, s.deployed)) })
	}
	r.stage(t, "mark without an index", func(t *testing.T) { m.markWithoutIndex(t, s.generator, s.ledger) })
	r.stage(t, "import lists", m.importLists)
	r.stage(t, "mark logs", func(t *testing.T) { r.detailf("%s", m.markLogs(t, s.generator, s.ledger)) })
	if m.hasAlerts() {
		r.stage(t, "report matches", func(t *testing.T) { r.detailf("%s", m.reportMatches(t, s.ledger)) })
	}
	if m.hasLogBucket() {
		r.stage(t, "mark troubled objects", func(t *testing.T) { r.detailf("%s", m.markTroubled(t, s.generator, s.ledger)) })
		r.stage(t, "mark old objects", func(t *testing.T) { r.detailf("%s", m.markOld(t, s.generator, s.ledger)) })
	}
	if s.variant.replays {
		r.stage(t, "bring records back", func(t *testing.T) { r.detailf("%s", m.bringBack(t, s.ledger)) })
	}
	r.stage(t, "refuse a list", m.refuseList)
	r.stage(t, "change lists", m.changeLists)
	r.stage(t, "mark after the change", func(t *testing.T) { m.markAfterChange(t, s.generator, s.ledger) })
	if m.hasAlerts() {
		r.stage(t, "report each match once", func(t *testing.T) { m.reportOnce(t, s.generator, s.ledger) })
		r.stage(t, "test alert", func(t *testing.T) { r.detailf("%s", m.alertTest(t)) })
	}
	r.stage(t, "publish on schedule", m.publishOnSchedule)
	if m.hasAlerts() {
		r.stage(t, "hunt on schedule", func(t *testing.T) { r.detailf("%s", m.huntOnSchedule(t)) })
	}
	r.part(t, "fetch on schedule", m.fetchOnSchedule)
	r.part(t, "no loop", m.nothingLoops)
	r.part(t, "permissions", func(t *testing.T) { r.detailf("%s", m.checkPermissions(t)) })
}

// update changes settings of the deployment, and sends more through it.
func (s *story) update(t *testing.T, r *report, c *cdk) {
	r.titlef("  updated: %d settings", len(s.variant.changes))
	var after *deployed
	r.stage(t, "deploy the changes", func(t *testing.T) {
		after = s.deployed.update(t, c)
		r.detailf("%d resources before, all kept their names, and %d now", len(s.resources), len(after.resources))
	})
	m := startMachine(t, after)
	m.diverted = s.diverted // they are still where Firehose set them aside
	r.stage(t, "mark after the update", func(t *testing.T) { m.markAfterUpdate(t, s.generator, s.ledger) })
	r.stage(t, "report new matches", func(t *testing.T) { m.reportOnly(t, lateName) })
	r.part(t, "permissions", func(t *testing.T) { m.decideCalls(t, m.roles(t)) })
}
