//go:build e2e

package e2e_test

import (
	"fmt"
	"strings"
	"testing"
)

// logGroup is a log group as CloudWatch Logs describes it.
type logGroup struct {
	LogGroupName, KmsKeyID string
	RetentionInDays        int
}

// logGroup returns the one log group whose name begins with a text.
func (d *deployed) logGroup(t *testing.T, name string) logGroup {
	t.Helper()
	var out struct{ LogGroups []logGroup }
	in := map[string]string{}
	if name != "" {
		in["logGroupNamePrefix"] = name
	}
	d.e.ask(t, "logs", "Logs_20140328.DescribeLogGroups", in, &out)
	if len(out.LogGroups) != 1 { // no name is a prefix of another
		t.Fatalf("there are %d log groups %q", len(out.LogGroups), name)
	}
	return out.LogGroups[0]
}

// retention returns how long a log group keeps its events, in days.
func (d *deployed) retention(t *testing.T, group string) string {
	t.Helper()
	if group == "" {
		return "no log group"
	}
	found := d.logGroup(t, group)
	return strings.TrimSpace(fmt.Sprintf("%d days %s", found.RetentionInDays, d.keyName(found.KmsKeyID)))
}

// keyName distinguishes the deployment's own key, an existing one, and others. It returns
// "" if there is none.
func (d *deployed) keyName(arn string) string {
	if x := d.variant.existing; x != nil && arn == x.key {
		return "their key"
	}
	for _, key := range d.of("AWS::KMS::Key") {
		if strings.TrimPrefix(nameOf(arn), "key/") == key.id {
			return "our key"
		}
	}
	if arn != "" {
		return "AWS's key"
	}
	return ""
}

// wordFor returns which resource of the deployment a value names, or "".
func (d *deployed) wordFor(value string) string {
	if role := d.bucketRole(value); role != "" {
		return role
	}
	if value == d.outputs["TableName"] && value != d.variant.stack {
		return "the table"
	}
	return ""
}

// bucketRole returns what a bucket is used for, or "" if it is not the deployment's.
func (d *deployed) bucketRole(name string) string {
	roles := map[string]string{d.outputs["ListBucketName"]: "list bucket", d.outputs["IndexBucketName"]: "index bucket",
		d.outputs["OutputBucketName"]: "output bucket"}
	for _, bucket := range d.of("AWS::S3::Bucket") {
		if _, known := roles[bucket.id]; !known && strings.Contains(bucket.logical, "Results") {
			roles[bucket.id] = "result bucket"
		}
	}
	return roles[name]
}
