package templatediff_test

import (
	"fmt"
	"maps"
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
		fate                templatediff.Fate // "" if there is no finding
		changed             string            // the properties
		leftBehind, loses   bool
	}{
		{
			name:   "the same",
			before: bucket + `, "Properties": {"BucketName": "a"}`,
			after:  bucket + `, "Properties": {"BucketName": "a"}`,
			fate:   templatediff.Kept,
		},
		{
			name:    "a change in place",
			before:  bucket,
			after:   bucket + `, "Properties": {"VersioningConfiguration": {"Status": "Enabled"}, "Tags": []}`,
			fate:    templatediff.Updated,
			changed: "Tags, VersioningConfiguration",
		},
		{
			name:       "a name set later",
			before:     bucket,
			after:      bucket + `, "Properties": {"BucketName": "a"}`,
			fate:       templatediff.Replaced,
			changed:    "BucketName",
			leftBehind: true,
			loses:      true,
		},
		{
			name:    "a name given up, nothing retained",
			before:  fragile + `, "Properties": {"BucketName": "a"}`,
			after:   fragile,
			fate:    templatediff.Replaced,
			changed: "BucketName",
			loses:   true,
		},
		{
			name:       "another sort key",
			before:     table + `, "Properties": {"KeySchema": [{"AttributeName": "a", "KeyType": "HASH"}]}`,
			after:      table + `, "Properties": {"KeySchema": [{"AttributeName": "b", "KeyType": "HASH"}], "TableName": "t"}`,
			fate:       templatediff.Replaced,
			changed:    "KeySchema, TableName",
			leftBehind: true,
			loses:      true,
		},
		{
			name:   "an attribute more",
			before: table + `, "Properties": {"AttributeDefinitions": [{"AttributeName": "a", "AttributeType": "S"}]}`,
			after: table + `, "Properties": {"AttributeDefinitions": [
				{"AttributeName": "b", "AttributeType": "N"}, {"AttributeName": "a", "AttributeType": "S"}]}`,
			fate:    templatediff.Updated,
			changed: "AttributeDefinitions",
		},
		{
			name:       "an attribute of another type",
			before:     table + `, "Properties": {"AttributeDefinitions": [{"AttributeName": "a", "AttributeType": "S"}]}`,
			after:      table + `, "Properties": {"AttributeDefinitions": [{"AttributeName": "a", "AttributeType": "N"}]}`,
			fate:       templatediff.Replaced,
			changed:    "AttributeDefinitions",
			leftBehind: true,
			loses:      true,
		},
		{
			name:    "a nested name",
			before:  database + `, "Properties": {"DatabaseInput": {"Name": "a"}}`,
			after:   database + `, "Properties": {"DatabaseInput": {"Name": "b"}}`,
			fate:    templatediff.Replaced,
			changed: "DatabaseInput.Name",
			loses:   true,
		},
		{
			name:    "a key that CloudFormation does not replace",
			before:  key,
			after:   key + `, "Properties": {"MultiRegion": true}`,
			fate:    templatediff.Refused,
			changed: "MultiRegion",
			loses:   true,
		},
		{
			name:    "another type under the same logical id",
			before:  table,
			after:   `"Type": "AWS::DynamoDB::GlobalTable"`,
			fate:    templatediff.Refused,
			changed: "Type",
			loses:   true,
		},
		{
			name:   "no longer retained",
			before: bucket,
			after:  fragile,
			fate:   templatediff.Released,
			loses:  true,
		},
		{
			name:   "retained unless the creation fails",
			before: bucket,
			after:  strings.Replace(bucket, `"Retain"`, `"RetainExceptOnCreate"`, 1),
			fate:   templatediff.Kept,
		},
		{
			name:   "under a condition",
			before: bucket,
			after:  bucket + `, "Condition": "HasBucket"`,
			fate:   templatediff.Conditional,
			loses:  true,
		},
		{
			name:    "a stateless type",
			before:  `"Type": "AWS::Glue::Table", "Properties": {"TableInput": {"Name": "a"}}`,
			after:   `"Type": "AWS::Glue::Table", "Properties": {"TableInput": {"Name": "b"}}`,
			fate:    templatediff.Replaced,
			changed: "TableInput.Name",
		},
		{
			name:   "an unknown type",
			before: unknown,
			after:  unknown + `, "Properties": {"Encrypted": true}`,
		},
		{
			name:    "an unknown type that is retained",
			before:  unknown + `, "DeletionPolicy": "Retain"`,
			after:   unknown + `, "DeletionPolicy": "Retain", "Properties": {"BackupPolicy": {}}`,
			fate:    templatediff.Updated,
			changed: "BackupPolicy",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			findings := compare(t, template("X", test.before), template("X", test.after))
			if test.fate == "" {
				if len(findings) > 0 {
					t.Errorf("got %v, want no finding", findings)
				}
				return
			}
			if len(findings) != 1 || findings[0].LogicalID != "X" {
				t.Fatalf("got %v, want one finding for X", findings)
			}
			got := findings[0]
			if !strings.Contains(test.before, fmt.Sprintf(`"Type": %q`, got.Type)) {
				t.Errorf("type %s, want that of the first template: %s", got.Type, test.before)
			}
			if changed := strings.Join(got.Changed, ", "); got.Fate != test.fate || changed != test.changed || got.LeftBehind != test.leftBehind {
				t.Errorf("%s of %s, left behind: %t; want %s of %s, %t", got.Fate, changed, got.LeftBehind, test.fate, test.changed, test.leftBehind)
			}
			if loses := got.LosesState(); loses != test.loses {
				t.Errorf("loses state: %t, want %t", loses, test.loses)
			}
		})
	}
}

// The lines that cmd/keptresources prints.
func TestFinding_String(t *testing.T) {
	for want, finding := range map[string]templatediff.Finding{
		"X AWS::S3::Bucket: kept": {LogicalID: "X", Type: "AWS::S3::Bucket", Fate: templatediff.Kept},
		"X AWS::S3::Bucket: updated in place (Tags, VersioningConfiguration)": {LogicalID: "X", Type: "AWS::S3::Bucket",
			Fate: templatediff.Updated, Changed: []string{"Tags", "VersioningConfiguration"}},
		"X AWS::KMS::Key: refused (MultiRegion)": {LogicalID: "X", Type: "AWS::KMS::Key",
			Fate: templatediff.Refused, Changed: []string{"MultiRegion"}},
		"X AWS::S3::Bucket: no longer retained":      {LogicalID: "X", Type: "AWS::S3::Bucket", Fate: templatediff.Released},
		"X AWS::S3::Bucket: under another condition": {LogicalID: "X", Type: "AWS::S3::Bucket", Fate: templatediff.Conditional},
		"New AWS::S3::Bucket: added":                 {LogicalID: "New", Type: "AWS::S3::Bucket", Fate: templatediff.Added},
	} {
		if got := finding.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestCompare_removedAndAdded(t *testing.T) {
	type fact struct {
		fate       templatediff.Fate
		leftBehind bool
	}
	got := map[string]fact{}
	for _, finding := range compare(t, template("Old", bucket, "Fragile", fragile), template("New", bucket)) {
		got[finding.LogicalID] = fact{finding.Fate, finding.LeftBehind}
	}
	want := map[string]fact{
		"Fragile": {templatediff.Removed, false},
		"New":     {templatediff.Added, false},
		"Old":     {templatediff.Removed, true},
	}
	if !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
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
