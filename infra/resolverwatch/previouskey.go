package resolverwatch

import (
	"fmt"
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// previousKeys rejects earlier keys that are nil or aliases.
func (p *problems) previousKeys(keys []awskms.IKey) {
	for i, key := range keys {
		prop := fmt.Sprintf("PreviousKeys[%d]", i)
		p.required(prop, key == nil)
		p.keys(map[string]awskms.IKey{prop: key})
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
