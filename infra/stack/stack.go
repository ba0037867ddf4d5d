// Package stack defines a stack from the settings of a deployment: the pipeline, and
// outputs that list its parts and the next steps.
package stack

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/resolverwatch/resolverwatch/infra/resolverwatch"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// New defines the stack under scope, an app or a stage. It panics if a setting cannot work;
// the message names the prop of the setting.
func New(scope constructs.Construct, deployment settings.Deployment) awscdk.Stack {
	stack := awscdk.NewStack(scope, &deployment.StackName, &awscdk.StackProps{
		Env:                   environment(deployment),
		Description:           jsii.String(Description),
		TerminationProtection: &deployment.TerminationProtection,
		Tags:                  tags(deployment.Tags),
	})
	pipeline := resolverwatch.NewPipeline(stack, "Pipeline", PipelineProps(stack, deployment))
	pipeline.AddOutputs()
	return stack
}

// environment returns nil if the stack must fit any account and Region.
func environment(deployment settings.Deployment) *awscdk.Environment {
	if deployment.Account == "" && deployment.Region == "" {
		return nil
	}
	return &awscdk.Environment{Account: unlessEmpty(deployment.Account), Region: unlessEmpty(deployment.Region)}
}

func tags(values map[string]string) *map[string]*string {
	if len(values) == 0 {
		return nil
	}
	tags := make(map[string]*string, len(values))
	for name, value := range values {
		tags[name] = &value
	}
	return &tags
}

func unlessEmpty(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// newKey defines a key for everything in the stack. The key outlives the stack, like the
// data that it encrypts.
func newKey(scope constructs.Construct, removal awscdk.RemovalPolicy) awskms.IKey {
	return awskms.NewKey(scope, jsii.String("Key"), &awskms.KeyProps{
		Description:       jsii.String("Encrypts what Resolverwatch keeps"),
		EnableKeyRotation: jsii.Bool(true),
		RemovalPolicy:     removal,
	})
}
