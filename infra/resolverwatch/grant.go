package resolverwatch

import (
	"fmt"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// access is what a grant allows on one resource: the statement for the grantee, and the
// resource, whose own policy, if it has one, needs the statement too when the two belong to
// different accounts.
type access struct {
	statement
	policy policied
}

// policied is a resource that has a policy.
type policied struct {
	name    string // its ARN
	path    string // of its construct
	account string
	// add adds a statement to the policy and reports whether it could. An app cannot change
	// the policy of a resource that it only refers to.
	add func(awsiam.PolicyStatement) bool
	// anyResource makes "*" the resource of a statement: the policy is part of the
	// resource, and cannot refer to it.
	anyResource bool
}

func bucketPolicy(bucket awss3.IBucket) policied {
	return policied{
		name:    *bucket.BucketArn(),
		path:    *bucket.Node().Path(),
		account: *bucket.Env().Account,
		add: func(s awsiam.PolicyStatement) bool {
			return *bucket.AddToResourcePolicy(s).StatementAdded
		},
	}
}

func keyPolicy(key awskms.IKey) policied {
	return policied{
		name:    *key.KeyArn(),
		path:    *key.Node().Path(),
		account: *key.Env().Account,
		add: func(s awsiam.PolicyStatement) bool {
			return *key.AddToResourcePolicy(s, jsii.Bool(true)).StatementAdded
		},
		anyResource: true,
	}
}

func tablePolicy(table awsdynamodb.ITable) policied {
	return policied{
		name:    *table.TableArn(),
		path:    *table.Node().Path(),
		account: placeOfResource(table, *table.TableArn()).account,
		add: func(s awsiam.PolicyStatement) bool {
			own, isOwn := table.(awsdynamodb.Table)
			return isOwn && *own.AddToResourcePolicy(s).StatementAdded
		},
		anyResource: true,
	}
}

// readFolders lets a grantee list and read the objects under folders of a bucket.
func readFolders(bucket awss3.IBucket, folders ...string) []access {
	policy := bucketPolicy(bucket)
	return []access{
		{statement{actions: []string{"s3:GetObject"}, resources: inFolders(bucket, folders)}, policy},
		{statement{actions: []string{"s3:GetBucketLocation"}, resources: []string{*bucket.BucketArn()}}, policy},
		{listFolders(bucket, folders), policy},
	}
}

// inFolders returns the ARNs of the objects under folders of a bucket.
func inFolders(bucket awss3.IBucket, folders []string) []string {
	patterns := make([]string, len(folders))
	for i, folder := range folders {
		patterns[i] = folder + "*"
	}
	return objects(bucket, patterns...)
}

// listFolders allows listing folders of a bucket. If a folder is the whole bucket, there is
// no condition, because a request without a prefix has no s3:prefix to compare.
func listFolders(bucket awss3.IBucket, folders []string) statement {
	list := statement{actions: []string{"s3:ListBucket"}, resources: []string{*bucket.BucketArn()}}
	var prefixes []string
	for _, folder := range folders {
		if folder == "" {
			return list
		}
		if name, isFolder := strings.CutSuffix(folder, "/"); isFolder {
			prefixes = append(prefixes, name)
		}
		prefixes = append(prefixes, folder+"*")
	}
	list.conditions = map[string]any{"StringLike": map[string]any{"s3:prefix": prefixes}}
	return list
}

// writtenFolder returns the literal beginning of a Firehose prefix.
func writtenFolder(prefix string) string {
	folder, _, _ := strings.Cut(prefix, "!{")
	return folder
}

// useKeys lets a grantee use keys through a service. It leaves out nil keys.
func useKeys(service string, actions []string, keys ...awskms.IKey) []access {
	var list []access
	for _, key := range keys {
		for _, s := range keyUse(service, actions, key) {
			list = append(list, access{s, keyPolicy(key)})
		}
	}
	return list
}

// grantToRole is the remedy for principals that only a resource policy could admit.
const grantToRole = "define an awsiam.Role in this stack that the principal may assume, and grant to the role"

// grant lets grantee do what the list allows. If the grantee has no policy, or belongs to
// another account than a resource, the statement is also added to the policy of the
// resource. Anything that the app cannot add itself becomes one step, which is named after
// the method that grants and the grantee.
func (s *steps) grant(c constructs.Construct, method string, grantee awsiam.IGrantable, list []access) awsiam.Grant {
	mustBeGiven(c, method, grantee)
	principal := grantee.GrantPrincipal()
	var granted awsiam.Grant
	var left grantStep
	for _, a := range list {
		part := awsiam.Grant_AddToPrincipal(&awsiam.GrantOnPrincipalOptions{
			Grantee: grantee, Actions: jsii.Strings(a.actions...), ResourceArns: jsii.Strings(a.resources...),
			Conditions: a.grantConditions(),
		})
		switch {
		case a.policy.add == nil && !*part.Success():
			panic(fmt.Errorf("%s: %s: the principal has no policy to add the permission to; %s",
				*c.Node().Path(), method, grantToRole))
		case a.policy.add == nil:
		case !*part.Success() || otherAccount(&a.policy.account, principal.PrincipalAccount()):
			left.letPrincipal(principal, a)
		}
		if granted == nil {
			granted = part
		} else {
			granted = granted.Combine(part)
		}
	}
	left.own(c, method, principal, statementsOf(list))
	s.remindOfGrant(c, method, principal, left)
	return granted
}

// letPrincipal adds a statement to the policy of a resource, or the text to do so by hand.
func (g *grantStep) letPrincipal(principal awsiam.IPrincipal, a access) {
	allowed := a.statement
	allowed.sid = ""
	if a.policy.anyResource {
		allowed.resources = []string{"*"}
	}
	if !a.policy.add(allowed.forPrincipal(principal)) {
		g.allow(a.policy, allowed.text(*principal.PolicyFragment().PrincipalJson()))
	}
}

// statementsOf returns the statements of a list, as the principal's policy needs them.
func statementsOf(list []access) []statement {
	statements := make([]statement, len(list))
	for i, a := range list {
		statements[i] = a.statement
		statements[i].sid = ""
	}
	return statements
}

// grantConditions returns the conditions in the type that the CDK's grants need.
func (s statement) grantConditions() *map[string]*map[string]any {
	if s.conditions == nil {
		return nil
	}
	conditions := make(map[string]*map[string]any, len(s.conditions))
	for operator, values := range s.conditions {
		compared := values.(map[string]any)
		conditions[operator] = &compared
	}
	return &conditions
}

// otherAccount reports whether two accounts are both known and differ.
func otherAccount(one, other *string) bool {
	return one != nil && other != nil && !isToken(*one) && !isToken(*other) && *one != *other
}

// mustBeGiven panics if there is no grantee.
func mustBeGiven(c constructs.Construct, method string, grantee awsiam.IGrantable) {
	if grantee == nil {
		panic(refuse(*c.Node().Path(), fmt.Errorf("%s: grantee: must be set, such as an awsiam.Role", method)))
	}
}

// mustBeOfAccount panics with the remedy if there is no grantee, or if it belongs to
// another account than target, the resource of the grant.
func mustBeOfAccount(c constructs.Construct, method string, grantee awsiam.IGrantable, target, why string) {
	mustBeGiven(c, method, grantee)
	account, other := awscdk.Stack_Of(c).Account(), grantee.GrantPrincipal().PrincipalAccount()
	if otherAccount(account, other) {
		panic(refuse(*c.Node().Path(), fmt.Errorf("%s: the principal belongs to account %s and %s to %s, and %s; %s",
			method, *other, target, *account, why, grantToRole)))
	}
}
