package templatediff_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/resolverwatch/resolverwatch/internal/templatediff"
)

const (
	bucket   = `"Type": "AWS::S3::Bucket", "DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"`
	fragile  = `"Type": "AWS::S3::Bucket", "DeletionPolicy": "Delete", "UpdateReplacePolicy": "Delete"`
	table    = `"Type": "AWS::DynamoDB::Table", "DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"`
	key      = `"Type": "AWS::KMS::Key", "DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"`
	database = `"Type": "AWS::Glue::Database"`
	unknown  = `"Type": "AWS::EFS::FileSystem"`
)

// Each case has one resource, X, in both templates.
func TestCompare(t *testing.T) {
	for _, test := range []struct {
		name, before, after string
		want                string
		wantLoses           bool
	}{
		{
			name:   "the same",
			before: bucket + `, "Properties": {"BucketName": "a"}`,
			after:  bucket + `, "Properties": {"BucketName": "a"}`,
			want:   "X AWS::S3::Bucket: kept",
		},
		{
			name:   "a change in place",
			before: bucket,
			after:  bucket + `, "Properties": {"VersioningConfiguration": {"Status": "Enabled"}, "Tags": []}`,
			want:   "X AWS::S3::Bucket: updated in place (Tags, VersioningConfiguration)",
		},
		{
			name:      "a name set later",
			before:    bucket,
			after:     bucket + `, "Properties": {"BucketName": "a"}`,
			want:      "X AWS::S3::Bucket: replaced (BucketName); the earlier one stays in the account, outside of the stack",
			wantLoses: true,
		},
		{
			name:      "a name given up, nothing retained",
			before:    fragile + `, "Properties": {"BucketName": "a"}`,
			after:     fragile,
			want:      "X AWS::S3::Bucket: replaced (BucketName); the earlier one is deleted",
			wantLoses: true,
		},
		{
			name:      "another sort key",
			before:    table + `, "Properties": {"KeySchema": [{"AttributeName": "a", "KeyType": "HASH"}]}`,
			after:     table + `, "Properties": {"KeySchema": [{"AttributeName": "b", "KeyType": "HASH"}], "TableName": "t"}`,
			want:      "X AWS::DynamoDB::Table: replaced (KeySchema, TableName); the earlier one stays in the account, outside of the stack",
			wantLoses: true,
		},
		{
			name:   "an attribute more",
			before: table + `, "Properties": {"AttributeDefinitions": [{"AttributeName": "a", "AttributeType": "S"}]}`,
			after: table + `, "Properties": {"AttributeDefinitions": [
				{"AttributeName": "b", "AttributeType": "N"}, {"AttributeName": "a", "AttributeType": "S"}]}`,
			want: "X AWS::DynamoDB::Table: updated in place (AttributeDefinitions)",
		},
		{
			name:      "an attribute of another type",
			before:    table + `, "Properties": {"AttributeDefinitions": [{"AttributeName": "a", "AttributeType": "S"}]}`,
			after:     table + `, "Properties": {"AttributeDefinitions": [{"AttributeName": "a", "AttributeType": "N"}]}`,
			want:      "X AWS::DynamoDB::Table: replaced (AttributeDefinitions); the earlier one stays in the account, outside of the stack",
			wantLoses: true,
		},
		{
			name:      "a nested name",
			before:    database + `, "Properties": {"DatabaseInput": {"Name": "a"}}`,
			after:     database + `, "Properties": {"DatabaseInput": {"Name": "b"}}`,
			want:      "X AWS::Glue::Database: replaced (DatabaseInput.Name); the earlier one is deleted",
			wantLoses: true,
		},
		{
			name:      "a key that CloudFormation does not replace",
			before:    key,
			after:     key + `, "Properties": {"MultiRegion": true}`,
			want:      "X AWS::KMS::Key: refused (MultiRegion)",
			wantLoses: true,
		},
		{
			name:      "another type under the same logical id",
			before:    table,
			after:     `"Type": "AWS::DynamoDB::GlobalTable"`,
			want:      "X AWS::DynamoDB::Table: refused (Type)",
			wantLoses: true,
		},
		{
			name:      "no longer retained",
			before:    bucket,
			after:     fragile,
			want:      "X AWS::S3::Bucket: no longer retained",
			wantLoses: true,
		},
		{
			name:   "retained unless the creation fails",
			before: bucket,
			after:  strings.Replace(bucket, `"Retain"`, `"RetainExceptOnCreate"`, 1),
			want:   "X AWS::S3::Bucket: kept",
		},
		{
			name:      "under a condition",
			before:    bucket,
			after:     bucket + `, "Condition": "HasBucket"`,
			want:      "X AWS::S3::Bucket: under another condition",
			wantLoses: true,
		},
		{
			name:   "a stateless type",
			before: `"Type": "AWS::Glue::Table", "Properties": {"TableInput": {"Name": "a"}}`,
			after:  `"Type": "AWS::Glue::Table", "Properties": {"TableInput": {"Name": "b"}}`,
			want:   "X AWS::Glue::Table: replaced (TableInput.Name); the earlier one is deleted",
		},
		{
			name:   "an unknown type",
			before: unknown,
			after:  unknown + `, "Properties": {"Encrypted": true}`,
		},
		{
			name:   "an unknown type that is retained",
			before: unknown + `, "DeletionPolicy": "Retain"`,
			after:  unknown + `, "DeletionPolicy": "Retain", "Properties": {"BackupPolicy": {}}`,
			want:   "X AWS::EFS::FileSystem: updated in place (BackupPolicy)",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			findings := compare(t, template("X", test.before), template("X", test.after))
			if got := lines(findings); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
			if loses := slices.ContainsFunc(findings, templatediff.Finding.LosesState); loses != test.wantLoses {
				t.Errorf("loses state: %t, want %t", loses, test.wantLoses)
			}
		})
	}
}

func TestCompare_removedAndAdded(t *testing.T) {
	got := lines(compare(t, template("Old", bucket, "Fragile", fragile), template("New", bucket)))
	want := `Fragile AWS::S3::Bucket: removed; the earlier one is deleted
New AWS::S3::Bucket: added
Old AWS::S3::Bucket: removed; the earlier one stays in the account, outside of the stack`
	if got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

// A new stream has a new ARN, so the query logging configuration that names it is replaced
// too, and with it the association. Properties that can be changed follow in place.
func TestCompare_references(t *testing.T) {
	rest := []string{
		"Logging", `"Type": "AWS::Route53Resolver::ResolverQueryLoggingConfig", "Properties": {
			"DestinationArn": {"Fn::Join": ["", [{"Fn::GetAtt": ["Stream", "Arn"]}]]}}`,
		"Association", `"Type": "AWS::Route53Resolver::ResolverQueryLoggingConfigAssociation", "Properties": {
			"ResolverQueryLogConfigId": {"Fn::Sub": "${Logging}"}}`,
		"Group", `"Type": "AWS::Logs::LogGroup", "Properties": {"KmsKeyId": {"Ref": "Stream"}}`,
	}
	stream := `"Type": "AWS::KinesisFirehose::DeliveryStream"`
	before := template(append(rest, "Stream", stream)...)
	after := template(append(rest, "Stream", stream+`, "Properties": {"DeliveryStreamName": "s"}`)...)

	fates := make(map[string]templatediff.Fate)
	for _, finding := range compare(t, before, after) {
		fates[finding.LogicalID] = finding.Fate
	}
	for id, want := range map[string]templatediff.Fate{
		"Stream":      templatediff.Replaced,
		"Logging":     templatediff.Replaced,
		"Association": templatediff.Replaced,
		"Group":       templatediff.Kept,
	} {
		if fates[id] != want {
			t.Errorf("%s: %s, want %s", id, fates[id], want)
		}
	}
}

func TestCompare_badTemplates(t *testing.T) {
	for text, want := range map[string]string{
		"Resources:\n":               "reading the template before: invalid character",
		"{}":                         "reading the template before: it has no Resources",
		`{"Resources": {"X": null}}`: "reading the template before: the resource X is null",
	} {
		_, err := templatediff.Compare([]byte(text), template())
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
	}
}

func compare(t *testing.T, before, after []byte) []templatediff.Finding {
	t.Helper()
	findings, err := templatediff.Compare(before, after)
	if err != nil {
		t.Fatal(err)
	}
	return findings
}

// template returns a template with resources, given as logical ids and bodies in turn.
func template(resources ...string) []byte {
	var members []string
	for pair := range slices.Chunk(resources, 2) {
		members = append(members, fmt.Sprintf("%q: {%s}", pair[0], pair[1]))
	}
	return fmt.Appendf(nil, `{"Resources": {%s}}`, strings.Join(members, ", "))
}

func lines(findings []templatediff.Finding) string {
	var all []string
	for _, finding := range findings {
		all = append(all, finding.String())
	}
	return strings.Join(all, "\n")
}
