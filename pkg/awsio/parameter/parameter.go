// Package parameter reads parameters of the Systems Manager Parameter Store and secrets of
// Secrets Manager.
package parameter

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
	"github.com/resolverwatch/resolverwatch/pkg/storage"
)

// Store reads the parameters of a stack. It implements the port Settings of package
// importer.
type Store struct {
	service *jsonService
	stack   string
}

// NewStore returns the parameters of a stack.
func NewStore(config aws.Config, stack string) *Store {
	return &Store{newJSONService(config, "ssm", "SSM", "AmazonSSM"), stack}
}

// Feed returns the settings of a feed.
func (s *Store) Feed(ctx context.Context, id indicator.FeedID) ([]byte, error) {
	name := settings.FeedParameter(s.stack, string(id))
	var out struct{ Parameter struct{ Value string } }
	err := s.service.call(ctx, "GetParameter", map[string]any{"Name": name, "WithDecryption": true}, &out)
	var answer *jsonError
	if errors.As(err, &answer) && answer.Code == "ParameterNotFound" {
		return nil, storage.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("reading the parameter %s: %w", name, err)
	}
	return []byte(out.Parameter.Value), nil
}
