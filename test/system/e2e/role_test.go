//go:build e2e

package e2e_test

import (
	"context"
	"net/url"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/resolverwatch/resolverwatch/test/system/e2e/permission"
)

// role is a deployed role with its policies.
type role struct {
	arn      string
	trust    permission.Policy
	policies []permission.Policy
}

// role reads a role's policies. AWS managed policies would not be specific to this
// deployment.
func (d *deployed) role(t *testing.T, arn string) *role {
	t.Helper()
	ctx, client, name := context.Background(), iam.NewFromConfig(d.e.config()), aws.String(nameOf(arn))
	described, err := client.GetRole(ctx, &iam.GetRoleInput{RoleName: name})
	check(t, err)
	r := &role{arn: arn, trust: parsePolicy(t, "trust of "+*name, unescape(t, described.Role.AssumeRolePolicyDocument))}
	attached, err := client.ListAttachedRolePolicies(ctx, &iam.ListAttachedRolePoliciesInput{RoleName: name})
	check(t, err)
	for _, policy := range attached.AttachedPolicies {
		t.Errorf("role %s has the policy %s attached", *name, aws.ToString(policy.PolicyArn))
	}
	inline, err := client.ListRolePolicies(ctx, &iam.ListRolePoliciesInput{RoleName: name})
	check(t, err)
	for _, policy := range inline.PolicyNames {
		out, err := client.GetRolePolicy(ctx, &iam.GetRolePolicyInput{RoleName: name, PolicyName: &policy})
		check(t, err)
		r.policies = append(r.policies, parsePolicy(t, *name+"/"+policy, unescape(t, out.PolicyDocument)))
	}
	return r
}

// unescape decodes a document in the form that IAM's API returns.
func unescape(t *testing.T, document *string) string {
	t.Helper()
	text, err := url.PathUnescape(aws.ToString(document))
	check(t, err)
	return text
}

// trust returns the call with which a service assumes a role on behalf of a resource.
func trust(service, source string) permission.Call {
	return permission.Call{Principal: service, Action: "sts:AssumeRole", Context: map[string][]string{
		"aws:sourceaccount": {account}, "aws:sourcearn": {source}, "sts:externalid": {account}}}
}

// keyARN returns the ARN of the customer managed key.
func (d *deployed) keyARN(t *testing.T) string {
	t.Helper()
	if x := d.variant.existing; x != nil {
		return x.key
	}
	return "arn:aws:kms:" + region + ":" + account + ":key/" + d.one(t, "AWS::KMS::Key", "").id
}

// keyPolicy reads the policy of a key.
func (d *deployed) keyPolicy(t *testing.T, key string) permission.Policy {
	t.Helper()
	var out struct{ Policy string }
	d.e.ask(t, "kms", "TrentService.GetKeyPolicy", map[string]string{"KeyId": key, "PolicyName": "default"}, &out)
	return parsePolicy(t, "of the key", out.Policy)
}
