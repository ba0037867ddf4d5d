//go:build e2e

package e2e_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/resolverwatch/resolverwatch/test/e2e/permission"
)

// judge decides on every call that was recorded, and on those that the services make for
// it or that nothing here can make, by the deployed policies, and says how many they are.
func (m *machine) judge(t *testing.T) string {
	t.Helper()
	roles := map[string]*role{
		importerKey:    m.role(t, m.importer.Role),
		transformerKey: m.role(t, m.transformer.Role),
		deliveryKey:    m.role(t, m.stream.RoleARN),
	}
	calls := m.calls(t, roles)
	used := map[string]bool{} // by statement and action
	for _, call := range calls {
		verdict := m.decide(t, call.Call, call.role)
		if !verdict.Allowed {
			t.Errorf("not allowed: %s (made %d times, status %d): %s", call, call.times, call.status, verdict.Why)
		}
		used[verdict.Why+" "+call.Action] = true
	}
	for _, r := range roles {
		r.checkUse(t, used)
	}
	for key, service := range map[string]string{importerKey: "lambda.amazonaws.com", transformerKey: "lambda.amazonaws.com",
		deliveryKey: "firehose.amazonaws.com"} {
		mustAllow(t, trust(service, m.outputs["DeliveryStreamArn"]), nil, roles[key].trust)
	}
	return fmt.Sprintf("%d different calls judged by the deployed policies of %d roles, their buckets and keys", len(calls), len(roles))
}

// spare are actions that are granted and that no call here needs, by statement, with the
// reason.
var spare = map[string]string{
	"ReadLists s3:GetObjectTagging": "of lists in an existing bucket without versions",
	"ReadGuardLists s3:GetObject":   "of lists in an existing bucket without versions",
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
		out, err := s3Client(d.e).GetBucketPolicy(context.Background(), &s3.GetBucketPolicyInput{Bucket: &bucket})
		check(t, err)
		resource = append(resource, parsePolicy(t, "of bucket "+bucket, aws.ToString(out.Policy)))
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
