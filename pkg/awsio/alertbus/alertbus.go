// Package alertbus puts the events of alerts on an EventBridge bus. It implements the port Bus of
// package notifier.
package alertbus

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/resolverwatch/resolverwatch/pkg/awsio/bus"
	"github.com/resolverwatch/resolverwatch/pkg/notifier"
)

// Bus is an event bus.
type Bus struct{ bus *bus.Bus }

// New returns the bus with a name or ARN.
func New(config aws.Config, name string) *Bus { return &Bus{bus.New(config, name)} }

// Put puts events on the bus and returns a result for each.
func (b *Bus) Put(ctx context.Context, events []notifier.Event) []error {
	entries := make([]bus.Entry, len(events))
	for i, event := range events {
		entries[i] = bus.Entry(event)
	}
	return b.bus.Put(ctx, entries)
}
