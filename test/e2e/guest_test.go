//go:build e2e

package e2e_test

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// guest is what a deployment among existing resources does to them: nothing. People do
// what it asks for, before the deployment and after it.
type guest struct {
	added []string // statements, as synthesis told of them
	state facts    // of the existing resources, after what people did last
}

// prepare does what synthesis asks for.
func (g *guest) prepare(t *testing.T, c *cdk, x *existing, app []string) {
	t.Helper()
	g.added = c.followSynthesis(t, app...)
	g.state = x.state(t, c.emulator)
}

// checkUntouched makes sure that the deployment has left the existing resources as they
// were, and does not own them.
func (g *guest) checkUntouched(t *testing.T, d *deployed) {
	t.Helper()
	d.variant.existing.state(t, d.e).compare(t, g.state)
	d.checkOwner(t)
}

// follow does what the outputs ask for, after which all else must still be as wanted, and
// returns what was done.
func (g *guest) follow(t *testing.T, d *deployed) string {
	t.Helper()
	done := d.followOutputs(t, g.added)
	want := maps.Clone(d.variant.want)
	maps.Copy(want, d.variant.afterwards)
	d.facts(t).compare(t, want)
	g.state = d.variant.existing.state(t, d.e)
	return strings.Join(done, ", ")
}

// state is everything that is set on what was there before, one text for each, but not
// what it holds.
func (x *existing) state(t *testing.T, e *emulator) facts {
	t.Helper()
	f := facts{}
	for _, bucket := range x.buckets() {
		for _, part := range []string{"versioning", "lifecycle", "policy", "encryption", "notification", "logging", "tagging",
			"publicAccessBlock", "ownershipControls", "acl"} {
			f.note(bucket+" "+part, e.peek(t, "s3", "/"+bucket+"?"+part))
		}
	}
	for _, operation := range []string{"GetKeyPolicy", "DescribeKey", "ListGrants", "GetKeyRotationStatus", "ListResourceTags"} {
		var out json.RawMessage
		e.ask(t, "kms", "TrentService."+operation, map[string]string{"KeyId": x.key, "PolicyName": "default"}, &out)
		f.note("key "+operation, string(out))
	}
	for _, operation := range []string{"DescribeTable", "DescribeTimeToLive", "DescribeContinuousBackups"} {
		var out map[string]map[string]any
		e.ask(t, "dynamodb", "DynamoDB_20120810."+operation, map[string]string{"TableName": x.table}, &out)
		for _, members := range out {
			delete(members, "ItemCount") // what it holds
			delete(members, "TableSizeBytes")
		}
		f.note("table "+operation, encode(out))
	}
	return f
}

// checkKept makes sure that a deployment that is gone took nothing along.
func (d *deployed) checkKept(t *testing.T, before facts) {
	t.Helper()
	x := d.variant.existing
	x.state(t, d.e).compare(t, before)
	for _, bucket := range []string{x.lists, x.index, x.logs} {
		out, err := s3Client(d.e).ListObjectsV2(context.Background(), &s3.ListObjectsV2Input{Bucket: &bucket})
		check(t, err)
		if len(out.Contents) == 0 {
			t.Errorf("bucket %s is empty after the deployment is gone", bucket)
		}
	}
	rows, err := dynamodb.NewFromConfig(d.e.config()).Scan(context.Background(), &dynamodb.ScanInput{TableName: &x.table})
	check(t, err)
	if rows.Count == 0 {
		t.Error("the table is empty after the deployment is gone")
	}
}

// checkOwner makes sure that the stack has nothing of what was there before: it would
// delete it at some time.
func (d *deployed) checkOwner(t *testing.T) {
	t.Helper()
	x := d.variant.existing
	theirs := append(x.buckets(), x.table, x.key, nameOf(x.key))
	for _, r := range d.resources {
		if slices.Contains(theirs, r.id) {
			t.Errorf("%s %s of the stack is %s, which was there before", r.kind, r.logical, r.id)
		}
	}
}
