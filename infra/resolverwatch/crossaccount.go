package resolverwatch

import (
	"fmt"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// ofOtherAccount reports whether a resource is known to be of another account than c. The
// policy of a role is then not enough: the resource's own policy must allow the same.
func ofOtherAccount(c constructs.Construct, resource awscdk.IResource) bool {
	return resource != nil && otherAccount(awscdk.Stack_Of(c).Account(), resource.Env().Account)
}

// letRoleUseBucket adds a step for a bucket of another account: its policy must allow a role
// all that the statements of the role allow. The id names the role and the bucket.
func (s *steps) letRoleUseBucket(c constructs.Construct, id string, bucket awss3.IBucket, role awsiam.IRole, statements []statement) {
	if !ofOtherAccount(c, bucket) {
		return
	}
	s.letRoleUse(c, id+"Policy", bucketPolicy(bucket), role, statements)
}

// letRoleUseKeys does the same for keys. A key that is given twice has one step.
func (s *steps) letRoleUseKeys(c constructs.Construct, id string, role awsiam.IRole, statements []statement, keys ...awskms.IKey) {
	seen := map[string]bool{}
	for _, key := range keys {
		if key == nil || seen[*key.KeyArn()] || !ofOtherAccount(c, key) {
			continue
		}
		seen[*key.KeyArn()] = true
		step := id + "Policy"
		if n := len(seen); n > 1 {
			step = fmt.Sprintf("%s%dPolicy", id, n)
		}
		s.letRoleUse(c, step, keyPolicy(key), role, statements)
	}
}

// letRoleUse adds the step of a bucket or key.
func (s *steps) letRoleUse(c constructs.Construct, id string, on policied, role awsiam.IRole, statements []statement) {
	var texts []string
	for _, given := range statements {
		if allowed := given.onlyOn(on); len(allowed.resources) > 0 {
			texts = append(texts, allowed.text(map[string]string{"AWS": *role.RoleArn()}))
		}
	}
	s.remind(c, Step{
		ID: id,
		Why: fmt.Sprintf("A resource of account %s lets a role of this account in only by its own policy. "+
			"Add the statements after the role exists, because AWS refuses the name of a role that does not exist.", on.account),
		Text: "add to the policy of " + on.name + ": " + strings.Join(texts, ","),
	})
}

// onlyOn is the part of a statement that is about one bucket or key.
func (s statement) onlyOn(on policied) statement {
	var resources []string
	for _, resource := range s.resources {
		if resource == on.name || strings.HasPrefix(resource, on.name+"/") {
			resources = append(resources, resource)
		}
	}
	if on.anyResource && len(resources) > 0 {
		resources = []string{"*"}
	}
	s.resources = resources
	return s
}

// letDeploymentUse adds a step for a key of another account, to be done before the stack is
// deployed: creating a table, function or stream with a key makes a grant on the key.
func (s *steps) letDeploymentUse(c constructs.Construct, key awskms.IKey) {
	if !ofOtherAccount(c, key) {
		return
	}
	stack := awscdk.Stack_Of(c)
	account := *stack.FormatArn(&awscdk.ArnComponents{Service: jsii.String("iam"), Region: jsii.String(""), Resource: jsii.String("root")})
	s.remind(c, Step{
		ID: "KeyPolicyResolverwatchDeployment",
		Why: "The key is of another account, whose policy must let the principals of this account that deploy the stack use it. " +
			"They need the same permission in their own policies.",
		Text: "add to the policy of " + *key.KeyArn() + ": " + statement{
			sid:       "ResolverwatchDeployment",
			actions:   []string{"kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"},
			resources: []string{"*"},
		}.text(map[string]string{"AWS": account}),
	})
}

// remindOfEventBus says how the events of a list bucket of another account reach this one.
func (s *steps) remindOfEventBus(c constructs.Construct, bucket awss3.IBucket) {
	if !ofOtherAccount(c, bucket) {
		return
	}
	owner := *bucket.Env().Account
	bus := *awscdk.Stack_Of(c).FormatArn(&awscdk.ArnComponents{
		Service: jsii.String("events"), Resource: jsii.String("event-bus"), ResourceName: jsii.String("default")})
	s.remind(c, Step{
		ID: "ListBucketEventBus",
		Why: "The events of a list bucket of account " + owner + " arrive on the event bus of that account. Forward them by a " +
			"rule there, and let the event bus of this account accept them.",
		Text: fmt.Sprintf("aws events put-permission --event-bus-name default --action events:PutEvents --principal %s "+
			"--statement-id ResolverwatchLists, and in account %s a rule with the pattern "+
			`{"source":["aws.s3"],"detail":{"bucket":{"name":["%s"]}}} and the target %s`, owner, owner, *bucket.BucketName(), bus),
	})
}
