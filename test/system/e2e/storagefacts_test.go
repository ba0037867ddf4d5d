//go:build e2e

package e2e_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/resolverwatch/resolverwatch/pkg/catalog"
)

// buckets returns the buckets of the stack, and the existing ones that it uses.
func (d *deployed) buckets() (names []string) {
	for _, r := range d.of("AWS::S3::Bucket") {
		names = append(names, r.id)
	}
	if x := d.variant.existing; x != nil {
		names = append(names, x.lists, x.index, x.logs)
	}
	return names
}

func (d *deployed) bucketFacts(t *testing.T, f facts, bucketName string) {
	t.Helper()
	ctx, client, bucket, name := context.Background(), s3Client(d.e), &bucketName, d.bucketRole(bucketName)
	if name == "" {
		t.Fatalf("bucket %s has no role", bucketName)
	}
	versioning, err := client.GetBucketVersioning(ctx, &s3.GetBucketVersioningInput{Bucket: bucket})
	check(t, err)
	f.note(name+" versioning", versioning.Status)
	block, err := client.GetPublicAccessBlock(ctx, &s3.GetPublicAccessBlockInput{Bucket: bucket})
	check(t, err)
	b := block.PublicAccessBlockConfiguration
	f.note(name+" is private", aws.ToBool(b.BlockPublicAcls) && aws.ToBool(b.BlockPublicPolicy) &&
		aws.ToBool(b.IgnorePublicAcls) && aws.ToBool(b.RestrictPublicBuckets))
	owner, err := client.GetBucketOwnershipControls(ctx, &s3.GetBucketOwnershipControlsInput{Bucket: bucket})
	check(t, err)
	f.note(name+" ownership", owner.OwnershipControls.Rules[0].ObjectOwnership)
	encryption, err := client.GetBucketEncryption(ctx, &s3.GetBucketEncryptionInput{Bucket: bucket})
	check(t, err)
	rule := encryption.ServerSideEncryptionConfiguration.Rules[0].ApplyServerSideEncryptionByDefault
	f.note(name+" encryption", rule.SSEAlgorithm, d.keyName(aws.ToString(rule.KMSMasterKeyID)))
	f.note(name+" tells EventBridge", d.e.tellsEventBridge(t, bucketName))
	if d.e.peek(t, "s3", "/"+bucketName+"?lifecycle") == "" {
		f.note(name+" lifecycle", "")
		return
	}
	lifecycle, err := client.GetBucketLifecycleConfiguration(ctx, &s3.GetBucketLifecycleConfigurationInput{Bucket: bucket})
	check(t, err)
	f.note(name+" lifecycle", lifecycleText(lifecycle.Rules))
}

// tellsEventBridge reports whether a bucket sends its events to EventBridge.
func (e *emulator) tellsEventBridge(t *testing.T, bucket string) bool {
	t.Helper()
	events, err := s3Client(e).GetBucketNotificationConfiguration(context.Background(),
		&s3.GetBucketNotificationConfigurationInput{Bucket: &bucket})
	check(t, err)
	return events.EventBridgeConfiguration != nil
}

// lifecycleText describes a bucket's rules in order, one clause each.
func lifecycleText(rules []types.LifecycleRule) string {
	var clauses []string
	clause := func(format string, values ...any) { clauses = append(clauses, fmt.Sprintf(format, values...)) }
	for _, rule := range rules {
		if rule.Status != types.ExpirationStatusEnabled {
			continue
		}
		where := ""
		if rule.Filter != nil && aws.ToString(rule.Filter.Prefix) != "" {
			where = " under " + aws.ToString(rule.Filter.Prefix)
		}
		if abort := rule.AbortIncompleteMultipartUpload; abort != nil {
			clause("unfinished uploads %d days%s", aws.ToInt32(abort.DaysAfterInitiation), where)
		}
		if old := rule.NoncurrentVersionExpiration; old != nil {
			clause("old versions %d days%s", aws.ToInt32(old.NoncurrentDays), where)
		}
		if expiration := rule.Expiration; expiration != nil && aws.ToInt32(expiration.Days) > 0 {
			clause("objects %d days%s", aws.ToInt32(expiration.Days), where)
		}
		if expiration := rule.Expiration; expiration != nil && aws.ToBool(expiration.ExpiredObjectDeleteMarker) {
			clause("lone delete markers%s", where)
		}
	}
	return strings.Join(clauses, ", ")
}

// logTable is the table of marked logs in JSON.
const logTable = "dns_logs"

// glueTable is a table of the Data Catalog.
type glueTable struct {
	Name, TableType   string
	Parameters        map[string]string
	PartitionKeys     []struct{ Name, Type string }
	StorageDescriptor struct {
		Location  string
		Columns   []struct{ Name, Type string }
		SerdeInfo struct{ SerializationLibrary string }
	}
}

func (d *deployed) glueTable(t *testing.T, name string) glueTable {
	t.Helper()
	var out struct{ Table glueTable }
	in := map[string]string{"DatabaseName": d.outputs["DatabaseName"], "Name": name}
	d.e.ask(t, "glue", "AWSGlue.GetTable", in, &out)
	return out.Table
}

// catalogFacts describes the tables with which Athena reads the logs. It compares the
// columns with the catalog itself, because there are many.
func (d *deployed) catalogFacts(t *testing.T, f facts) {
	t.Helper()
	f.note("database", d.one(t, "AWS::Glue::Database", "").id)
	table := d.glueTable(t, d.writtenTable())
	f.note("glue table", table.Name, table.TableType, table.StorageDescriptor.SerdeInfo.SerializationLibrary)
	f.note("glue partition keys", table.PartitionKeys)
	for name, value := range table.Parameters {
		if strings.HasPrefix(name, "projection.") {
			f.note("glue "+name, value)
		}
	}
	var columns, want []string
	for _, column := range table.StorageDescriptor.Columns {
		columns = append(columns, column.Name+" "+column.Type)
	}
	for _, column := range catalog.Columns() {
		want = append(want, column.Name+" "+column.Type)
	}
	f.note("glue columns are the catalog's", len(columns) > 10 && slices.Equal(columns, want))
	for _, other := range d.of("AWS::Glue::Table") {
		if other.id != table.Name {
			bucket, folder, _ := strings.Cut(strings.TrimPrefix(d.glueTable(t, other.id).StorageDescriptor.Location, "s3://"), "/")
			f.note("glue table "+other.id, d.bucketRole(bucket), folder)
		}
	}
	d.queryFacts(t, f)
	var group struct {
		WorkGroup struct {
			Name, State   string
			Configuration struct {
				ResultConfiguration struct {
					OutputLocation          string
					EncryptionConfiguration struct{ EncryptionOption, KmsKey string }
				}
				EnforceWorkGroupConfiguration bool
				BytesScannedCutoffPerQuery    int64
			}
		}
	}
	d.e.ask(t, "athena", "AmazonAthena.GetWorkGroup", map[string]string{"WorkGroup": d.outputs["WorkGroupName"]}, &group)
	g := group.WorkGroup
	f.note("workgroup", g.Name, g.State, g.Configuration.BytesScannedCutoffPerQuery, "bytes, enforced:",
		g.Configuration.EnforceWorkGroupConfiguration)
	results := g.Configuration.ResultConfiguration
	bucket, folder, _ := strings.Cut(strings.TrimPrefix(results.OutputLocation, "s3://"), "/")
	f.note("workgroup results", d.bucketRole(bucket), folder, results.EncryptionConfiguration.EncryptionOption,
		d.keyName(results.EncryptionConfiguration.KmsKey))
}

// queryFacts lists the named queries, and checks that each belongs to the database and the
// workgroup. Other tests check that they run and return the right rows.
func (d *deployed) queryFacts(t *testing.T, f facts) {
	t.Helper()
	var names []string
	for _, r := range d.of("AWS::Athena::NamedQuery") {
		var out struct {
			NamedQuery struct{ Name, Database, WorkGroup, QueryString string }
		}
		d.e.ask(t, "athena", "AmazonAthena.GetNamedQuery", map[string]string{"NamedQueryId": r.id}, &out)
		q := out.NamedQuery
		if q.Database != d.outputs["DatabaseName"] || q.WorkGroup != d.outputs["WorkGroupName"] || q.QueryString == "" {
			t.Errorf("named query %s: database %q, workgroup %q: %q", q.Name, q.Database, q.WorkGroup, q.QueryString)
		}
		names = append(names, q.Name)
	}
	slices.Sort(names)
	f.note("named queries", strings.Join(names, ", "))
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
