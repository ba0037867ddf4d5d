package resolverwatch

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssecretsmanager"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsstepfunctions"
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

// remindOfRole adds the step for a role that the app cannot change. The role must have the
// policy before the first deployment: Lambda checks the permissions for failed events and
// for a VPC when the function is created, and Firehose checks those for a Glue table. A
// deployment without them is rolled back, together with the outputs that have the policy.
// So the policy contains only what is known before.
func (s *steps) remindOfRole(c constructs.Construct, p roleProps, role awsiam.IRole) {
	policy := policyText(knownBefore(p.statements))
	text := fmt.Sprintf("aws iam put-role-policy --role-name %s --policy-name Resolverwatch%s --policy-document '%s'",
		*role.RoleName(), p.policy, policy)
	if isToken(*role.RoleName()) { // the role is defined by the app, so it does not exist yet
		text = "add to the InlinePolicies of " + pathOfRole(role) + ": " + policy
	}
	s.remind(c, Step{
		ID: p.step,
		Why: fmt.Sprintf("This app cannot change the %s. It must trust %s and have this policy before the first deployment, "+
			"which is rolled back otherwise. In the policy, names that CloudFormation chooses are patterns.", p.id, p.service),
		Text: text,
	})
}

// pathOfRole returns the path at which the app defines a role. WithoutPolicyUpdates makes a
// construct of its own next to the role, whose id contains the id of the role.
func pathOfRole(role awsiam.IRole) string {
	if id, isFixed := strings.CutPrefix(*role.Node().Id(), "ImmutableRole"); isFixed {
		if original := role.Node().Scope().Node().TryFindChild(&id); original != nil {
			return *original.Node().Path()
		}
	}
	return *role.Node().Path()
}

// knownBefore returns statements that allow at least the same, on resources that are known
// before the deployment.
func knownBefore(statements []statement) []statement {
	known := make([]statement, len(statements))
	for i, s := range statements {
		resources := make([]string, len(s.resources))
		for j, resource := range s.resources {
			resources[j] = anyToken.ReplaceAllStringFunc(resource, arnPattern)
		}
		s.resources = resources
		known[i] = s
	}
	return known
}

// anyToken matches the tokens in a text.
var anyToken = regexp.MustCompile(`\$\{Token\[[^\]]+\]\}`)

// arnPattern returns a pattern for a token that is the ARN of a resource of the app. Any
// other token is returned as it is.
func arnPattern(token string) string {
	source := awscdk.Tokenization_ReverseString(&token).FirstToken()
	if source == nil || !*awscdk.Reference_IsReference(source) {
		return token
	}
	reference, isReference := source.(awscdk.Reference)
	if !isReference {
		return token
	}
	return resourcePattern(reference.Target(), token)
}

// resourcePattern returns the pattern for the ARN of a resource, or fallback if the
// resource has a type that roles of this package do not use, or a name that is a token.
func resourcePattern(resource constructs.IConstruct, fallback string) string {
	var service, kind, name string
	var given *string
	switch r := resource.(type) {
	case awss3.CfnBucket:
		service, name, given = "s3", strings.ToLower(chosenName(r)), r.BucketName()
	case awsdynamodb.CfnTable:
		service, kind, name, given = "dynamodb", "table/", chosenName(r), r.TableName()
	case awslambda.CfnFunction:
		service, kind, name, given = "lambda", "function:", chosenName(r), r.FunctionName()
	case awssqs.CfnQueue:
		service, name, given = "sqs", chosenName(r), r.QueueName()
	case awssns.CfnTopic:
		service, name, given = "sns", chosenName(r), r.TopicName()
	case awsstepfunctions.CfnStateMachine:
		service, kind, name, given = "states", "stateMachine:", chosenName(r), r.StateMachineName()
	case awslogs.CfnLogGroup: // the ARN also ends in :*
		service, kind, name, given = "logs", "log-group:", chosenName(r), r.LogGroupName()
	case awskms.CfnKey: // keys have ids in place of names
		service, kind, name = "kms", "key/", "*"
	case awssecretsmanager.CfnSecret: // Secrets Manager adds six characters to the name
		service, kind, name, given = "secretsmanager", "secret:", logicalID(r)+"-*", r.Name()
	default:
		return fallback
	}
	stack := awscdk.Stack_Of(resource)
	if given != nil && stack.Resolve(*given) != nil { // the CDK has a token for a name that is not set
		if isToken(*given) {
			return fallback
		}
		name = *given + map[string]string{"logs": ":*", "secretsmanager": "-??????"}[service]
	}
	region, account := *stack.Region(), *stack.Account()
	if service == "s3" {
		region, account = "", ""
	}
	return strings.Join([]string{"arn", *stack.Partition(), service, region, account, kind + name}, ":")
}

// chosenName returns a pattern for the name that CloudFormation chooses for a resource: the
// name of the stack, the logical id and random characters. It shortens the first two if the
// name would be too long. The name of a nested stack begins with that of its parent.
func chosenName(resource awscdk.CfnResource) string {
	const keptBytes = 20 // of the stack's name, in even the shortest names
	stack := awscdk.Stack_Of(resource)
	for stack.NestedStackParent() != nil {
		stack = stack.NestedStackParent()
	}
	name := *stack.StackName()
	switch {
	case isToken(name):
		return "*"
	case len(name) > keptBytes:
		return name[:keptBytes] + "*"
	default:
		return name + "-*"
	}
}

// logicalID returns the logical id of a resource.
func logicalID(resource awscdk.CfnResource) string {
	return fmt.Sprint(awscdk.Stack_Of(resource).Resolve(resource.LogicalId()))
}

// isPrecreated reports whether the CDK refers to an existing role in place of a new one, as
// Role_CustomizeRoles demands.
func isPrecreated(role awsiam.Role) bool {
	return role.Node().TryFindChild(jsii.String("Resource")) == nil
}
