//go:build !race

// Package nag_test runs cdk-nag's Serverless pack, which its versions that fit into the
// main module do not have.
package nag_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/assertions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/aws-cdk-go/awscdk/v2/cxapi"
	"github.com/aws/jsii-runtime-go"
	"github.com/cdklabs/cdk-nag-go/cdknag/v2"

	"github.com/resolverwatch/resolverwatch/infra/config"
	"github.com/resolverwatch/resolverwatch/infra/stack"
)

func TestMain(m *testing.M) {
	code := m.Run()
	jsii.Close()
	os.Exit(code)
}

// No variant of settings has a finding that the constructs do not answer themselves.
func TestServerless(t *testing.T) {
	files, err := filepath.Glob("../testdata/variants/*.json")
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

// The test above can fail: a queue without a redrive policy is found.
func TestServerless_findsWhatIsWrong(t *testing.T) {
	stack := define(t, nil)
	awssqs.NewQueue(stack, jsii.String("Careless"), nil)
	if got := findings(stack); len(got) == 0 {
		t.Error("a queue without a redrive policy is no finding")
	}
}

func define(t *testing.T, settings any) awscdk.Stack {
	t.Helper()
	var cdk struct{ Context map[string]any }
	read(t, "../../cdk.json", &cdk)
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

func findings(stack awscdk.Stack) []string {
	awscdk.Aspects_Of(stack).Add(cdknag.NewServerlessChecks(&cdknag.NagPackProps{
		Verbose: jsii.Bool(true), Reports: jsii.Bool(false)}), nil)
	annotations := assertions.Annotations_FromStack(stack)
	var found []string
	for _, rules := range []string{"Serverless-.*", "CdkNagValidationFailure.*"} {
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
