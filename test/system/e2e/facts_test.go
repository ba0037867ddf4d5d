//go:build e2e

package e2e_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	awsfirehose "github.com/aws/aws-sdk-go-v2/service/firehose"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
)

// facts describe a deployment, one line each, by name.
type facts map[string]string

func (f facts) note(name string, parts ...any) {
	f[name] = strings.TrimSpace(fmt.Sprintln(parts...))
}

// facts reads everything that a setting affects.
func (d *deployed) facts(t *testing.T) facts {
	t.Helper()
	f := facts{}
	f.note("stack tags", d.tags)
	d.streamFacts(t, f)
	d.queryLogFacts(t, f)
	d.tableFacts(t, f)
	for _, bucket := range d.buckets() {
		d.bucketFacts(t, f, bucket)
	}
	d.functionFacts(t, f, "importer", d.importer)
	d.functionFacts(t, f, "transformer", d.transformer)
	d.eventFacts(t, f)
	d.catalogFacts(t, f)
	return f
}

// compare fails for every fact that differs from the expected one, and for every fact that
// is not expected at all.
func (f facts) compare(t *testing.T, want map[string]string) {
	t.Helper()
	names := slices.Collect(maps.Keys(f))
	for name := range want {
		if _, there := f[name]; !there {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		if wanted, known := want[name]; !known {
			t.Errorf("%s: is %q, but is not expected", name, f[name])
		} else if f[name] != wanted {
			t.Errorf("%s:\ngot  %q\nwant %q", name, f[name], wanted)
		}
	}
}

func (d *deployed) streamFacts(t *testing.T, f facts) {
	t.Helper()
	c := d.stream.Config
	f.note("stream prefix", c.Prefix)
	f.note("stream error prefix", c.ErrorOutputPrefix)
	f.note("stream buffer", c.BufferingHints.SizeInMBs, "MiB", c.BufferingHints.IntervalInSeconds, "s")
	f.note("stream compression", c.CompressionFormat, c.FileExtension)
	p := c.Processing
	f.note("stream processor", p.BufferSizeInMBs, "MiB", p.BufferIntervalInSeconds, "s", p.NumberOfRetries, "retries")
	if c.Conversion != nil {
		table := c.Conversion.Table
		f.note("stream converts by", table.DatabaseName, table.TableName, table.VersionID, c.Conversion.Compression,
			"as its role:", d.stream.SchemaRoleARN == d.stream.RoleARN)
	}
	if c.Backup != nil {
		f.note("stream backup", d.bucketRole(nameOf(d.stream.BackupBucketARN)), c.Backup.Prefix, c.Backup.CompressionFormat)
	}
	f.note("stream delivers to", d.bucketRole(strings.TrimPrefix(d.stream.BucketARN, "arn:aws:s3:::")))
	written := d.streamText.Destinations[0].ExtendedS3DestinationDescription.EncryptionConfiguration
	if written != nil && written.KMSEncryptionConfig != nil {
		f.note("stream writes with", d.keyName(aws.ToString(written.KMSEncryptionConfig.AWSKMSKeyARN)))
	}
	f.note("stream error log", d.stream.LogGroup != "" && d.stream.LogStream != "")
	f.note("stream error log is kept", d.retention(t, d.stream.LogGroup))
	encryption := d.streamText.DeliveryStreamEncryptionConfiguration
	f.note("stream encryption", encryption.KeyType, d.keyName(aws.ToString(encryption.KeyARN)))
	tags, err := awsfirehose.NewFromConfig(d.e.config()).ListTagsForDeliveryStream(context.Background(),
		&awsfirehose.ListTagsForDeliveryStreamInput{DeliveryStreamName: d.streamText.DeliveryStreamName})
	if err != nil {
		t.Fatal(err)
	}
	for _, tag := range tags.Tags {
		f.note("stream tag "+aws.ToString(tag.Key), aws.ToString(tag.Value))
	}
}

func (d *deployed) queryLogFacts(t *testing.T, f facts) {
	t.Helper()
	var configs struct {
		ResolverQueryLogConfigs []struct{ ID, Name, DestinationArn string }
	}
	d.e.ask(t, "route53resolver", "Route53Resolver.ListResolverQueryLogConfigs", struct{}{}, &configs)
	for _, config := range configs.ResolverQueryLogConfigs {
		f.note("query log", config.Name, "to the stream:", config.DestinationArn == d.outputs["DeliveryStreamArn"])
	}
	var associations struct {
		ResolverQueryLogConfigAssociations []struct{ ResourceID, ResolverQueryLogConfigID, Status string }
	}
	d.e.ask(t, "route53resolver", "Route53Resolver.ListResolverQueryLogConfigAssociations", struct{}{}, &associations)
	for _, association := range associations.ResolverQueryLogConfigAssociations {
		f.note("query log of "+association.ResourceID, association.Status, "by the configuration:", association.ResolverQueryLogConfigID == d.outputs["QueryLogConfigId"])
	}
}

func (d *deployed) tableFacts(t *testing.T, f facts) {
	t.Helper()
	ctx, client, name := context.Background(), dynamodb.NewFromConfig(d.e.config()), d.outputs["TableName"]
	out, err := client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &name})
	if err != nil {
		t.Fatal(err)
	}
	table := out.Table
	if billing := table.BillingModeSummary; billing != nil {
		f.note("table billing", billing.BillingMode)
	}
	if units := table.ProvisionedThroughput; aws.ToInt64(units.ReadCapacityUnits) > 0 {
		f.note("table capacity", aws.ToInt64(units.ReadCapacityUnits), aws.ToInt64(units.WriteCapacityUnits))
	}
	for _, key := range table.KeySchema {
		f.note("table key "+string(key.KeyType), aws.ToString(key.AttributeName))
	}
	f.note("table deletion protection", aws.ToBool(table.DeletionProtectionEnabled))
	if sse := table.SSEDescription; sse != nil {
		f.note("table encryption", sse.Status, sse.SSEType, d.keyName(aws.ToString(sse.KMSMasterKeyArn)))
	}
	expiry, err := client.DescribeTimeToLive(ctx, &dynamodb.DescribeTimeToLiveInput{TableName: &name})
	if err != nil {
		t.Fatal(err)
	}
	f.note("table expiry", aws.ToString(expiry.TimeToLiveDescription.AttributeName), expiry.TimeToLiveDescription.TimeToLiveStatus)
	backups, err := client.DescribeContinuousBackups(ctx, &dynamodb.DescribeContinuousBackupsInput{TableName: &name})
	if err != nil {
		t.Fatal(err)
	}
	f.note("table point-in-time recovery",
		backups.ContinuousBackupsDescription.PointInTimeRecoveryDescription.PointInTimeRecoveryStatus)
}

func (d *deployed) functionFacts(t *testing.T, f facts, name string, c functionConfig) {
	t.Helper()
	f.note(name+" runtime", c.Runtime, c.Handler, c.Architectures)
	f.note(name+" memory and timeout", c.MemorySize, "MiB", c.Timeout, "s")
	f.note(name+" log is kept", d.retention(t, c.LoggingConfig.LogGroup))
	f.note(name+" encryption", d.keyName(c.KMSKeyArn))
	for variable, value := range c.Environment.Variables {
		if known := d.wordFor(value); known != "" {
			value = known
		}
		f.note(name+" "+variable, value)
	}
	var reserved struct{ ReservedConcurrentExecutions int }
	d.e.get(t, "lambda", "/2019-09-30/functions/"+c.FunctionName+"/concurrency", &reserved)
	if reserved.ReservedConcurrentExecutions != 0 {
		f.note(name+" concurrency", reserved.ReservedConcurrentExecutions)
	}
}

// eventFacts describes the triggers of the importer, and the settings of its feeds.
func (d *deployed) eventFacts(t *testing.T, f facts) {
	t.Helper()
	for _, rule := range d.rules(t) {
		f.note("rule "+rule.kind(), rule.ScheduleExpression, rule.State)
	}
	for _, schedule := range d.schedules(t) {
		f.note("schedule", schedule.ScheduleExpression, schedule.State, schedule.FlexibleTimeWindow.Mode, schedule.Target.Input,
			"to the importer:", schedule.Target.Arn == d.importer.FunctionArn)
	}
	for _, parameter := range d.of("AWS::SSM::Parameter") {
		out, err := ssm.NewFromConfig(d.e.config()).GetParameter(context.Background(), &ssm.GetParameterInput{Name: &parameter.id})
		if err != nil {
			t.Fatal(err)
		}
		f.note("parameter "+parameter.id, aws.ToString(out.Parameter.Value))
	}
	var retries struct {
		MaximumRetryAttempts, MaximumEventAgeInSeconds int
		DestinationConfig                              struct{ OnFailure struct{ Destination string } }
	}
	d.e.get(t, "lambda", "/2019-09-25/functions/"+d.importer.FunctionName+"/event-invoke-config", &retries)
	queue := d.one(t, "AWS::SQS::Queue", "Importer")
	f.note("importer events", retries.MaximumRetryAttempts, "retries", retries.MaximumEventAgeInSeconds, "s, then to the queue:",
		nameOf(retries.DestinationConfig.OnFailure.Destination) == nameOf(queue.id))
	attributes := d.queueAttributes(t, queue.id)
	encryption := d.keyName(attributes["KmsMasterKeyId"])
	if encryption == "" && attributes["SqsManagedSseEnabled"] == "true" {
		encryption = "key of SQS"
	}
	f.note("dead-letter queue", attributes["MessageRetentionPeriod"], "s", encryption)
}

func (d *deployed) queueAttributes(t *testing.T, url string) map[string]string {
	t.Helper()
	var out struct{ Attributes map[string]string }
	d.e.ask(t, "sqs", "AmazonSQS.GetQueueAttributes", map[string]any{"QueueUrl": url, "AttributeNames": []string{"All"}}, &out)
	return out.Attributes
}
