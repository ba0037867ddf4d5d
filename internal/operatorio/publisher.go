package operatorio

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// Publisher is the importer function: [operator.Publisher]. It is invoked
// asynchronously: then Lambda queues while another run is on, and tries again.
type Publisher struct {
	client   *lambda.Client
	function string
}

// NewPublisher returns the importer of that function name.
func NewPublisher(client *lambda.Client, function string) *Publisher {
	return &Publisher{client, function}
}

// Publish tells the importer what to do.
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
		FunctionName: &p.function, InvocationType: types.InvocationTypeEvent, Payload: event,
	})
	if err != nil {
		return fmt.Errorf("invoking %s: %w", p.function, err)
	}
	return nil
}
