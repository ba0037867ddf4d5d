package resolverwatch

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// letLogsUse lets CloudWatch Logs encrypt the log groups of this account with key
// (CloudWatch Logs user guide, "Encrypt log data using AWS KMS"). Without it, log groups
// with the key cannot be created.
func (s *steps) letLogsUse(c constructs.Construct, key awskms.IKey) {
	allowed, service := logsUse(awscdk.Stack_Of(c))
	s.letServiceUse(c, key, "CloudWatch Logs", service, allowed)
}

// logsUse returns what CloudWatch Logs must be allowed to do with a key, and its principal.
func logsUse(stack awscdk.Stack) (allowed statement, principal string) {
	groups := stack.FormatArn(&awscdk.ArnComponents{Service: jsii.String("logs"), Resource: jsii.String("log-group"),
		ResourceName: jsii.String("*"), ArnFormat: awscdk.ArnFormat_COLON_RESOURCE_NAME})
	// Unlike for most services, the principal of Logs depends on the partition: it ends in
	// .cn in China.
	return statement{
		sid:     "ResolverwatchLogGroups",
		actions: []string{"kms:Decrypt*", "kms:Describe*", "kms:Encrypt*", "kms:GenerateDataKey*", "kms:ReEncrypt*"},
		conditions: map[string]any{"ArnLike": map[string]any{
			"kms:EncryptionContext:aws:logs:arn": *groups}},
	}, "logs." + *stack.Region() + "." + *stack.UrlSuffix()
}

// letEventsUse lets EventBridge send events that it could not deliver to a queue encrypted
// with key (SQS developer guide, "Configure KMS permissions for AWS services"), and use the key
// for nothing but the queues of this account and Region. SQS puts the ARN of the queue into
// the encryption context. The name of the queue is left open, because the queue refers to the
// key.
//
// The condition is not on the source, aws:SourceAccount or aws:SourceArn: EventBridge is
// documented to support neither for an encrypted topic (SNS developer guide, "Key
// management"), nothing says that it does for a queue, and an unsupported condition would
// silently lose the events.
func (s *steps) letEventsUse(c constructs.Construct, key awskms.IKey) {
	queues := awscdk.Stack_Of(c).FormatArn(&awscdk.ArnComponents{Service: jsii.String("sqs"), Resource: jsii.String("*")})
	s.letServiceUse(c, key, "EventBridge", eventsService, statement{
		sid:        "ResolverwatchDeadLetters",
		actions:    keyWrite,
		conditions: map[string]any{"ArnLike": map[string]any{"kms:EncryptionContext:aws:sqs:arn": *queues}},
	})
}

// letServiceUse adds a statement to the policy of key, or a step if the app cannot change
// the key.
func (s *steps) letServiceUse(c constructs.Construct, key awskms.IKey, name, principal string, allowed statement) {
	if key == nil {
		return
	}
	allowed.resources = []string{"*"}
	policy := allowed.forPrincipal(awsiam.NewServicePrincipal(&principal, nil))
	if *key.AddToResourcePolicy(policy, jsii.Bool(true)).StatementAdded {
		return
	}
	s.remind(c, Step{
		ID:   "KeyPolicy" + allowed.sid,
		Why:  "The policy of the existing key must allow " + name + " to use it.",
		Text: "add to the policy of " + *key.KeyArn() + ": " + allowed.text(service(principal)),
	})
}

// checkKeys rejects an alias in place of a key. IAM compares a policy with the ARN of the key,
// so a statement with the ARN of an alias allows nothing (KMS developer guide, "Using
// aliases in IAM policies").
func checkKeys(p *problems, keys map[string]awskms.IKey) {
	for _, prop := range slices.Sorted(maps.Keys(keys)) {
		if isAlias(keys[prop]) {
			p.addf("%s: must be a key, got an alias, which policies of roles cannot name; "+
				"use awskms.Key_FromKeyArn with the ARN of the key, awskms.Key_FromLookup by the alias, or the key that the alias was added to", prop)
		}
	}
}

// isAlias reports whether a key is an alias, or was imported by the ARN of one.
func isAlias(key awskms.IKey) bool {
	if key == nil {
		return false
	}
	_, alias := key.(awskms.IAlias)
	return alias || strings.Contains(*key.KeyArn(), ":alias/")
}

// encrypted is a bucket or a table.
type encrypted interface{ EncryptionKey() awskms.IKey }

// ownKey returns the key of an existing bucket or table, if the construct that refers to it
// knows it.
func ownKey(resource encrypted) awskms.IKey {
	if resource == nil {
		return nil
	}
	return resource.EncryptionKey()
}

// keyUnless returns the same as ownKey, or nil if given is set, because given replaces it.
func keyUnless(given awskms.IKey, resource encrypted) awskms.IKey {
	if given != nil {
		return nil
	}
	return ownKey(resource)
}

// firstKey returns the first key that is set, or nil.
func firstKey(keys ...awskms.IKey) awskms.IKey {
	for _, key := range keys {
		if key != nil {
			return key
		}
	}
	return nil
}

// checkPreviousKeys rejects earlier keys that are nil or aliases.
func checkPreviousKeys(p *problems, keys []awskms.IKey) {
	for i, key := range keys {
		prop := fmt.Sprintf("PreviousKeys[%d]", i)
		p.required(prop, key == nil)
		checkKeys(p, map[string]awskms.IKey{prop: key})
	}
}

// readPrevious returns a statement that lets a role decrypt what was encrypted with earlier
// keys, through services such as "s3". Without such keys there is no statement.
func readPrevious(keys []awskms.IKey, services ...string) []statement {
	var all []statement
	for _, service := range services {
		for _, s := range keyUse(service, keyRead, keys...) {
			s.sid = "PreviousKeys" + serviceSids[service]
			all = append(all, s)
		}
	}
	return all
}

// keepLogsReadable lets CloudWatch Logs keep decrypting what it encrypted with earlier keys
// of this app, because events stay encrypted with the key that they were written with
// (CloudWatch Logs user guide, "Encrypt log data using AWS KMS"). The policy of an existing
// key already has the statement.
func keepLogsReadable(c constructs.Construct, keys []awskms.IKey) {
	stack := awscdk.Stack_Of(c)
	for _, key := range keys {
		allowed, service := logsUse(stack)
		allowed.resources = []string{"*"}
		key.AddToResourcePolicy(allowed.forPrincipal(awsiam.NewServicePrincipal(&service, nil)), jsii.Bool(true))
	}
}

// bothKeys returns the keys that something is or was encrypted with.
func bothKeys(previous []awskms.IKey, now ...awskms.IKey) []awskms.IKey {
	return append(slices.Clone(now), previous...)
}
