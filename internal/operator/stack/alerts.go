package stack

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/resolverwatch/resolverwatch/internal/operator"
)

// AlertQueue implements [operator.AlertQueue] with SQS. The queue of pkg/awsio gives up after a
// fraction of a second, which is too short for the network of an operator.
type AlertQueue struct {
	client *sqs.Client
	url    string
}

// NewAlertQueue returns the queue with this URL.
func NewAlertQueue(config aws.Config, url string) *AlertQueue {
	return &AlertQueue{sqs.NewFromConfig(config), url}
}

// Send implements [operator.AlertQueue].
func (q *AlertQueue) Send(ctx context.Context, body []byte) error {
	if _, err := q.client.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &q.url, MessageBody: aws.String(string(body))}); err != nil {
		return fmt.Errorf("sending to the queue %s: %w", q.url, err)
	}
	return nil
}

// AlertAnswers implements [operator.AlertAnswers] with the table of the notifier.
type AlertAnswers struct {
	client *dynamodb.Client
	table  string
}

// NewAlertAnswers returns the answers in a table.
func NewAlertAnswers(config aws.Config, table string) *AlertAnswers {
	return &AlertAnswers{dynamodb.NewFromConfig(config), table}
}

// The partition key of the notifier's table, and how it begins for test alerts.
const (
	answerKey    = "key"
	answerPrefix = "test#"
)

// answerRow is the row of a test alert, with the time and the answer of each target.
type answerRow struct {
	At    time.Time `dynamodbav:"at"`
	Bus   string    `dynamodbav:"bus"`
	Topic string    `dynamodbav:"topic"`
	Hub   string    `dynamodbav:"hub"`
}

// Answer implements [operator.AlertAnswers].
func (a *AlertAnswers) Answer(ctx context.Context, id string) (*operator.AlertAnswer, error) {
	out, err := a.client.GetItem(ctx, &dynamodb.GetItemInput{
		TableName:      &a.table,
		Key:            map[string]types.AttributeValue{answerKey: &types.AttributeValueMemberS{Value: answerPrefix + id}},
		ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		return nil, fmt.Errorf("reading the answer in table %s: %w", a.table, err)
	}
	if len(out.Item) == 0 {
		return nil, nil //nolint:nilnil // there is no answer yet
	}

	var row answerRow
	if err := attributevalue.UnmarshalMap(out.Item, &row); err != nil {
		return nil, fmt.Errorf("reading the answer in table %s: %w", a.table, err)
	}
	results := map[string]string{"bus": row.Bus, "topic": row.Topic, "hub": row.Hub}
	maps.DeleteFunc(results, func(_, said string) bool { return said == "" })
	return &operator.AlertAnswer{At: row.At, Results: results}, nil
}
