//go:build !race

package resolverwatch_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"

	"github.com/resolverwatch/resolverwatch/infra/resolverwatch"
)

// A token is rejected where a value must be known at synthesis, and the message names the
// remedy.
func TestImporter_refusesTokensOfFeeds(t *testing.T) {
	wantRefused(t, func(stack awscdk.Stack) {
		token, number := *stack.Region(), int(*awscdk.Token_AsNumber(stack.Region()))
		newPipeline(stack, &resolverwatch.PipelineProps{Importer: &resolverwatch.ImporterProps{Feeds: map[string]resolverwatch.Feed{
			"path":  {URL: "https://lists.example/?key=" + token},
			"whole": {URL: token, Schedule: token, Confidence: &number},
		}}})
	},
		`Test/Pipeline/Importer Feeds["path"]`,
		`Test/Pipeline/Importer Feeds["whole"]`,
		`Test/Pipeline/Importer Feeds["whole"]`,
		`Test/Pipeline/Importer Feeds["whole"]`,
	)
}

// The maximum number of feeds fits into a stack with everything else, and one more does not
// end in an error of the CDK.
func TestImporter_refusesTooManyFeeds(t *testing.T) {
	feeds := map[string]resolverwatch.Feed{}
	for i := range 216 {
		feeds[fmt.Sprintf("feed-%d", i)] = resolverwatch.Feed{URL: fmt.Sprintf("https://lists.example/%d", i)}
	}
	wantRefused(t, func(stack awscdk.Stack) {
		newPipeline(stack, &resolverwatch.PipelineProps{Importer: &resolverwatch.ImporterProps{Feeds: feeds}})
	}, "Test/Pipeline/Importer Feeds")
	for id := range feeds {
		feeds[id] = resolverwatch.Feed{Force: strings.Repeat("x", 4000)}
	}
	wantRefused(t, func(stack awscdk.Stack) {
		newPipeline(stack, &resolverwatch.PipelineProps{Importer: &resolverwatch.ImporterProps{Feeds: feeds}})
	}, "Test/Pipeline/Importer Feeds")
}
