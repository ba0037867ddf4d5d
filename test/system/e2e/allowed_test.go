//go:build e2e

package e2e_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/resolverwatch/resolverwatch/test/system/e2e/permission"
)

// checkPermissions decides every recorded call by the deployed policies. It adds the calls
// that services make on behalf of a function and those that cannot happen here. It also
// fails for permissions that are never used, and returns how many calls there were.
func (m *machine) checkPermissions(t *testing.T) string {
	t.Helper()
	roles := m.roles(t)
	calls, used := m.decideCalls(t, roles)
	operator := roles[operatorKey] // a person; the tests of the command say whether all of the first policy is used
	delete(roles, operatorKey)
	if m.hasLogBucket() {
		(&role{arn: operator.arn, policies: operator.policies[1:2]}).checkUse(t, used)
	}
	for _, r := range roles {
		r.checkUse(t, used)
	}
	for key, r := range roles {
		service := "lambda.amazonaws.com"
		if key == deliveryKey {
			service = "firehose.amazonaws.com"
		}
		if key == machineKey {
			service = "states.amazonaws.com"
		}
		mustAllow(t, trust(service, m.outputs["DeliveryStreamArn"]), nil, r.trust)
	}
	m.mustLogEncrypted(t)
	return fmt.Sprintf("%d different calls checked against the deployed policies of %d roles, their buckets and keys", calls, len(roles))
}

// roles returns the deployed roles, by the keys with which their calls are signed.
func (m *machine) roles(t *testing.T) map[string]*role {
	t.Helper()
	all := map[string]*role{importerKey: m.role(t, m.importer.Role), operatorKey: m.operator(t)}
	if m.hasStream() {
		all[transformerKey], all[deliveryKey] = m.role(t, m.transformer.Role), m.role(t, m.stream.RoleARN)
	}
	if m.hasLogBucket() {
		all[markerKey], all[machineKey] = m.role(t, m.marker.Role), m.role(t, m.backfill.RoleARN)
	}
	if m.hasAlerts() {
		all[notifierKey] = m.role(t, m.notifier.Role)
		all[hunterKey] = m.role(t, m.hunter.Role)
	}
	return all
}

// decideCalls fails for every call that is not allowed. It returns the number of calls, and
// which action of which statement was used.
func (m *machine) decideCalls(t *testing.T, roles map[string]*role) (n int, used map[string]bool) {
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

// mustLogEncrypted fails unless the policy of each log group's key lets CloudWatch Logs use
// it for this group. Without that, the group could not be created.
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

// logGroup is a log group as CloudWatch Logs describes it.
type logGroup struct {
	LogGroupName, KmsKeyID string
	RetentionInDays        int
}

// logGroup returns the one log group whose name begins with a text.
func (d *deployed) logGroup(t *testing.T, name string) logGroup {
	t.Helper()
	var out struct{ LogGroups []logGroup }
	in := map[string]string{}
	if name != "" {
		in["logGroupNamePrefix"] = name
	}
	d.e.ask(t, "logs", "Logs_20140328.DescribeLogGroups", in, &out)
	if len(out.LogGroups) != 1 { // no name is a prefix of another
		t.Fatalf("there are %d log groups %q", len(out.LogGroups), name)
	}
	return out.LogGroups[0]
}

// spare lists actions that are granted but that no call here needs, by statement, with the
// reason.
var spare = map[string]string{
	"ReadLists s3:GetObjectTagging": "of lists in an existing bucket without versions",
	"ReadGuardLists s3:GetObject":   "of lists in an existing bucket without versions",

	"KeyForMarkedLogs kms:Decrypt": "if the output bucket has another key than the index, which another statement names",

	"ReadSchema glue:GetTable":         "while the format switches from or to Parquet",
	"ReadSchema glue:GetTableVersion":  "while the format switches from or to Parquet",
	"ReadSchema glue:GetTableVersions": "while the format switches from or to Parquet",
}

// checkUse fails for every action of every statement that nothing has used, because roles
// must not have permissions that they do not need.
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

// decide decides one call by the policies of its role and of its resource.
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
			return permission.Verdict{Why: "the key's policy does not delegate to the account's roles"}
		}
		resource = append(resource, policy)
	}
	verdict, err := permission.Decide(call, r.policies, resource)
	check(t, err)
	return verdict
}
