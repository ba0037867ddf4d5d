package importerio

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"github.com/resolverwatch/resolverwatch/pkg/importer"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// Parameters are the SSM parameters of a stack: [importer.Settings].
type Parameters struct {
	client *ssm.Client
	stack  string
}

// NewParameters returns the parameters of a stack.
func NewParameters(client *ssm.Client, stack string) *Parameters { return &Parameters{client, stack} }

// Feed returns the settings of a feed.
func (p *Parameters) Feed(ctx context.Context, id indicator.FeedID) ([]byte, error) {
	name := settings.FeedParameter(p.stack, string(id))
	out, err := p.client.GetParameter(ctx, &ssm.GetParameterInput{Name: &name, WithDecryption: aws.Bool(true)})
	var missing *types.ParameterNotFound
	if errors.As(err, &missing) {
		return nil, importer.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("reading the parameter %s: %w", name, err)
	}
	return []byte(aws.ToString(out.Parameter.Value)), nil
}
