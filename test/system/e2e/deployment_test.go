//go:build e2e

package e2e_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/resolverwatch/resolverwatch/internal/localaws/sample"
)

// TestDeployment deploys, drives and destroys each variant.
func TestDeployment(t *testing.T) {
	out, r := output(t), &report{}
	defer func() { r.write(t, filepath.Join(out, "report.txt")) }()
	r.titlef("Resolverwatch, deployed to an emulator of AWS")
	e := startEmulator(t, filepath.Join(out, "moto.log"))
	c := &cdk{command: needed(t, "E2E_CDK"), emulator: e, log: filepath.Join(out, "cdk.log")}
	r.stage(t, "bootstrap", c.bootstrap)
	for _, v := range variants(e.newVPC(t, "10.1.0.0/16"), e.newVPC(t, "10.2.0.0/16"), e.newExisting(t)) {
		t.Run(v.name, func(t *testing.T) { deploy(t, r, c, v, filepath.Join(out, v.name)) })
	}
	r.titlef("afterwards")
	r.part(t, "the emulator's log", func(t *testing.T) {
		for _, problem := range e.problems(t) {
			t.Errorf("reports problems:\n%s", problem)
		}
	})
}

// deploy runs one deployment from synthesis to deletion.
func deploy(t *testing.T, r *report, c *cdk, v variant, folder string) {
	check(t, os.MkdirAll(folder, 0o755))
	r.titlef("%s: stack %s, %d settings", v.name, v.stack, len(v.settings))
	g := &guest{}
	if v.existing != nil {
		r.stage(t, "follow the synthesis", func(t *testing.T) { g.prepare(t, c, v.existing, appArgs(t, folder, v.settings)) })
	}
	args := deployArgs(t, folder, v.settings)
	r.stage(t, "deploy", func(t *testing.T) { c.run(t, root(t), args...) })
	var d *deployed
	r.stage(t, "read back", func(t *testing.T) {
		d = read(t, c.emulator, v, folder)
		r.detailf("%s", d.inventory())
		d.checkAlertsOff(t)
	})
	if v.changes != nil {
		r.stage(t, "deploy again, no changes", func(t *testing.T) {
			if out := c.run(t, root(t), args...); !strings.Contains(out, "(no changes)") {
				t.Errorf("the second deployment changes something:\n%s", out)
			}
		})
		r.part(t, "compare the code", func(t *testing.T) {
			d.checkAllCode(t)
		})
	}
	story := &story{deployed: d, generator: sample.New(1, time.Now().Add(-time.Hour)), ledger: sample.NewLedger(), guest: g}
	driven := t.Run("drive", func(t *testing.T) { story.drive(t, r) })
	if v.changes != nil && driven {
		t.Run("update", func(t *testing.T) { story.update(t, r, c) })
	}
	r.stage(t, "destroy", func(t *testing.T) {
		c.run(t, root(t), "destroy", "--force", "--app", assembly(folder))
		kept := d.checkDestroyed(t)
		r.detailf("retained, with their content: %s", strings.Join(kept, ", "))
	})
	if v.existing != nil {
		r.part(t, "existing resources", func(t *testing.T) { d.checkKept(t, g.state) })
	}
}

// outliving are the types of resources that may stay when a stack is destroyed: resources
// with data, and resources that protect it.
var outliving = []string{"AWS::S3::Bucket", "AWS::S3::BucketPolicy", "AWS::DynamoDB::Table", "AWS::KMS::Key", "AWS::KMS::Alias"}

// checkDestroyed checks that the resources with data still exist, and no others, and
// returns the types that were left on purpose.
func (d *deployed) checkDestroyed(t *testing.T) (kept []string) {
	t.Helper()
	status, reasons := d.e.status(t, d.stackID)
	if status != "DELETE_COMPLETE" {
		t.Fatalf("the stack is %s:\n%s", status, reasons)
	}
	left := buckets(t, d.e)
	for _, bucket := range d.of("AWS::S3::Bucket") {
		if !slices.Contains(left, bucket.id) {
			t.Errorf("the bucket %s is gone: data must outlive the stack", bucket.logical)
		}
	}
	tables, err := dynamodb.NewFromConfig(d.e.config()).ListTables(context.Background(), &dynamodb.ListTablesInput{})
	check(t, err)
	if !slices.Contains(tables.TableNames, d.outputs["TableName"]) {
		t.Error("the table is gone: data must outlive the stack")
	}
	kept = d.skipped(t)
	for _, kind := range kept {
		if !slices.Contains(outliving, kind) {
			t.Errorf("%s outlives the stack, but has no data", kind)
		}
	}
	return kept
}
