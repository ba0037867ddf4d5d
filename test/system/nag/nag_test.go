//go:build !race

// Package nag_test runs cdk-nag on every variant of settings.
package nag_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/assertions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/jsii-runtime-go"
	"github.com/cdklabs/cdk-nag-go/cdknag/v2"

	"github.com/resolverwatch/resolverwatch/infra/config"
	"github.com/resolverwatch/resolverwatch/infra/resolverwatch"
	"github.com/resolverwatch/resolverwatch/infra/stack"
)

func TestMain(m *testing.M) {
	code := m.Run()
	jsii.Close()
	os.Exit(code)
}

// In every variant, the constructs suppress each cdk-nag finding themselves, with a reason,
// so an app that imports them gets a clean report.
func TestVariants(t *testing.T) {
	files, err := filepath.Glob("../../testdata/variants/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no variants of settings: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			var settings any
			read(t, file, &settings)
			for _, finding := range findings(define(t, settings)) {
				t.Error(finding)
			}
		})
	}
}

// The test above can fail: each pack finds the mistakes in a careless resource.
func TestVariants_findsWhatIsWrong(t *testing.T) {
	stack := define(t, nil)
	awss3.NewBucket(stack, jsii.String("CarelessBucket"), nil)
	awssqs.NewQueue(stack, jsii.String("CarelessQueue"), nil)
	got := strings.Join(findings(stack), "\n")
	for _, rule := range []string{"AwsSolutions-S10", "Serverless-SQSRedrivePolicy"} {
		if !strings.Contains(got, rule) {
			t.Errorf("%s does not find a resource that breaks it:\n%s", rule, got)
		}
	}
}

// An app can suppress findings about the constructs in cdk-nag's own way.
func TestSuppressions(t *testing.T) {
	stack := awscdk.NewStack(awscdk.NewApp(&awscdk.AppProps{Outdir: jsii.String(t.TempDir())}), jsii.String("Test"), nil)
	store := resolverwatch.NewIndicatorStore(stack, "Store", nil)
	cdknag.NagSuppressions_AddResourceSuppressions(store, &[]*cdknag.NagPackSuppression{{
		Id:     jsii.String("AwsSolutions-S1"),
		Reason: jsii.String("the account logs all requests in CloudTrail"),
	}}, jsii.Bool(true))
}

func define(t *testing.T, settings any) awscdk.Stack {
	t.Helper()
	var cdk struct{ Context map[string]any }
	read(t, "../../../cdk.json", &cdk)
	context := maps.Clone(cdk.Context)
	context[config.ContextKey] = settings
	context["aws:cdk:bundling-stacks"] = []string{}
	decoded, err := config.Decode(context)
	if err != nil {
		t.Fatal(err)
	}
	app := awscdk.NewApp(&awscdk.AppProps{
		Outdir: jsii.String(t.TempDir()), Context: &context, AnalyticsReporting: jsii.Bool(false)})
	return stack.New(app, decoded)
}

func read(t *testing.T, file string, target any) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, target); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

// packs are the rule packs that must have no findings.
var packs = []string{"AwsSolutions-.*", "Serverless-.*", "CdkNagValidationFailure.*"}

func findings(stack awscdk.Stack) []string {
	props := &cdknag.NagPackProps{Verbose: jsii.Bool(true), Reports: jsii.Bool(false)}
	aspects := awscdk.Aspects_Of(stack)
	aspects.Add(cdknag.NewAwsSolutionsChecks(props), nil)
	aspects.Add(cdknag.NewServerlessChecks(props), nil)

	annotations := assertions.Annotations_FromStack(stack)
	var found []string
	for _, rules := range packs {
		match := assertions.Match_StringLikeRegexp(&rules)
		messages := slices.Concat(
			*annotations.FindError(jsii.String("*"), match),
			*annotations.FindWarning(jsii.String("*"), match),
		)
		for _, message := range messages {
			// The type moves to another package, which awscdk for Go does not have yet.
			found = append(found, fmt.Sprintf("%s: %v", *message.Id, message.Entry.Data)) //nolint:staticcheck // see above
		}
	}
	return found
}
