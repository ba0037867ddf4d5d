//go:build e2e

package e2e_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	firehosetypes "github.com/aws/aws-sdk-go-v2/service/firehose/types"

	"github.com/resolverwatch/resolverwatch/pkg/localaws/firehose"
	"github.com/resolverwatch/resolverwatch/test/e2e/permission"
)

// converting is a deployment whose stream writes Parquet. The embedded Firehose does not,
// so that it is deployed, compared and destroyed, and not driven.
func converting(vpc string) variant {
	return variant{name: "parquet", stack: "Columns", key: true, converts: true, settings: map[string]any{
		"stackName": "Columns", "createKey": true, "queryLogging.vpcIds": vpc, "delivery.format": "PARQUET",
		"delivery.parquetPrefix": "columns/!{timestamp:yyyy/MM/dd}/", "delivery.bufferSizeMiB": 64,
	}}
}

// checkConversion makes sure that the stream converts by a deployed table, that this
// table's partitions are where it writes, and that its role may do what it takes.
func (d *deployed) checkConversion(t *testing.T) {
	t.Helper()
	if _, err := firehose.Describe(d.streamText); err == nil {
		t.Error("the embedded Firehose takes the stream, and would not convert")
	}
	s3 := d.streamText.Destinations[0].ExtendedS3DestinationDescription
	conversion := s3.DataFormatConversionConfiguration
	if conversion == nil || !aws.ToBool(conversion.Enabled) ||
		conversion.OutputFormatConfiguration.Serializer.ParquetSerDe == nil ||
		conversion.InputFormatConfiguration.Deserializer.OpenXJsonSerDe == nil {
		t.Fatalf("the stream does not convert JSON to Parquet: %+v", conversion)
	}
	if s3.CompressionFormat != firehosetypes.CompressionFormatUncompressed || aws.ToInt32(s3.BufferingHints.SizeInMBs) != 64 {
		t.Errorf("compression %s and a buffer of %d MiB, want none and 64 MiB, which is the least that converts",
			s3.CompressionFormat, aws.ToInt32(s3.BufferingHints.SizeInMBs))
	}
	schema := conversion.SchemaConfiguration
	d.checkPartition(t, aws.ToString(schema.TableName), aws.ToString(s3.Prefix))
	backup := s3.S3BackupDescription
	if s3.S3BackupMode != firehosetypes.S3BackupModeEnabled || backup == nil || aws.ToString(backup.Prefix) != "raw/!{timestamp:yyyy/MM/dd}/" {
		t.Fatalf("the records as they came are not kept: %s %+v", s3.S3BackupMode, backup)
	}
	for use, arn := range map[string]*string{"schema": schema.RoleARN, "backup": backup.RoleARN} {
		if aws.ToString(arn) != aws.ToString(s3.RoleARN) {
			t.Errorf("the %s is for the role %s, want the stream's, %s", use, aws.ToString(arn), aws.ToString(s3.RoleARN))
		}
	}
	d.checkConversionRole(t, aws.ToString(s3.RoleARN), aws.ToString(schema.DatabaseName)+"/"+aws.ToString(schema.TableName))
}

// checkPartition makes sure that an object of today under a prefix lies in a partition of
// a table.
func (d *deployed) checkPartition(t *testing.T, table, prefix string) {
	t.Helper()
	now := time.Now().UTC()
	folder := strings.Replace(prefix, "!{timestamp:yyyy/MM/dd}", now.Format("2006/01/02"), 1)
	object := "s3://" + d.outputs["OutputBucketName"] + "/" + folder + "stream-1.parquet"
	if _, err := d.projection(t, table).Partition(object, now); err != nil {
		t.Errorf("no query would read what the stream writes: %v", err)
	}
}

// checkConversionRole makes sure that the stream's role may read the schema and write
// both kinds of objects, by the key.
func (d *deployed) checkConversionRole(t *testing.T, arn, table string) {
	t.Helper()
	r := d.role(t, arn)
	var calls []permission.Call
	database, _, _ := strings.Cut(table, "/")
	for _, action := range []string{"GetTable", "GetTableVersion", "GetTableVersions"} {
		for _, resource := range []string{"catalog", "database/" + database, "table/" + table} {
			calls = append(calls, permission.Call{Action: "glue:" + action,
				Resource: "arn:aws:glue:" + region + ":" + account + ":" + resource})
		}
	}
	for _, key := range []string{"columns/2026/01/01/x.parquet", "raw/2026/01/01/x.gz", "raw-failures/x"} {
		put := permission.Call{Action: "s3:PutObject", Resource: "arn:aws:s3:::" + d.outputs["OutputBucketName"] + "/" + key,
			Context: map[string][]string{"aws:securetransport": {"true"}, "s3:tlsversion": {"1.3"}}}
		calls = append(append(calls, put), d.behind(t, put, http.StatusOK)...)
	}
	for _, call := range calls {
		call.Principal = arn
		if verdict := d.decide(t, call, r); !verdict.Allowed {
			t.Errorf("not allowed: %s: %s", call, verdict.Why)
		}
	}
}
