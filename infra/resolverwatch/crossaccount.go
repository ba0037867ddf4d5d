package resolverwatch

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// ofOtherAccount reports whether a resource is known to belong to another account than c.
// The policy of a role is then not enough: the resource's own policy must allow the same.
func ofOtherAccount(c constructs.Construct, resource awscdk.IResource) bool {
	return resource != nil && otherAccount(awscdk.Stack_Of(c).Account(), resource.Env().Account)
}

// letRoleUseBucket adds a step for a bucket of another account: its policy must allow a
// role everything that the statements of the role allow. The id identifies the role and the
// bucket.
func (s *steps) letRoleUseBucket(c constructs.Construct, id string, bucket awss3.IBucket, role awsiam.IRole, statements []statement) {
	if !ofOtherAccount(c, bucket) {
		return
	}
	s.letRoleUse(c, id+"Policy", bucketPolicy(bucket), role, statements)
}

// letRoleUseKeys does the same for keys. A key that is given twice gets one step.
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

// letRoleUse adds the step for one bucket or key.
func (s *steps) letRoleUse(c constructs.Construct, id string, target policied, role awsiam.IRole, statements []statement) {
	var texts []string
	for _, given := range statements {
		if allowed := given.onlyOn(target); len(allowed.resources) > 0 {
			texts = append(texts, allowed.text(map[string]string{"AWS": *role.RoleArn()}))
		}
	}
	s.remind(c, Step{
		ID: id,
		Why: fmt.Sprintf("The role can use a resource of account %s only if its own policy allows it. "+
			"Add the statements after the role exists, because AWS rejects a principal that does not exist.", target.account),
		Text: "add to the policy of " + target.name + ": " + strings.Join(texts, ","),
	})
}

// letRoleReadSecrets adds a step for the secrets of each other account (Secrets Manager
// user guide, "Access AWS Secrets Manager secrets from a different account"). The key of
// such a secret is a customer managed one, whose ARN the app does not know.
func (s *steps) letRoleReadSecrets(c constructs.Construct, role awsiam.IRole, secrets []string) {
	home := placeOf(c)
	others := map[place][]string{}
	for _, secret := range secrets {
		there := placeOfARN(secret, place{})
		if home.account != "" && there.account != "" && there.account != home.account {
			others[there] = append(others[there], secret)
		}
	}

	principal := map[string]string{"AWS": *role.RoleArn()}
	byAccount := func(a, b place) int { return strings.Compare(a.account+a.region, b.account+b.region) }
	for _, there := range slices.SortedFunc(maps.Keys(others), byAccount) {
		read := statement{actions: []string{"secretsmanager:GetSecretValue"}, resources: []string{"*"}}
		decrypt := statement{actions: keyRead, resources: []string{"*"}, conditions: map[string]any{"StringEquals": map[string]any{
			"kms:ViaService": "secretsmanager." + there.region + "." + *awscdk.Stack_Of(c).UrlSuffix()}}}
		s.remind(c, Step{
			ID: "FeedSecretPolicy" + there.account + camelCase(there.region),
			Why: fmt.Sprintf("The importer can read a secret of account %s only if the policies of the secret and of its key allow it. "+
				"The key must be a customer managed one, and the role also needs kms:Decrypt on it, which the app can add to "+
				"Importer.Role. Add the statements after the role exists, because AWS rejects a principal that does not exist.", there.account),
			Text: "add to the policy of " + strings.Join(others[there], " and of ") + ": " + read.text(principal) +
				"; add to the policy of the key: " + decrypt.text(principal),
		})
	}
}

// camelCase joins the words of a Region for an id: eu-west-1 becomes EuWest1.
func camelCase(region string) string {
	var joined strings.Builder
	for word := range strings.SplitSeq(region, "-") {
		if word != "" {
			joined.WriteString(strings.ToUpper(word[:1]) + word[1:])
		}
	}
	return joined.String()
}

// onlyOn limits a statement to one bucket or key.
func (s statement) onlyOn(target policied) statement {
	var resources []string
	for _, resource := range s.resources {
		if resource == target.name || strings.HasPrefix(resource, target.name+"/") {
			resources = append(resources, resource)
		}
	}
	if target.anyResource && len(resources) > 0 {
		resources = []string{"*"}
	}
	s.resources = resources
	return s
}

// letDeploymentUse adds a step for a key of another account that must be done before the
// stack is deployed, because creating a table, function or stream with a key creates a
// grant on the key.
func (s *steps) letDeploymentUse(c constructs.Construct, key awskms.IKey) {
	if !ofOtherAccount(c, key) {
		return
	}
	stack := awscdk.Stack_Of(c)
	account := *stack.FormatArn(&awscdk.ArnComponents{Service: jsii.String("iam"), Region: jsii.String(""), Resource: jsii.String("root")})
	s.remind(c, Step{
		ID: "KeyPolicyResolverwatchDeployment",
		Why: "The key belongs to another account. Its policy must allow the principals that deploy this stack to use it. " +
			"They need the same permission in their own policies.",
		Text: "add to the policy of " + *key.KeyArn() + ": " + statement{
			sid:       "ResolverwatchDeployment",
			actions:   []string{"kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"},
			resources: []string{"*"},
		}.text(map[string]string{"AWS": account}),
	})
}

// remindOfEventBus adds a step for a bucket of another account, whose events must be forwarded to
// this account. The kind of the bucket is List or Log.
func (s *steps) remindOfEventBus(c constructs.Construct, kind string, bucket awss3.IBucket) {
	if !ofOtherAccount(c, bucket) {
		return
	}
	owner := *bucket.Env().Account
	bus := *awscdk.Stack_Of(c).FormatArn(&awscdk.ArnComponents{
		Service: jsii.String("events"), Resource: jsii.String("event-bus"), ResourceName: jsii.String("default")})
	s.remind(c, Step{
		ID: kind + "BucketEventBus",
		Why: "The events of a " + strings.ToLower(kind) + " bucket of account " + owner + " arrive on that account's event bus. Forward them with a " +
			"rule there, and allow the event bus of this account to accept them.",
		Text: fmt.Sprintf("aws events put-permission --event-bus-name default --action events:PutEvents --principal %s "+
			"--statement-id Resolverwatch%ss, and in account %s a rule with the pattern "+
			`{"source":["aws.s3"],"detail":{"bucket":{"name":["%s"]}}} and the target %s`, owner, kind, owner, *bucket.BucketName(), bus),
	})
}
