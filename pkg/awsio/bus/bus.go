// Package bus puts events on a bus of EventBridge.
package bus

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// Limits of a request, "PutEvents" in the API reference of EventBridge. The size is that of all
// entries, which counts the time as 14 bytes.
const (
	maxEntries = 10
	maxBytes   = 256 << 10
	timeBytes  = 14
)

// Default is the name of the bus that every account has in every Region.
const Default = "default"

// Entry is an event. Its source is [settings.EventSource].
type Entry struct {
	DetailType string
	Detail     []byte // a JSON object in UTF-8
	// Time is the time of the event.
	//
	// Default: when EventBridge receives it.
	Time time.Time
}

// Bus is an event bus.
type Bus struct {
	client *eventbridge.Client
	name   string
}

// New returns the bus with a name or ARN.
func New(config aws.Config, name string) *Bus {
	return &Bus{eventbridge.NewFromConfig(config), name}
}

// Put puts events on the bus, in as few requests as the limits allow, and returns a result for
// each event: the bus can refuse some events of a request and accept the others.
func (b *Bus) Put(ctx context.Context, entries []Entry) []error {
	results := make([]error, 0, len(entries))
	for len(entries) > 0 {
		n := fitting(entries)
		results = append(results, b.put(ctx, entries[:n])...)
		entries = entries[n:]
	}
	return results
}

// fitting returns how many events fit into a request: at least one.
func fitting(entries []Entry) int {
	size := 0
	for i := range entries {
		size += timeBytes + len(settings.EventSource) + len(entries[i].DetailType) + len(entries[i].Detail)
		if i == maxEntries || i > 0 && size > maxBytes {
			return i
		}
	}
	return len(entries)
}

func (b *Bus) put(ctx context.Context, entries []Entry) []error {
	in := &eventbridge.PutEventsInput{}
	for i := range entries {
		event := types.PutEventsRequestEntry{
			EventBusName: &b.name,
			Source:       aws.String(settings.EventSource),
			DetailType:   &entries[i].DetailType,
			Detail:       aws.String(string(entries[i].Detail)),
		}
		if !entries[i].Time.IsZero() {
			event.Time = &entries[i].Time
		}
		in.Entries = append(in.Entries, event)
	}

	results := make([]error, len(entries))
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
