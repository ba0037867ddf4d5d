// Package queue sends messages to a queue of SQS.
package queue

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// The transformer waits for at most half a second. After a freeze of the function, a connection
// may be dead without anyone having told it, so a first attempt that hangs must leave time for
// a second one.
const (
	attempts    = 4
	attemptTime = 300 * time.Millisecond
	maxPause    = 50 * time.Millisecond // between attempts
)

// Queue is a queue of SQS. It is safe for concurrent use.
type Queue struct {
	client *sqs.Client
	url    string
}

// New returns the queue with this URL. It does not connect before the first message.
func New(config aws.Config, url string) *Queue {
	switch client := config.HTTPClient.(type) {
	case nil:
		config.HTTPClient = awshttp.NewBuildableClient().WithTimeout(attemptTime)
	case *awshttp.BuildableClient:
		config.HTTPClient = client.WithTimeout(attemptTime)
	}
	config.Retryer = func() aws.Retryer {
		return retry.NewStandard(func(o *retry.StandardOptions) {
			o.MaxAttempts, o.MaxBackoff = attempts, maxPause
		})
	}
	return &Queue{sqs.NewFromConfig(config), url}
}

// Send sends a message, which must be text that SQS accepts. It returns when ctx ends, at the
// latest, and nothing of it runs on after that. A message whose answer was lost is sent again,
// so it can arrive twice. The error does not contain the message.
func (q *Queue) Send(ctx context.Context, body []byte) error {
	_, err := q.client.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &q.url, MessageBody: aws.String(string(body))})
	if err != nil {
		return fmt.Errorf("sending a message of %d bytes to %s: %w", len(body), q.url, err)
	}
	return nil
}
