//go:build e2e

package e2e_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/iam"
)

// An emulator that ignored what it does not support would accept any template.
func TestEmulator_tellsWhatItCannotDo(t *testing.T) {
	e := startEmulator(t, filepath.Join(output(t), "honesty.log"))
	for _, test := range []struct{ name, resources, want string }{
		{"type", `"A": {"Type": "AWS::Kendra::Index"}`, "resource type not supported"},
		{"property", `"A": {"Type": "AWS::SQS::Queue", "Properties": {"Colour": "red"}}`, "not supported: Colour"},
		{"member", `"A": {"Type": "AWS::Glue::Database", "Properties": {"CatalogId": "1", "DatabaseInput": {"Colour": "red"}}}`,
			`Unknown parameter in DatabaseInput: "Colour"`},
		{"wrong-type", `"A": {"Type": "AWS::Lambda::Function", "Properties": {"Role": "r", "Code": {}, "Timeout": "two"}}`,
			"Invalid type for parameter Timeout"},
		{"attribute", `"A": {"Type": "AWS::SQS::Queue"},
			"B": {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": {"Fn::GetAtt": ["A", "Colour"]}}}`,
			"no attribute Colour"},
		{"refused", `"A": {"Type": "AWS::Route53Resolver::ResolverQueryLoggingConfigAssociation",
			"Properties": {"ResolverQueryLogConfigId": "rslvr-qlc-none", "ResourceId": "vpc-none"}}`, "does not exist"},
		{"output", `"A": {"Type": "AWS::SQS::Queue"}}, "Outputs": {"O": {"Value": {"Fn::GetAtt": ["A", "Colour"]}}`,
			"no attribute Colour"},
	} {
		status, reasons := e.create(t, "honest-"+test.name, `{"Resources": {`+test.resources+`}}`)
		if status != "ROLLBACK_COMPLETE" || !strings.Contains(reasons, test.want) {
			t.Errorf("%s: %s, want ROLLBACK_COMPLETE and a reason like %q, got\n%s", test.name, status, test.want, reasons)
		}
	}
	if found := len(e.problems(t)); found < 7 {
		t.Errorf("the log reports %d problems, want 7", found)
	}
}

// A resource keeps its name if AWS changes it in place. An update fails if AWS would
// replace the resource.
func TestEmulator_updates(t *testing.T) {
	e := startEmulator(t, filepath.Join(output(t), "updates.log"))
	template := func(days int, name string) string {
		return fmt.Sprintf(`{"Resources": {"A": {"Type": "AWS::Logs::LogGroup",
			"Properties": {"LogGroupName": %q, "RetentionInDays": %d}}}}`, name, days)
	}
	for i, test := range []struct{ template, status, reason string }{
		{template(7, "kept"), "CREATE_COMPLETE", ""},
		{template(30, "kept"), "UPDATE_COMPLETE", ""},
		{template(30, "other"), "UPDATE_ROLLBACK_COMPLETE", "cannot be changed in place: LogGroupName"},
		{`{"Resources": {"A": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "kept"}}}}`,
			"UPDATE_ROLLBACK_COMPLETE", "cannot be changed in place: RetentionInDays"},
	} {
		kind := "UPDATE"
		if i == 0 {
			kind = "CREATE"
		}
		status, reasons := e.execute(t, kind, "changes", test.template)
		if status != test.status || !strings.Contains(reasons, test.reason) {
			t.Errorf("%d: %s, want %s and a reason like %q, got\n%s", i, status, test.status, test.reason, reasons)
		}
		group := (&deployed{e: e}).logGroup(t, "")
		if want := min(7+23*i, 30); group.LogGroupName != "kept" || group.RetentionInDays != want {
			t.Errorf("%d: the log group is %+v, want the first one, with %d days", i, group, want)
		}
	}
}

// Retained resources stay, resources that cannot be deleted are named, and the others are
// deleted.
func TestEmulator_deletes(t *testing.T) {
	e := startEmulator(t, filepath.Join(output(t), "deletion.log"))
	ctx, client := context.Background(), cloudformation.NewFromConfig(e.config())
	status, reasons := e.create(t, "ends", `{"Resources": {
		"Stays": {"Type": "AWS::S3::Bucket", "DeletionPolicy": "Retain", "Properties": {"BucketName": "stays"}},
		"Goes": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "goes"}},
		"Role": {"Type": "AWS::IAM::Role", "Properties": {"RoleName": "held", "AssumeRolePolicyDocument": {}}}}}`)
	if status != "CREATE_COMPLETE" {
		t.Fatal(status, reasons)
	}
	// The role belongs to an instance profile that is not in the stack.
	roles := iam.NewFromConfig(e.config())
	if _, err := roles.CreateInstanceProfile(ctx, &iam.CreateInstanceProfileInput{InstanceProfileName: aws.String("p")}); err != nil {
		t.Fatal(err)
	}
	if _, err := roles.AddRoleToInstanceProfile(ctx, &iam.AddRoleToInstanceProfileInput{
		InstanceProfileName: aws.String("p"), RoleName: aws.String("held")}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.DeleteStack(ctx, &cloudformation.DeleteStackInput{StackName: aws.String("ends")}); err != nil {
		t.Fatal(err)
	}
	if status, reasons = e.status(t, "ends"); status != "DELETE_FAILED" || !strings.Contains(reasons, "could not be deleted: Role") {
		t.Errorf("%s, want DELETE_FAILED for the role alone, got\n%s", status, reasons)
	}
	if got := buckets(t, e); strings.Join(got, " ") != "stays" {
		t.Errorf("buckets left: %q, want the retained one", got)
	}
}
