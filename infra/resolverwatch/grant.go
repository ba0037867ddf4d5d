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
// resource whose own policy needs it too where the two are of different accounts, if it has
// one.
type access struct {
	statement
	on policied
}

// policied is a resource with a policy of its own.
type policied struct {
	name    string
	account string
	// add adds a statement to the policy and reports whether it could: the policy of a
	// resource that the app only refers to is not the app's to change.
	add func(awsiam.PolicyStatement) bool
	// anyResource writes "*" as the resource of a statement: the policy is part of the
	// resource, and cannot refer to it.
	anyResource bool
}

func bucketPolicy(bucket awss3.IBucket) policied {
	return policied{
		name:    *bucket.BucketArn(),
		account: *bucket.Env().Account,
		add: func(s awsiam.PolicyStatement) bool {
			return *bucket.AddToResourcePolicy(s).StatementAdded
		},
	}
}

func keyPolicy(key awskms.IKey) policied {
	return policied{
		name:    *key.KeyArn(),
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
	on := bucketPolicy(bucket)
	return []access{
		{statement{actions: []string{"s3:GetObject"}, resources: inFolders(bucket, folders)}, on},
		{statement{actions: []string{"s3:GetBucketLocation"}, resources: []string{*bucket.BucketArn()}}, on},
		{listFolders(bucket, folders), on},
	}
}

// inFolders returns the objects under folders of a bucket, as resources.
func inFolders(bucket awss3.IBucket, folders []string) []string {
	patterns := make([]string, len(folders))
	for i, folder := range folders {
		patterns[i] = folder + "*"
	}
	return objects(bucket, patterns...)
}

// listFolders allows to list folders of a bucket. A request without a prefix has no
// s3:prefix to compare, so there is no condition where a folder is the whole bucket.
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

// writtenFolder returns the literal beginning of a prefix of Firehose.
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

// grantToRole is the remedy for principals that only a resource's policy could let in.
const grantToRole = "define an awsiam.Role in this stack that the principal may assume, and grant to the role"

// grant lets grantee do what the list says. The policy of a resource gets the statement
// too where the grantee has no policy or is of another account than the resource; what the
// app cannot add itself becomes a step. The method that grants is the name of the step.
func (s *steps) grant(c constructs.Construct, method string, grantee awsiam.IGrantable, list []access) awsiam.Grant {
	principal := grantee.GrantPrincipal()
	var granted awsiam.Grant
	for _, a := range list {
		part := awsiam.Grant_AddToPrincipal(&awsiam.GrantOnPrincipalOptions{
			Grantee: grantee, Actions: jsii.Strings(a.actions...), ResourceArns: jsii.Strings(a.resources...),
			Conditions: a.grantConditions(),
		})
		switch {
		case a.on.add == nil && !*part.Success():
			panic(fmt.Errorf("%s: %s: the principal has no policy that the permission could be added to; %s",
				*c.Node().Path(), method, grantToRole))
		case a.on.add == nil:
		case !*part.Success() || otherAccount(&a.on.account, principal.PrincipalAccount()):
			s.letPrincipal(c, method, principal, a)
		}
		if granted == nil {
			granted = part
		} else {
			granted = granted.Combine(part)
		}
	}
	if account := principal.PrincipalAccount(); otherAccount(awscdk.Stack_Of(c).Account(), account) {
		s.remind(c, Step{
			ID:   fmt.Sprintf("%s%d", method, len(*s)),
			Why:  "The principal of account " + *account + " needs the permission in its own policies, too.",
			Text: "add to the policies of the principal: " + policyText(statementsOf(list)),
		})
	}
	return granted
}

// letPrincipal adds a statement to the policy of a resource, or a step that says so.
func (s *steps) letPrincipal(c constructs.Construct, method string, principal awsiam.IPrincipal, a access) {
	allowed := a.statement
	allowed.sid = ""
	if a.on.anyResource {
		allowed.resources = []string{"*"}
	}
	if a.on.add(allowed.forPrincipal(principal)) {
		return
	}
	s.remind(c, Step{
		ID:   fmt.Sprintf("%s%d", method, len(*s)),
		Why:  "The policy of a resource that the app does not own must let the principal use it.",
		Text: "add to the policy of " + a.on.name + ": " + allowed.text(*principal.PolicyFragment().PrincipalJson()),
	})
}

// statementsOf are the statements of a list, as a principal needs them.
func statementsOf(list []access) []statement {
	statements := make([]statement, len(list))
	for i, a := range list {
		statements[i] = a.statement
		statements[i].sid = ""
	}
	return statements
}

// grantConditions are the conditions in the type that grants take.
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

// otherAccount reports whether two accounts are both known, and differ.
func otherAccount(one, other *string) bool {
	return one != nil && other != nil && !isToken(*one) && !isToken(*other) && *one != *other
}
