package stack

import (
	"github.com/aws/constructs-go/constructs/v10"

	"github.com/resolverwatch/resolverwatch/infra/config"
	"github.com/resolverwatch/resolverwatch/infra/resolverwatch"
)

// Description is the description of a stack of Resolverwatch.
const Description = "Resolverwatch: Route 53 Resolver query logs, marked against lists of malicious names"

// PipelineProps converts settings to props. Existing resources that the settings name are
// referred to under scope. It panics if a setting has no counterpart.
func PipelineProps(scope constructs.Construct, settings config.Config) *resolverwatch.PipelineProps {
	return existing{scope: scope}.pipelineProps(settings)
}
