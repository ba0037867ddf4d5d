// Package bus puts events on the default event bus of EventBridge.
//
// The limits: https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"github.com/resolverwatch/resolverwatch/pkg/importer"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// Entry is an event. Its source is [settings.EventSource].
type Entry struct {
	DetailType string
	Detail     []byte // a JSON object in UTF-8
	// Time is the time of the event.
	//
	// Default: when EventBridge receives it.
	Time time.Time
}

// Bus is the default event bus of the account and Region.
type Bus struct{ client *eventbridge.Client }

// New returns the default event bus.
func New(config aws.Config) *Bus { return &Bus{eventbridge.NewFromConfig(config)} }

// maxBatch is how many events a request may have.
const maxBatch = 10

// Put sends events in as many requests as it takes. A request can succeed for some of its
// events only, so the error names how many events were not accepted and why.
func (b *Bus) Put(ctx context.Context, entries ...Entry) error {
	var problems []error
	for batch := range slices.Chunk(entries, maxBatch) {
		problems = append(problems, b.putBatch(ctx, batch))
	}
	return errors.Join(problems...)
}

func (b *Bus) putBatch(ctx context.Context, batch []Entry) error {
	in := &eventbridge.PutEventsInput{}
	for _, entry := range batch {
		event := types.PutEventsRequestEntry{
			Source:     aws.String(settings.EventSource),
			DetailType: aws.String(entry.DetailType),
			Detail:     aws.String(string(entry.Detail)),
		}
		if !entry.Time.IsZero() {
			event.Time = &entry.Time
		}
		in.Entries = append(in.Entries, event)
	}
	out, err := b.client.PutEvents(ctx, in)
	if err != nil {
		return fmt.Errorf("putting %d events on the event bus: %w", len(batch), err)
	}

	var codes []string
	for _, result := range out.Entries {
		if code := aws.ToString(result.ErrorCode); code != "" {
			codes = append(codes, code)
		}
	}
	if len(codes) > 0 {
		slices.Sort(codes)
		return fmt.Errorf("putting events on the event bus: %d of %d were not accepted: %v",
			len(codes), len(batch), slices.Compact(codes))
	}
	return nil
}

// IndexPublished sends the event [settings.EventIndexPublished]. Its time is that of the sending,
// when the published indicators are complete. It implements the port Events of package importer.
func (b *Bus) IndexPublished(ctx context.Context, published importer.Published) error {
	detail, err := json.Marshal(published)
	if err != nil {
		return fmt.Errorf("encoding an event: %w", err)
	}
	return b.Put(ctx, Entry{DetailType: settings.EventIndexPublished, Detail: detail})
}
