// Package indexbus announces published indexes on the default event bus. It implements the port
// Events of package importer.
package indexbus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/resolverwatch/resolverwatch/pkg/awsio/bus"
	"github.com/resolverwatch/resolverwatch/pkg/importer"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// Bus is the default event bus of the account and Region.
type Bus struct{ bus *bus.Bus }

// New returns the default event bus.
func New(config aws.Config) *Bus { return &Bus{bus.New(config, bus.Default)} }

// IndexPublished sends the event [settings.EventIndexPublished]. Its time is that of the sending,
// when the published indicators are complete.
func (b *Bus) IndexPublished(ctx context.Context, published importer.Published) error {
	detail, err := json.Marshal(published)
	if err != nil {
		return fmt.Errorf("encoding an event: %w", err)
	}
	return errors.Join(b.bus.Put(ctx, []bus.Entry{{DetailType: settings.EventIndexPublished, Detail: detail}})...)
}
