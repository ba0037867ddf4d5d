//go:build e2e

package e2e_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/resolverwatch/resolverwatch/test/e2e/permission"
)

// judge decides on every call that was recorded, and on those that the services make for
// it or that nothing here can make, by the deployed policies, and says how many they are.
// What is allowed and never done is judged too.
func (m *machine) judge(t *testing.T) string {
	t.Helper()
	roles := m.roles(t)
	calls, used := m.judgeCalls(t, roles)
	for _, r := range roles {
		r.checkUse(t, used)
	}
	for key, service := range map[string]string{importerKey: "lambda.amazonaws.com", transformerKey: "lambda.amazonaws.com",
		deliveryKey: "firehose.amazonaws.com"} {
		mustAllow(t, trust(service, m.outputs["DeliveryStreamArn"]), nil, roles[key].trust)
	}
	m.mustLogEncrypted(t)
	return fmt.Sprintf("%d different calls judged by the deployed policies of %d roles, their buckets and keys", calls, len(roles))
}

// roles are the deployed roles, by the keys that their calls are signed with.
func (m *machine) roles(t *testing.T) map[string]*role {
	t.Helper()
	return map[string]*role{
		importerKey:    m.role(t, m.importer.Role),
		transformerKey: m.role(t, m.transformer.Role),
		deliveryKey:    m.role(t, m.stream.RoleARN),
	}
}

// judgeCalls fails for every call that is not allowed. It returns how many there are, and
// which action of which statement was used.
func (m *machine) judgeCalls(t *testing.T, roles map[string]*role) (n int, used map[string]bool) {
	t.Helper()
	used = map[string]bool{}
	calls := m.calls(t, roles)
	for _, call := range calls {
		verdict := m.decide(t, call.Call, call.role)
		if !verdict.Allowed {
			t.Errorf("not allowed: %s (made %d times, status %d): %s", call, call.times, call.status, verdict.Why)
		}
		used[verdict.Why+" "+call.Action] = true
	}
	return len(calls), used
}

// mustLogEncrypted fails unless the policy of the key of each log group lets CloudWatch
// Logs use it for this group: else the group could not even be made.
func (d *deployed) mustLogEncrypted(t *testing.T) {
	t.Helper()
	for _, group := range d.of("AWS::Logs::LogGroup") {
		key := d.logGroup(t, group.id).KmsKeyID
		if key == "" {
			continue
		}
		where := map[string][]string{"kms:encryptioncontext:aws:logs:arn": {"arn:aws:logs:" + region + ":" + account + ":log-group:" + group.id}}
		for _, action := range []string{"kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom", "kms:ReEncryptTo", "kms:DescribeKey"} {
			mustAllow(t, permission.Call{Principal: "logs." + region + ".amazonaws.com", Action: action, Resource: key, Context: where},
				nil, d.keyPolicy(t, key))
		}
	}
}

// spare are actions that are granted and that no call here needs, by statement, with the
// reason.
var spare = map[string]string{
	"ReadLists s3:GetObjectTagging": "of lists in an existing bucket without versions",
	"ReadGuardLists s3:GetObject":   "of lists in an existing bucket without versions",

	"ReadSchema glue:GetTable":         "while the format switches from or to Parquet",
	"ReadSchema glue:GetTableVersion":  "while the format switches from or to Parquet",
	"ReadSchema glue:GetTableVersions": "while the format switches from or to Parquet",
}

// checkUse fails for every action of every statement that nothing has used: what nobody
// needs nobody should have.
func (r *role) checkUse(t *testing.T, used map[string]bool) {
	t.Helper()
	for _, policy := range r.policies {
		for i, statement := range policy.Statements {
			for _, action := range statement.Actions {
				if !used[policy.StatementName(i)+" "+action] && spare[statement.ID+" "+action] == "" {
					t.Errorf("%s may do %s by statement %s, and never does, on %q",
						nameOf(r.arn), action, statement.ID, statement.Resources)
				}
			}
		}
	}
}

// decide judges one call by the policies of its role and of what it is made on.
func (d *deployed) decide(t *testing.T, call permission.Call, r *role) permission.Verdict {
	t.Helper()
	var resource []permission.Policy
	switch service, _, _ := strings.Cut(call.Action, ":"); service {
	case "s3":
		bucket, _, _ := strings.Cut(strings.TrimPrefix(call.Resource, "arn:aws:s3:::"), "/")
		if policy := d.e.bucketPolicy(t, bucket); policy != "" { // an existing bucket may have none
			resource = append(resource, parsePolicy(t, "of bucket "+bucket, policy))
		} else if d.variant.existing == nil {
			t.Errorf("bucket %s has no policy", bucket)
		}
	case "kms":
		policy := d.keyPolicy(t, call.Resource)
		delegates, err := permission.Delegates(call, policy)
		check(t, err)
		if !delegates {
			return permission.Verdict{Why: "the key's policy does not leave it to the account's roles"}
		}
		resource = append(resource, policy)
	}
	verdict, err := permission.Decide(call, r.policies, resource)
	check(t, err)
	return verdict
}
