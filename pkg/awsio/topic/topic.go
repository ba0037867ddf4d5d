// Package topic publishes notices to an SNS topic. It implements the port Topic of package
// notifier.
package topic

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"

	"github.com/resolverwatch/resolverwatch/pkg/notifier"
)

// Attributes of a message, for the filter policies of subscriptions.
const (
	attributeSeverity = "severity"
	attributeKind     = "kind"
)

// Topic is an SNS topic.
type Topic struct {
	client *sns.Client
	arn    string
}

// New returns the topic with an ARN.
func New(config aws.Config, arn string) *Topic { return &Topic{sns.NewFromConfig(config), arn} }

// Publish publishes a notice.
func (t *Topic) Publish(ctx context.Context, notice notifier.Notice) error {
	_, err := t.client.Publish(ctx, &sns.PublishInput{
		TopicArn: &t.arn,
		Subject:  &notice.Subject,
		Message:  &notice.Body,
		MessageAttributes: map[string]types.MessageAttributeValue{
			attributeSeverity: text(notice.Severity),
			attributeKind:     text(notice.Kind),
		},
	})
	if err != nil {
		return fmt.Errorf("publishing to the topic %s: %w", t.arn, err)
	}
	return nil
}

func text(value string) types.MessageAttributeValue {
	return types.MessageAttributeValue{DataType: aws.String("String"), StringValue: &value}
}
