package resolverwatch

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
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
var serviceSids = map[string]string{"s3": "ForS3", "dynamodb": "ForDynamoDB", "sqs": "ForSQS"}

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
