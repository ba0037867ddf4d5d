package importerio

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
	"github.com/resolverwatch/resolverwatch/pkg/storage"
)

// Parameters are the SSM parameters of a stack: [importer.Settings].
type Parameters struct {
	service *jsonService
	stack   string
}

// NewParameters returns the parameters of a stack.
func NewParameters(config aws.Config, stack string) *Parameters {
	return &Parameters{newJSONService(config, "ssm", "SSM", "AmazonSSM"), stack}
}

// Feed returns the settings of a feed.
func (p *Parameters) Feed(ctx context.Context, id indicator.FeedID) ([]byte, error) {
	name := settings.FeedParameter(p.stack, string(id))
	var out struct{ Parameter struct{ Value string } }
	err := p.service.call(ctx, "GetParameter", map[string]any{"Name": name, "WithDecryption": true}, &out)
	var answer *jsonError
	if errors.As(err, &answer) && answer.Code == "ParameterNotFound" {
		return nil, storage.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("reading the parameter %s: %w", name, err)
	}
	return []byte(out.Parameter.Value), nil
}
