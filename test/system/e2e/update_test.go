//go:build e2e

package e2e_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/resolverwatch/resolverwatch/internal/localaws/sample"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// changed returns settings that people change on a running deployment. The new VPC is
// listed before the existing one.
func changed(vpc, newVPC string) map[string]any {
	return map[string]any{
		"queryLogging.vpcIds": newVPC + "," + vpc, "logRetentionDays": 30,
		"importer.memoryMiB": 1280, "importer.guards.shrinkPercent": 35,
		"feeds":                 map[string]any{lateFeed: map[string]any{"format": "plain", "category": "phishing", "severity": "high", "confidence": 90}},
		"transformer.memoryMiB": 384, "transformer.pollInterval": "20s",
		"delivery.bufferInterval": "90s", "delivery.bufferSizeMiB": 8, "delivery.markedLogRetentionDays": 400,
	}
}

// A feed that the update adds, and a name in its list.
const (
	lateFeed = "late"
	lateName = "login.late.example"
)

// update changes the deployment's settings, and checks that no resource is replaced.
func (d *deployed) update(t *testing.T, c *cdk) *deployed {
	t.Helper()
	settings := maps.Clone(d.variant.settings)
	maps.Copy(settings, d.variant.changes)
	c.run(t, root(t), deployArgs(t, d.folder, settings)...)
	after := read(t, d.e, d.variant, d.folder)
	if got, hints := after.transformer.MemorySize, after.stream.Config.BufferingHints; got != 384 || hints.SizeInMBs != 8 {
		t.Errorf("after the update, the transformer has %d MiB and the stream buffers %d MiB, want 384 and 8", got, hints.SizeInMBs)
	}
	for _, before := range d.resources {
		if !slices.Contains(after.resources, before) {
			t.Errorf("%s %s was replaced or is gone: %s", before.kind, before.logical, before.id)
		}
	}
	var added []string
	for _, now := range after.resources {
		if !slices.Contains(d.resources, now) {
			added = append(added, now.kind)
		}
	}
	slices.Sort(added)
	if want := []string{"AWS::Route53Resolver::ResolverQueryLoggingConfigAssociation", "AWS::SSM::Parameter"}; !slices.Equal(added, want) {
		t.Errorf("the update created %q, want only those of the new VPC and the new feed: %q", added, want)
	}
	return after
}

// markAfterUpdate queries the earlier names, and names in a list of the new feed, after the
// update.
func (m *machine) markAfterUpdate(t *testing.T, generator *sample.Generator, ledger *sample.Ledger) {
	t.Helper()
	before := m.current(t)
	m.upload(t, settings.BlockPrefix+lateFeed+"/list.txt", []byte(lateName+"\n"))
	m.settle(t)
	if after := m.current(t); after.Generation <= before.Generation {
		t.Errorf("generation %d is current after an upload, before: %d", after.Generation, before.Generation)
	}
	m.checkRow(t, lateName, lateFeed+"#block#subtree", true)
	records := []sample.Record{
		generator.Ask("www."+lateName+".", sample.Want{Verdict: sample.Malicious, Indicator: lateName, Part: "query_name", Feeds: []string{lateFeed}}),
		generator.Ask("www."+legacyName+".", sample.Want{Verdict: sample.Malicious, Indicator: legacyName, Part: "query_name", Feeds: []string{"default"}}),
	}
	m.send(t, ledger, records)
	m.checkRating(t, m.audit(t, ledger), lateFeed, "phishing high 90")
}
