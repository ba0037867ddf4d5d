//go:build !race

package resolverwatch_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/jsii-runtime-go"

	"github.com/resolverwatch/resolverwatch/infra/resolverwatch"
	"github.com/resolverwatch/resolverwatch/pkg/catalog"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// compacting returns the props of a catalog with compaction.
func compacting() *resolverwatch.CatalogProps {
	return &resolverwatch.CatalogProps{CatalogSettings: resolverwatch.CatalogSettings{Compaction: true}}
}

// The hunter copies a day each hour. It may write and delete copies, replace one view, and nothing
// else: the marked logs it only reads.
func TestCompaction_hunter(t *testing.T) {
	stack := newStack(t)
	newPipeline(stack, &resolverwatch.PipelineProps{Catalog: compacting(), EncryptionKey: awskms.NewKey(stack, jsii.String("Key"), nil)})
	made := synth(t, stack)
	made.one("AWS::Scheduler::Schedule", "compaction").want(t, object{
		"ScheduleExpression": "rate(1 hour)", "Target.Input": settings.CompactEvent,
		"Target.Arn": "<" + made.id("AWS::Lambda::Function", "Hunts") + ".Arn>"})
	made.one("AWS::Lambda::Function", "Hunts").wantReceived(t, object{
		"stack": "Test", "database": "test", "workGroup": "Test",
		"table":         "<" + made.id("AWS::DynamoDB::Table", "AlertsSent") + ">",
		"alertQueue":    "<" + made.id("AWS::SQS::Queue", "AlertsQueue") + ">",
		"compactBucket": "<" + made.id("AWS::S3::Bucket", "DeliveryLogs") + ">",
		"logFolder":     "dns-query-logs/", "logDay": "%Y/%m/%d", "logFolderAfter": "/"})

	got := made.one("AWS::IAM::Role", "HuntsRole").permissions()
	logs := "<" + made.id("AWS::S3::Bucket", "DeliveryLogs") + ".Arn>"
	const glue = "arn:<AWS::Partition>:glue:<AWS::Region>:<AWS::AccountId>:"
	for _, line := range []string{
		"s3:GetObject on " + logs + "/compacted/*", "s3:PutObject on " + logs + "/compacted/*", "s3:DeleteObject on " + logs + "/compacted/*",
		"glue:GetTable on " + glue + "table/test/dns_logs_compacted", "glue:UpdateTable on " + glue + "table/test/dns_logs_all",
	} {
		if !slices.Contains(got, line) {
			t.Errorf("may not %s:\n%s", line, strings.Join(got, "\n"))
		}
	}
	for _, line := range got {
		writes := strings.HasPrefix(line, "s3:Put") || strings.HasPrefix(line, "s3:Delete")
		if writes && strings.Contains(line, logs) && !strings.HasSuffix(line, logs+"/compacted/*") ||
			strings.HasPrefix(line, "glue:UpdateTable") && strings.Contains(line, "table/") && !strings.HasSuffix(line, "/dns_logs_all") {
			t.Errorf("may %s", line)
		}
	}
}

// The named queries read the view, which reads the logs alone until a day is copied. Its columns are
// those of both tables.
func TestCompaction_view(t *testing.T) {
	stack := newStack(t)
	pipeline := newPipeline(stack, &resolverwatch.PipelineProps{Catalog: compacting()})
	if got := pipeline.Catalog().TableName(); got != catalog.AllLogsView {
		t.Errorf("the queries read %s", got)
	}
	made := synth(t, stack)
	copies := made.one("AWS::Glue::Table", "CompactedTable")
	if got, want := flatten(copies.get("TableInput.Parameters").(object)["storage.location.template"]),
		"s3://<"+made.id("AWS::S3::Bucket", "DeliveryLogs")+">/compacted/${arrived}/"; got != want {
		t.Errorf("the copies are in %s, want %s", got, want)
	}
	copies.want(t, object{"TableInput.Parameters.classification": "parquet"})
	view := made.one("AWS::Glue::Table", "AllLogs")
	view.want(t, object{"TableInput.TableType": "VIRTUAL_VIEW", "TableInput.Parameters.presto_view": "true"})
	var described struct {
		OriginalSQL string `json:"originalSql"`
		Catalog     string `json:"catalog"`
		Schema      string `json:"schema"`
		Columns     []struct{ Name, Type string }
	}
	join := view.get("TableInput.ViewOriginalText").(object)["Fn::Join"].([]any)[1].([]any)
	text := join[1].(object)["Fn::Base64"].(string)
	if err := json.Unmarshal([]byte(text), &described); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	if described.OriginalSQL != catalog.ViewSQL(catalog.Copied{}) || described.Catalog != "awsdatacatalog" || described.Schema != "test" ||
		len(described.Columns) != len(catalog.Columns())+1 {
		t.Errorf("the view is %+v", described)
	}
	for _, id := range made.ids("AWS::Athena::NamedQuery") {
		if sql := flatten(made.resources[id].get("QueryString")); strings.Contains(sql, "FROM dns_logs\n") {
			t.Errorf("%s reads the logs themselves", id)
		}
	}
}

// A pipeline without compaction has neither the table nor the view nor the permissions.
func TestCompaction_off(t *testing.T) {
	stack := newStack(t)
	newPipeline(stack, nil)
	made := synth(t, stack)
	for _, id := range slices.Concat(made.ids("AWS::Glue::Table"), made.ids("AWS::Scheduler::Schedule")) {
		if strings.Contains(strings.ToLower(id), "compact") || strings.Contains(id, "AllLogs") {
			t.Errorf("there is %s", id)
		}
	}
	for _, line := range made.one("AWS::IAM::Role", "HuntsRole").permissions() {
		if strings.HasPrefix(line, "glue:UpdateTable") || strings.Contains(line, "compacted") {
			t.Errorf("may %s", line)
		}
	}
}

// Compaction that cannot work is refused with what to change.
func TestCompaction_refusals(t *testing.T) {
	for _, tt := range []struct {
		where string
		props resolverwatch.PipelineProps
	}{
		{"Test/Pipeline Catalog.Compaction", resolverwatch.PipelineProps{WithoutHunts: true}},
		{"Test/Pipeline/Catalog Compaction", resolverwatch.PipelineProps{Delivery: delivering(resolverwatch.DeliverySettings{Format: resolverwatch.FormatParquet})}},
		{"Test/Pipeline/Catalog Compaction", resolverwatch.PipelineProps{Delivery: delivering(resolverwatch.DeliverySettings{Prefix: "logs/!{timestamp:yyyy/MM/dd/HH}/"})}},
		{"Test/Pipeline/Catalog Compaction", resolverwatch.PipelineProps{Delivery: delivering(resolverwatch.DeliverySettings{Prefix: "compacted/logs/!{timestamp:yyyy/MM/dd}/"})}},
	} {
		tt.props.Catalog = compacting()
		wantRefused(t, func(stack awscdk.Stack) { newPipeline(stack, &tt.props) }, tt.where)
	}
	governed := compacting()
	governed.LakeFormation = true
	wantRefused(t, func(stack awscdk.Stack) {
		newPipeline(stack, &resolverwatch.PipelineProps{Catalog: governed})
	}, "Test/Pipeline/Catalog Compaction")
	wantRefused(t, func(stack awscdk.Stack) {
		props := compacting()
		props.OutputBucket, props.ParquetPrefix = awss3.NewBucket(stack, jsii.String("Output"), nil), "parquet/!{timestamp:yyyy/MM/dd}/"
		resolverwatch.NewCatalog(stack, "Catalog", props)
	}, "Test/Catalog Compaction")
}

func delivering(settings resolverwatch.DeliverySettings) *resolverwatch.DeliveryProps {
	return &resolverwatch.DeliveryProps{DeliverySettings: settings}
}
