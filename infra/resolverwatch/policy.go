package resolverwatch

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// statement is a policy statement in plain Go. The roles of this package use these, because
// the grants of the CDK's constructs add wildcards.
type statement struct {
	sid       string
	deny      bool // instead of allow
	actions   []string
	resources []string
	// conditions maps operator -> key -> value or values.
	conditions map[string]any
}

func (s statement) build() awsiam.PolicyStatement {
	return awsiam.NewPolicyStatement(s.props())
}

// forPrincipal returns the statement for use in a resource policy.
func (s statement) forPrincipal(principal awsiam.IPrincipal) awsiam.PolicyStatement {
	props := s.props()
	props.Principals = &[]awsiam.IPrincipal{principal}
	return awsiam.NewPolicyStatement(props)
}

func (s statement) props() *awsiam.PolicyStatementProps {
	props := &awsiam.PolicyStatementProps{
		Actions:   jsii.Strings(s.actions...),
		Resources: jsii.Strings(s.resources...),
	}
	if s.deny {
		props.Effect = awsiam.Effect_DENY
	}
	if s.sid != "" {
		props.Sid = &s.sid
	}
	if s.conditions != nil {
		props.Conditions = &s.conditions
	}
	return props
}

// text returns the statement as JSON, for a person to add to a resource policy.
func (s statement) text(principal any) string {
	written := s.written()
	written["Principal"] = principal
	return toJSON(written)
}

// policyText returns the policy of a role as JSON.
func policyText(statements []statement) string {
	written := make([]map[string]any, len(statements))
	for i, s := range statements {
		written[i] = s.written()
	}
	return toJSON(map[string]any{"Version": "2012-10-17", "Statement": written})
}

// written returns the statement with the member names of IAM.
func (s statement) written() map[string]any {
	written := map[string]any{"Effect": "Allow", "Action": s.actions, "Resource": s.resources}
	if s.deny {
		written["Effect"] = "Deny"
	}
	if s.sid != "" {
		written["Sid"] = s.sid
	}
	if s.conditions != nil {
		written["Condition"] = s.conditions
	}
	return written
}

func toJSON(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		panic(fmt.Errorf("encoding strings: %w", err))
	}
	return string(text)
}

// service returns the principal of a service for the text of a policy.
func service(name string) map[string]string { return map[string]string{"Service": name} }

func policyDocument(statements []statement) awsiam.PolicyDocument {
	document := awsiam.NewPolicyDocument(nil)
	for _, s := range statements {
		document.AddStatements(s.build())
	}
	return document
}

// objects returns the ARNs of the objects in a bucket whose keys match patterns.
func objects(bucket awss3.IBucket, patterns ...string) []string {
	arns := make([]string, len(patterns))
	for i, pattern := range patterns {
		arns[i] = *bucket.ArnForObjects(&pattern)
	}
	return arns
}

// keyUse returns a statement that lets a role use keys through a service of their Regions,
// such as "s3". Nil keys are ignored; without any key there is no statement.
func keyUse(service string, actions []string, keys ...awskms.IKey) []statement {
	var arns, vias []string
	for _, key := range keys {
		if key == nil {
			continue
		}
		// The Region is the key's own, because the key's stack may be the one that refers
		// to it.
		via := service + "." + *key.Env().Region + "." + *key.Stack().UrlSuffix()
		if arn := *key.KeyArn(); !slices.Contains(arns, arn) {
			arns = append(arns, arn)
		}
		if !slices.Contains(vias, via) {
			vias = append(vias, via)
		}
	}
	if len(arns) == 0 {
		return nil
	}
	return []statement{{
		sid:        "Key" + serviceSids[service],
		actions:    actions,
		resources:  arns,
		conditions: map[string]any{"StringEquals": map[string]any{"kms:ViaService": oneOrAll(vias)}},
	}}
}

// oneOrAll returns a single value without a list around it, as people write it.
func oneOrAll(values []string) any {
	if len(values) == 1 {
		return values[0]
	}
	return values
}

// serviceSids maps services to the words that name them in statement ids.
var serviceSids = map[string]string{"s3": "ForS3", "dynamodb": "ForDynamoDB", "sqs": "ForSQS", "sns": "ForSNS"}

// Actions on a key that a role needs to read or write data.
var (
	keyRead  = []string{"kms:Decrypt"}
	keyWrite = []string{"kms:Decrypt", "kms:GenerateDataKey"}
	// Readers of an encrypted table need only these (DynamoDB developer guide, "Usage
	// notes" of encryption at rest).
	keyTableRead = []string{"kms:Decrypt", "kms:DescribeKey"}
	// DynamoDB requires these to use an encrypted table (its developer guide, "Using IAM
	// policies with encryption at rest").
	keyTable = []string{"kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom", "kms:ReEncryptTo"}
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

func queuePolicy(queue awssqs.IQueue) policied {
	return policied{
		name:    *queue.QueueArn(),
		path:    *queue.Node().Path(),
		account: *queue.Env().Account,
		add: func(s awsiam.PolicyStatement) bool {
			return *queue.AddToResourcePolicy(s).StatementAdded
		},
	}
}

func topicPolicy(topic awssns.ITopic) policied {
	return policied{
		name:    *topic.TopicArn(),
		path:    *topic.Node().Path(),
		account: *topic.Env().Account,
		add: func(s awsiam.PolicyStatement) bool {
			return *topic.AddToResourcePolicy(s).StatementAdded
		},
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

// grantStep collects what is left to do by hand for one grant.
type grantStep struct {
	why   []string
	texts []string
	// resource is the policy that the last text is about.
	resource string
}

// allow adds a statement for the policy of a resource that the app cannot change.
func (g *grantStep) allow(policy policied, text string) {
	if g.resource == policy.name { // one text for all statements of a policy
		g.texts[len(g.texts)-1] += "," + text
		return
	}
	owner := "which this app cannot change"
	if !isToken(policy.account) {
		owner = "of account " + policy.account
	}
	g.why = append(g.why, fmt.Sprintf("%s, %s, must allow the principal in its own policy. Add the statements after the principal "+
		"exists, because AWS rejects one that does not.", policy.path, owner))
	g.texts = append(g.texts, "add to the policy of "+policy.name+": "+text)
	g.resource = policy.name
}

// own adds the statements for the policies of a principal that the app cannot change.
func (g *grantStep) own(c constructs.Construct, method string, principal awsiam.IPrincipal, statements []statement) {
	account := principal.PrincipalAccount()
	switch {
	case otherAccount(awscdk.Stack_Of(c).Account(), account):
		g.why = append(g.why, "The principal of account "+*account+" needs the permission in its own policies, too.")
		g.texts = append(g.texts, "add to the policies of the principal: "+policyText(statements))
	case isFixed(c, principal):
		role := principal.(awsiam.IRole)
		g.why = append(g.why, "This app cannot change the role "+pathOfRole(role)+", which needs the permission in its policies.")
		g.texts = append(g.texts, fmt.Sprintf("aws iam put-role-policy --role-name %s --policy-name Resolverwatch%s --policy-document '%s'",
			*role.RoleName(), method, policyText(statements)))
	}
}

// remindOfGrant adds the step for a grant, unless nothing is left to do or the same was
// granted before. Its id is derived from the grantee, so that other grants do not change
// it.
func (s *steps) remindOfGrant(c constructs.Construct, method string, principal awsiam.IPrincipal, g grantStep) {
	id := method + granteeID(c, principal)
	same := func(step Step) bool { return step.ID == id }
	if len(g.texts) == 0 || slices.ContainsFunc(*s, same) {
		return
	}
	s.remind(c, Step{ID: id, Why: strings.Join(g.why, " "), Text: strings.Join(g.texts, "; ")})
}

// remindOfFixedRole adds a step if grantee is a principal of another account, or a role
// that a grant of the CDK's own constructs silently leaves as it is.
func (s *steps) remindOfFixedRole(c constructs.Construct, method string, grantee awsiam.IGrantable, granted statement) {
	principal := grantee.GrantPrincipal()
	var g grantStep
	g.own(c, method, principal, []statement{granted})
	s.remindOfGrant(c, method, principal, g)
}

// granteeID returns eight hexadecimal digits that identify a principal: by its path if it
// is a construct, by the member Principal of its statements otherwise.
func granteeID(c constructs.Construct, principal awsiam.IPrincipal) string {
	name := ""
	if construct, isConstruct := principal.(constructs.IConstruct); isConstruct {
		name = *construct.Node().Path()
	} else {
		name = toJSON(awscdk.Stack_Of(c).Resolve(principal.PolicyFragment().PrincipalJson()))
	}
	hash := sha256.Sum256([]byte(name))
	return strings.ToUpper(hex.EncodeToString(hash[:4]))
}

// isFixed reports whether a principal is a role that ignores new statements. It reports
// success for them (ImmutableRole of the CDK), so a policy is attached for a moment to see.
func isFixed(c constructs.Construct, principal awsiam.IPrincipal) bool {
	role, isRole := principal.(awsiam.IRole)
	if !isRole {
		return false
	}
	switch role.(type) {
	case awsiam.Role, awsiam.LazyRole:
		return false
	}
	const id = "Probe"
	probe := awsiam.NewPolicy(c, jsii.String(id), &awsiam.PolicyProps{Document: policyDocument([]statement{
		{actions: []string{"sts:GetCallerIdentity"}, resources: []string{"*"}}})})
	role.AttachInlinePolicy(probe)
	fixed := !attached(probe)
	c.Node().TryRemoveChild(jsii.String(id))
	return fixed
}
