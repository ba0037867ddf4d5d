//go:build !race

package resolverwatch_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssecretsmanager"
	"github.com/aws/jsii-runtime-go"

	"github.com/resolverwatch/resolverwatch/infra/resolverwatch"
)

// receivedPins returns the pins that the importer of a stack receives. A reference to a
// resource becomes the ARN of a deployed one.
func receivedPins(t *testing.T, stack awscdk.Stack, deployed string) []string {
	t.Helper()
	text := flatten(synth(t, stack).one("AWS::Lambda::Function", "").get("Environment.Variables.RESOLVERWATCH"))
	var received struct{ SecretPins []string }
	if err := json.Unmarshal([]byte(anyReference.ReplaceAllLiteralString(text, deployed)), &received); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return received.SecretPins
}

// The importer may send the secrets of its feeds to the hosts that were known at synthesis,
// whether the secret is of the same app or known by its ARN.
func TestImporter_pinsSecrets(t *testing.T) {
	const arn = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:vendor-AbCdEf"
	known := resolverwatch.Feed{URL: "https://vendor.example/a.csv", SecretARN: arn, SecretHeader: "Auth-Key"}
	for name, secret := range map[string]func(stack awscdk.Stack) string{
		"known": func(awscdk.Stack) string { return arn },
		"of the app": func(stack awscdk.Stack) string {
			return *awssecretsmanager.NewSecret(stack, jsii.String("Secret"), nil).SecretArn()
		},
	} {
		t.Run(name, func(t *testing.T) {
			stack := newStack(t)
			feed := known
			feed.SecretARN = secret(stack)
			newImporter(stack, resolverwatch.ImporterProps{Feeds: map[string]resolverwatch.Feed{
				"vendor": feed, "free": {URL: "https://free.example/"}, "uploaded": {Severity: "high"}}})
			pins := receivedPins(t, stack, arn)
			moved := known
			moved.URL = "https://attacker.example/a.csv"
			if !known.SecretPinned("vendor", pins) || known.SecretPinned("free", pins) || moved.SecretPinned("vendor", pins) {
				t.Errorf("pins %q", pins)
			}
		})
	}
}

// Without secrets nothing changes.
func TestImporter_pinsNothing(t *testing.T) {
	stack := newStack(t)
	newImporter(stack, resolverwatch.ImporterProps{Feeds: map[string]resolverwatch.Feed{"free": {URL: "https://free.example/"}}})
	if text := flatten(synth(t, stack).one("AWS::Lambda::Function", "").get("Environment.Variables.RESOLVERWATCH")); strings.Contains(text, "ecretPins") {
		t.Errorf("received %s", text)
	}
}

// Pins that do not fit into the variables are refused at synthesis. So is a token whose value
// would have to be part of a pin.
func TestImporter_refusesPins(t *testing.T) {
	wantRefused(t, func(stack awscdk.Stack) {
		feeds := map[string]resolverwatch.Feed{}
		for i := range 30 {
			id := fmt.Sprintf("feed-%02d", i)
			secret := awssecretsmanager.NewSecret(stack, &id, nil)
			feeds[id] = resolverwatch.Feed{URL: "https://lists.example/x", SecretARN: *secret.SecretArn(), SecretHeader: "X-Key"}
		}
		newImporter(stack, resolverwatch.ImporterProps{Feeds: feeds})
	}, "Test/Importer Feeds")
	wantRefused(t, func(stack awscdk.Stack) {
		const arn = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:vendor-AbCdEf"
		token := *stack.Region()
		newImporter(stack, resolverwatch.ImporterProps{Feeds: map[string]resolverwatch.Feed{
			"a": {URL: "https://lists.example/x", SecretARN: arn, SecretHeader: "X-Key", SecretKey: token},
			"b": {URL: "https://lists.example/x", SecretARN: arn, SecretQuery: token},
		}})
	}, `Test/Importer Feeds["a"]`, `Test/Importer Feeds["b"]`)
}
