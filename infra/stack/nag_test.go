//go:build !race

package stack_test

import (
	"fmt"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/assertions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/aws-cdk-go/awscdk/v2/cxapi"
	"github.com/aws/jsii-runtime-go"
	"github.com/cdklabs/cdk-nag-go/cdknag/v2"
	"github.com/google/go-cmp/cmp"
)

// cdk-nag finds nothing in any variant that is not answered by a reason in the
// constructs themselves: whoever imports them inherits a clean report. The Serverless
// pack needs a later version of cdk-nag, which test/nag runs in a module of its own.
//
// And two syntheses of a variant give the same template: a difference is a change.
func TestVariants(t *testing.T) {
	for name, settings := range variants(t) {
		t.Run(name, func(t *testing.T) {
			first, second := define(t, appContext(t, settings)), define(t, appContext(t, settings))
			for _, finding := range findings(second) {
				t.Error(finding)
			}
			if diff := cmp.Diff(text(t, first), text(t, second)); diff != "" {
				t.Errorf("the second synthesis differs:\n%s", diff)
			}
		})
	}
}

// The test above can fail: a bucket that nobody answers for is found.
func TestVariants_nagFindsWhatIsWrong(t *testing.T) {
	stack := define(t, appContext(t, nil))
	awss3.NewBucket(stack, jsii.String("Careless"), nil)
	if got := findings(stack); len(got) == 0 {
		t.Error("a bucket without TLS and access logs is no finding")
	}
}

func findings(stack awscdk.Stack) []string {
	awscdk.Aspects_Of(stack).Add(cdknag.NewAwsSolutionsChecks(&cdknag.NagPackProps{
		Verbose: jsii.Bool(true), Reports: jsii.Bool(false)}), nil)
	annotations := assertions.Annotations_FromStack(stack)
	var found []string
	for _, rules := range []string{"AwsSolutions-.*", "CdkNagValidationFailure.*"} {
		match := assertions.Match_StringLikeRegexp(&rules)
		for _, messages := range []*[]*cxapi.SynthesisMessage{
			annotations.FindError(jsii.String("*"), match), annotations.FindWarning(jsii.String("*"), match)} {
			for _, message := range *messages {
				found = append(found, fmt.Sprintf("%s: %v", *message.Id, message.Entry.Data))
			}
		}
	}
	return found
}
