//go:build e2e

package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// facts describe existing resources: the answers of their APIs, by name.
type facts map[string]string

func (f facts) note(name string, parts ...any) {
	f[name] = strings.TrimSpace(fmt.Sprintln(parts...))
}

// differences returns the names of the facts that are not the same in both, sorted.
func (f facts) differences(other facts) (names []string) {
	for name := range f {
		if f[name] != other[name] {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// guest checks that a deployment does not change existing resources. People do the steps
// that it asks for, before the deployment and after it.
type guest struct {
	added []string // statements that synthesis asked for
	state facts    // of the existing resources, after the last step that people did
}

// prepare does the steps that synthesis asks for.
func (g *guest) prepare(t *testing.T, c *cdk, x *existing, app []string) {
	t.Helper()
	g.added = c.followSynthesis(t, app...)
	g.state = x.state(t, c.emulator)
}

// checkUntouched checks that the deployment has not changed the existing resources.
func (g *guest) checkUntouched(t *testing.T, d *deployed) {
	t.Helper()
	if changed := g.state.differences(d.variant.existing.state(t, d.e)); len(changed) > 0 {
		t.Errorf("the deployment changed existing resources: %q", changed)
	}
}

// follow does the steps in the outputs, which change exactly what they name, and returns
// what was done.
func (g *guest) follow(t *testing.T, d *deployed) string {
	t.Helper()
	done, x, before := d.followOutputs(t, g.added), d.variant.existing, g.state
	g.state = x.state(t, d.e)
	want := []string{"table DescribeTimeToLive", x.lists + " notification", x.lists + " versioning"}
	if changed := before.differences(g.state); !slices.Equal(changed, want) {
		t.Errorf("the steps changed %q, want %q", changed, want)
	}
	if expiry := g.state["table DescribeTimeToLive"]; !strings.Contains(expiry, settings.TableTTL) {
		t.Errorf("rows do not expire: %s", expiry)
	}
	return strings.Join(done, ", ")
}

// state returns the whole configuration of the existing resources, one text for each,
// without their content.
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
			delete(members, "ItemCount") // depends on the content
			delete(members, "TableSizeBytes")
		}
		f.note("table "+operation, encode(out))
	}
	f.note("topic policy", e.topicPolicy(t, x.topic))
	return f
}

// checkKept checks that deleting a deployment removed nothing else.
func (d *deployed) checkKept(t *testing.T, before facts) {
	t.Helper()
	x := d.variant.existing
	if changed := before.differences(x.state(t, d.e)); len(changed) > 0 {
		t.Errorf("deleting the stack changed existing resources: %q", changed)
	}
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
