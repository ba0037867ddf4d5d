package resolverwatch

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// letLogsUse lets CloudWatch Logs encrypt the log groups of this account with key
// (CloudWatch Logs user guide, "Encrypt log data using AWS KMS"). Without it, no log
// group with the key can be made.
func (s *steps) letLogsUse(c constructs.Construct, key awskms.IKey) {
	stack := awscdk.Stack_Of(c)
	groups := stack.FormatArn(&awscdk.ArnComponents{Service: jsii.String("logs"), Resource: jsii.String("log-group"),
		ResourceName: jsii.String("*"), ArnFormat: awscdk.ArnFormat_COLON_RESOURCE_NAME})
	// Of few services, Logs has a principal of the partition too: it ends in .cn in China.
	s.letServiceUse(c, key, "CloudWatch Logs", "logs."+*stack.Region()+"."+*stack.UrlSuffix(), statement{
		sid:     "ResolverwatchLogGroups",
		actions: []string{"kms:Decrypt*", "kms:Describe*", "kms:Encrypt*", "kms:GenerateDataKey*", "kms:ReEncrypt*"},
		conditions: map[string]any{"ArnLike": map[string]any{
			"kms:EncryptionContext:aws:logs:arn": *groups}},
	})
}

// letEventsUse lets EventBridge put events that it could not deliver into a queue that
// is encrypted with key (SQS developer guide, "Configure KMS permissions for AWS
// services"). There is no condition on the source: EventBridge is known to meet none at
// an encrypted topic (SNS developer guide, "Key management"), no source says that it does
// at a queue, and one that it did not meet would lose the events without a word.
func (s *steps) letEventsUse(c constructs.Construct, key awskms.IKey) {
	s.letServiceUse(c, key, "EventBridge", eventsService, statement{
		sid:     "ResolverwatchDeadLetters",
		actions: keyWrite,
	})
}

// letServiceUse adds a statement to the policy of key, and reminds of it where the key
// is not the app's to change.
func (s *steps) letServiceUse(c constructs.Construct, key awskms.IKey, name, service string, allowed statement) {
	if key == nil {
		return
	}
	allowed.resources = []string{"*"}
	policy := allowed.forPrincipal(awsiam.NewServicePrincipal(&service, nil))
	if *key.AddToResourcePolicy(policy, jsii.Bool(true)).StatementAdded {
		return
	}
	s.remind(c, Step{
		ID:   "KeyPolicy" + allowed.sid,
		Why:  "The policy of the existing key must let " + name + " use it.",
		Text: "add to the policy of " + *key.KeyArn() + ": " + allowed.text(service),
	})
}
