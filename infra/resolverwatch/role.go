package resolverwatch

import (
	"fmt"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// roleProps describe the role of a function, a stream or a schedule.
type roleProps struct {
	given       awsiam.IRole // nil = a new one
	id          string       // of the construct
	step        string       // id of the step for a given role that cannot be changed
	policy      string       // name of the policy of a new role
	description string
	trusted     awsiam.PrincipalBase
	service     string // the service that assumes the role, in words
	statements  []statement
	findings    []finding // cdk-nag findings about the statements
}

// newRole returns a role with the statements. Resources that use the role must wait for
// ready. A new role has the statements inline, exactly as they are. A given role gets them
// in a policy of its own; if the role cannot be changed, they become a step.
func (s *steps) newRole(c constructs.Construct, p roleProps) (role awsiam.IRole, ready constructs.IDependable) {
	if p.given == nil {
		created := awsiam.NewRole(c, &p.id, &awsiam.RoleProps{
			Description:    &p.description,
			AssumedBy:      p.trusted,
			InlinePolicies: &map[string]awsiam.PolicyDocument{p.policy: policyDocument(p.statements)},
		})
		accept(created, p.findings...)
		if isPrecreated(created) {
			s.remindOfRole(c, p, created)
		}
		return created, created
	}

	id := p.id + "Policy"
	policy := awsiam.NewPolicy(c, &id, &awsiam.PolicyProps{Document: policyDocument(p.statements)})
	p.given.AttachInlinePolicy(policy)
	if attached(policy) {
		accept(policy, p.findings...)
		return p.given, policy
	}
	c.Node().TryRemoveChild(&id)
	s.remindOfRole(c, p, p.given)
	return p.given, p.given
}

// attached reports whether a role accepted a policy. A role that cannot be changed ignores
// the policy, although it reports success for a statement that is added to it
// (ImmutableRole of the CDK).
func attached(policy awsiam.Policy) bool {
	roles, _ := awscdk.Stack_Of(policy).Resolve(resourceOf(policy).(awsiam.CfnPolicy).Roles()).([]any)
	return len(roles) > 0
}

// checkRole rejects a role that is known to belong to another account: a service accepts
// only roles of the account that it works in (IAM user guide, "Grant a user permissions to
// pass a role to an AWS service").
func checkRole(scope constructs.Construct, prop string, role awsiam.IRole) error {
	if role == nil {
		return nil
	}
	account, own := *role.Env().Account, *awscdk.Stack_Of(scope).Account()
	if isToken(account) || isToken(own) || account == own {
		return nil
	}
	return fmt.Errorf("%s: belongs to account %s, but a service accepts only roles of its own account; use a role of account %s",
		prop, account, own)
}

// fixedRole returns a form of the role that the CDK's constructs cannot add statements to.
func fixedRole(scope constructs.Construct, role awsiam.IRole) awsiam.IRole {
	if own, ok := role.(awsiam.Role); ok {
		return own.WithoutPolicyUpdates(nil)
	}
	return awsiam.Role_FromRoleArn(scope, jsii.String("FixedRole"), role.RoleArn(),
		&awsiam.FromRoleArnOptions{Mutable: jsii.Bool(false)})
}
