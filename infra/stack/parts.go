package stack

import (
	"github.com/aws/constructs-go/constructs/v10"

	"github.com/resolverwatch/resolverwatch/infra/resolverwatch"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// Description is the description of a stack of Resolverwatch.
const Description = "Resolverwatch: Route 53 Resolver query logs, marked against lists of malicious names"

// PipelineProps converts settings to props. Existing resources that the settings name are
// referred to under scope.
func PipelineProps(scope constructs.Construct, deployment settings.Deployment) *resolverwatch.PipelineProps {
	return existing{scope: scope}.pipelineProps(deployment)
}
