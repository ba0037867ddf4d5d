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

// An emulator that passes over what it cannot do would let any template through.
func TestEmulator_tellsWhatItCannotDo(t *testing.T) {
	e := startEmulator(t, filepath.Join(output(t), "honesty.log"))
	for _, test := range []struct{ name, resources, want string }{
		{"type", `"A": {"Type": "AWS::Kendra::Index"}`, "no such resource type here"},
		{"property", `"A": {"Type": "AWS::SQS::Queue", "Properties": {"Colour": "red"}}`, "not kept here: Colour"},
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
		t.Errorf("the log tells of %d problems, there were 7", found)
	}
}

// What AWS changes in place keeps its name, and what it would replace fails the update.
func TestEmulator_updates(t *testing.T) {
	e := startEmulator(t, filepath.Join(output(t), "updates.log"))
	template := func(days int, name string) string {
		return fmt.Sprintf(`{"Resources": {"A": {"Type": "AWS::Logs::LogGroup",
			"Properties": {"LogGroupName": %q, "RetentionInDays": %d}}}}`, name, days)
	}
	for i, test := range []struct{ template, status, reason string }{
		{template(7, "kept"), "CREATE_COMPLETE", ""},
		{template(30, "kept"), "UPDATE_COMPLETE", ""},
		{template(30, "other"), "UPDATE_ROLLBACK_COMPLETE", "no change in place here of LogGroupName"},
		{`{"Resources": {"A": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "kept"}}}}`,
			"UPDATE_ROLLBACK_COMPLETE", "no change in place here of RetentionInDays"},
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
			t.Errorf("%d: the log group is %+v, want the first, of %d days", i, group, want)
		}
	}
}

// What is to be retained stays, what cannot be deleted is named, and the rest goes.
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
	// An instance profile that the stack does not know holds the role.
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
