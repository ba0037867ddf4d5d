// Package alertbus puts the events of alerts on an EventBridge bus. It implements the port Bus of
// package notifier.
package alertbus

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"github.com/resolverwatch/resolverwatch/pkg/notifier"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// Limits of a request, "PutEvents" in the API reference of EventBridge. The size is that of all
// entries, which counts the time as 14 bytes.
const (
	maxEntries = 10
	maxBytes   = 256 << 10
	timeBytes  = 14
)

// Bus is an event bus.
type Bus struct {
	client *eventbridge.Client
	name   string
}

// New returns the bus with a name or ARN.
func New(config aws.Config, name string) *Bus {
	return &Bus{eventbridge.NewFromConfig(config), name}
}

// Put puts events on the bus, in as few requests as the limits allow. The bus can refuse some
// events of a request and accept the others.
func (b *Bus) Put(ctx context.Context, events []notifier.Event) []error {
	results := make([]error, 0, len(events))
	for len(events) > 0 {
		n := fitting(events)
		results = append(results, b.put(ctx, events[:n])...)
		events = events[n:]
	}
	return results
}

// fitting returns how many events fit into a request: at least one.
func fitting(events []notifier.Event) int {
	size := 0
	for i := range events {
		size += timeBytes + len(settings.EventSource) + len(events[i].DetailType) + len(events[i].Detail)
		if i == maxEntries || i > 0 && size > maxBytes {
			return i
		}
	}
	return len(events)
}

func (b *Bus) put(ctx context.Context, events []notifier.Event) []error {
	in := &eventbridge.PutEventsInput{}
	for i := range events {
		in.Entries = append(in.Entries, types.PutEventsRequestEntry{
			EventBusName: &b.name,
			Source:       aws.String(settings.EventSource),
			DetailType:   &events[i].DetailType,
			Detail:       aws.String(string(events[i].Detail)),
			Time:         &events[i].Time,
		})
	}

	results := make([]error, len(events))
	out, err := b.client.PutEvents(ctx, in)
	for i := range results {
		switch {
		case err != nil:
			results[i] = fmt.Errorf("putting events on the bus %s: %w", b.name, err)
		case i >= len(out.Entries):
			results[i] = fmt.Errorf("putting events on the bus %s: no result for an event", b.name)
		case out.Entries[i].ErrorCode != nil:
			results[i] = fmt.Errorf("putting events on the bus %s: %s", b.name, *out.Entries[i].ErrorCode)
		}
	}
	return results
}
