// Package stack connects package operator to a deployed stack on AWS. It looks up the outputs
// of the stack, stores edits in the table, and invokes the importer. The adapters
// for the index bucket and the rows of the feeds are in pkg/awsio.
package stack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"github.com/resolverwatch/resolverwatch/internal/operator"
	awstable "github.com/resolverwatch/resolverwatch/pkg/awsio/table"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// Outputs are the outputs of a stack. Package settings has their keys.
type Outputs map[string]string

// Of returns an output of a pipeline, or "" if it has none.
func (o Outputs) Of(pipeline, key string) string { return o[settings.OutputKey(pipeline, key)] }

// Find returns the outputs of a CloudFormation stack.
func Find(ctx context.Context, config aws.Config, name string) (Outputs, error) {
	out, err := cloudformation.NewFromConfig(config).DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &name})
	var refused smithy.APIError
	if errors.As(err, &refused) && refused.ErrorCode() == "ValidationError" && strings.Contains(refused.ErrorMessage(), "does not exist") {
		return nil, fmt.Errorf("there is no stack %q in Region %s: name the stack with --stack, or the Region with AWS_REGION", name, config.Region)
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

// Caller returns the ARN of the identity that the credentials belong to.
func Caller(ctx context.Context, config aws.Config) (string, error) {
	out, err := sts.NewFromConfig(config).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return "", fmt.Errorf("getting the caller identity: %w", err)
	}
	return aws.ToString(out.Arn), nil
}

// Edits implements [operator.Edits] with the rows of the feed manual in a DynamoDB table.
type Edits struct {
	client *dynamodb.Client
	table  string
}

// NewEdits returns the edits in a table.
func NewEdits(client *dynamodb.Client, table string) *Edits { return &Edits{client, table} }

// record has the attributes of an edit that other entries do not have.
type record struct {
	By     string `dynamodbav:"added_by,omitempty"`
	Reason string `dynamodbav:"reason,omitempty"`
}

// Put implements [operator.Edits].
func (e *Edits) Put(ctx context.Context, edit operator.Edit) (*operator.Edit, error) {
	encoded, err := awstable.EncodeEntry(indicator.ManualFeed, &edit.Entry)
	if err != nil {
		return nil, err
	}
	more, err := attributevalue.MarshalMap(record{edit.By, edit.Reason})
	if err != nil {
		return nil, fmt.Errorf("encoding the edit of %q: %w", edit.Value(), err)
	}
	for name, value := range more {
		encoded[name] = value
	}
	out, err := e.client.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: &e.table, Item: encoded, ReturnValues: types.ReturnValueAllOld,
	})
	if err != nil {
		return nil, fmt.Errorf("writing to table %s: %w", e.table, err)
	}
	return decodeBefore(out.Attributes)
}

// Remove implements [operator.Edits].
func (e *Edits) Remove(ctx context.Context, edit operator.Edit) (*operator.Edit, error) {
	out, err := e.client.DeleteItem(ctx, &dynamodb.DeleteItemInput{
		TableName: &e.table, Key: awstable.EntryKey(indicator.ManualFeed, &edit.Entry), ReturnValues: types.ReturnValueAllOld,
	})
	if err != nil {
		return nil, fmt.Errorf("deleting from table %s: %w", e.table, err)
	}
	return decodeBefore(out.Attributes)
}

// decodeBefore decodes the row that was replaced or removed, if any. If it cannot be decoded
// completely, the edit has what could be read.
func decodeBefore(item map[string]types.AttributeValue) (*operator.Edit, error) {
	if len(item) == 0 {
		return nil, nil //nolint:nilnil // a missing row is not an error
	}
	edit, err := decodeEdit(item)
	return &edit, err
}

func decodeEdit(item map[string]types.AttributeValue) (operator.Edit, error) {
	var more record
	err := attributevalue.UnmarshalMap(item, &more)
	edit := operator.Edit{By: more.By, Reason: more.Reason}
	if err != nil {
		return edit, fmt.Errorf("decoding an edit: %w", err)
	}
	edit.Entry, err = awstable.DecodeEntry(item)
	return edit, err
}

// All implements [operator.Edits]. It reads the whole table, which is not sorted by feed.
func (e *Edits) All(ctx context.Context) ([]operator.Edit, error) {
	var edits []operator.Edit
	var problems []error
	pages := dynamodb.NewScanPaginator(e.client, &dynamodb.ScanInput{
		TableName:                 &e.table,
		FilterExpression:          aws.String("begins_with(#entry, :feed)"),
		ExpressionAttributeNames:  map[string]string{"#entry": settings.TableSortKey},
		ExpressionAttributeValues: map[string]types.AttributeValue{":feed": &types.AttributeValueMemberS{Value: string(indicator.ManualFeed) + "#"}},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("scanning table %s: %w", e.table, err)
		}
		for _, item := range page.Items {
			edit, err := decodeEdit(item)
			if err != nil {
				problems = append(problems, err)
				continue
			}
			edits = append(edits, edit)
		}
	}
	return edits, errors.Join(problems...)
}

// Publisher implements [operator.Publisher] with the importer function. The function is invoked
// asynchronously, so that Lambda queues the event during another run, and retries.
type Publisher struct {
	client   *lambda.Client
	function string
}

// NewPublisher returns a publisher that invokes the given function.
func NewPublisher(client *lambda.Client, function string) *Publisher {
	return &Publisher{client, function}
}

// Publish implements [operator.Publisher].
func (p *Publisher) Publish(ctx context.Context, feed indicator.FeedID, force string) error {
	event := []byte(settings.PublishEvent)
	if feed != "" {
		var err error
		event, err = json.Marshal(struct {
			Feed  indicator.FeedID `json:"feed"`
			Force string           `json:"force,omitempty"`
		}{feed, force})
		if err != nil {
			return fmt.Errorf("encoding the event: %w", err)
		}
	}
	_, err := p.client.Invoke(ctx, &lambda.InvokeInput{
		FunctionName: &p.function, InvocationType: lambdatypes.InvocationTypeEvent, Payload: event,
	})
	if err != nil {
		return fmt.Errorf("invoking %s: %w", p.function, err)
	}
	return nil
}
