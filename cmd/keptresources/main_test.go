package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const (
	bucket = `{"Resources": {"Logs": {"Type": "AWS::S3::Bucket", "DeletionPolicy": "Retain",
		"UpdateReplacePolicy": "Retain", "Metadata": {"aws:cdk:path": "Security/Logs/Resource"}}}}`
	named = `{"Resources": {"Logs": {"Type": "AWS::S3::Bucket", "DeletionPolicy": "Retain",
		"UpdateReplacePolicy": "Retain", "Properties": {"BucketName": "logs"},
		"Metadata": {"aws:cdk:path": "Security/Logs/Resource"}}}}`
	role    = `{"Resources": {"Role": {"Type": "AWS::IAM::Role"}}}`
	another = `{"Resources": {"Other": {"Type": "AWS::IAM::Role"}}}`
)

func TestRun(t *testing.T) {
	for _, test := range []struct {
		name       string
		base, head map[string]string // templates by path
		wantCode   int
		wantOut    string
	}{
		{
			name:    "the same",
			base:    map[string]string{"Security.template.json": bucket},
			head:    map[string]string{"Security.template.json": bucket, "New.template.json": bucket},
			wantOut: "All 1 resources that hold state are kept.\n",
		},
		{
			name:     "a name set later",
			base:     map[string]string{"assembly-Prod/Security.template.json": bucket},
			head:     map[string]string{"assembly-Prod/Security.template.json": named},
			wantCode: 1,
			wantOut: `These resources hold state, and the deployment would take it away:
  assembly-Prod/Security: Logs AWS::S3::Bucket: replaced (BucketName); the earlier one stays in the account, outside of the stack
    Security/Logs/Resource
` + nextStep + "\n",
		},
		{
			name:     "a stack that is gone",
			base:     map[string]string{"Security.template.json": bucket},
			head:     map[string]string{"Another.template.json": role},
			wantCode: 1,
			wantOut: `These resources hold state, and the deployment would take it away:
  Security: Logs AWS::S3::Bucket: removed; the earlier one stays in the account, outside of the stack
    Security/Logs/Resource
` + nextStep + "\n",
		},
		{
			name: "the replacement of a role",
			base: map[string]string{"Security.template.json": role},
			head: map[string]string{"Security.template.json": another},
			wantOut: `Replaced or removed without a loss of state:
  Security: Role AWS::IAM::Role: removed; the earlier one is deleted
All 0 resources that hold state are kept.
`,
		},
		{
			name:     "a folder without templates",
			base:     map[string]string{"Security.template.json": bucket},
			head:     map[string]string{"asset.1234/Security.template.json": bucket},
			wantCode: 2,
		},
		{
			name:     "a template that is not JSON",
			base:     map[string]string{"Security.template.json": "Resources:\n"},
			head:     map[string]string{"Security.template.json": bucket},
			wantCode: 2,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			var stdout, stderr strings.Builder
			code := run([]string{folder(t, test.base), folder(t, test.head)}, &stdout, &stderr)
			if code != test.wantCode || stdout.String() != test.wantOut {
				t.Errorf("exit code %d, want %d\n%s\nwant:\n%s", code, test.wantCode, stdout.String(), test.wantOut)
			}
			if (code == 2) != (stderr.Len() > 0) {
				t.Errorf("exit code %d with the message %q", code, stderr.String())
			}
		})
	}
}

func TestRun_notAFolder(t *testing.T) {
	base := folder(t, map[string]string{"Security.template.json": bucket})
	missing, file := filepath.Join(base, "missing"), filepath.Join(base, "Security.template.json")
	const remedy = ": give the output folder of a synthesis\n"
	for head, want := range map[string]string{
		missing: "keptresources: the folder " + missing + " does not exist" + remedy,
		file:    "keptresources: " + file + " is not a folder" + remedy,
	} {
		var stdout, stderr strings.Builder
		if code := run([]string{base, head}, &stdout, &stderr); code != 2 || stderr.String() != want {
			t.Errorf("exit code %d, %q, want %q", code, stderr.String(), want)
		}
	}
}

func folder(t *testing.T, templates map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range templates {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}
