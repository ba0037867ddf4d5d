// Package operatorio gives the operator a deployed stack: where its parts are, its own
// edits in the table, and the importer to ask. The index bucket and the state of feeds
// are those of package importerio.
package operatorio

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
)

// Outputs are what a stack says of itself, by the keys of pkg/settings.
type Outputs map[string]string

// FindStack returns the outputs of a CloudFormation stack.
func FindStack(ctx context.Context, config aws.Config, name string) (Outputs, error) {
	out, err := cloudformation.NewFromConfig(config).DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &name})
	var refused smithy.APIError
	if errors.As(err, &refused) && refused.ErrorCode() == "ValidationError" && strings.Contains(refused.ErrorMessage(), "does not exist") {
		return nil, fmt.Errorf("there is no stack %q in Region %s: name it with --stack, its Region with AWS_REGION", name, config.Region)
	}
	if err != nil {
		return nil, fmt.Errorf("looking up the stack %q: %w", name, err)
	}
	outputs := Outputs{}
	for _, stack := range out.Stacks {
		for _, output := range stack.Outputs {
			outputs[aws.ToString(output.OutputKey)] = aws.ToString(output.OutputValue)
		}
	}
	return outputs, nil
}

// Caller returns the ARN of whoever the credentials belong to.
func Caller(ctx context.Context, config aws.Config) (string, error) {
	out, err := sts.NewFromConfig(config).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return "", fmt.Errorf("asking who the caller is: %w", err)
	}
	return aws.ToString(out.Arn), nil
}
