//go:build !race

package resolverwatch_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsssm"
	"github.com/aws/jsii-runtime-go"

	"github.com/resolverwatch/resolverwatch/infra/resolverwatch"
)

// located returns a stack with a known account and Region, which look-ups need.
func located(t *testing.T, answers map[string]any) (awscdk.App, awscdk.Stack) {
	t.Helper()
	context := map[string]any{"aws:cdk:bundling-stacks": []string{}}
	maps.Copy(context, answers)
	app := awscdk.NewApp(&awscdk.AppProps{Outdir: jsii.String(t.TempDir()), Context: &context,
		AnalyticsReporting: jsii.Bool(false), TreeMetadata: jsii.Bool(false)})
	return app, stackIn(app, "Test", "111122223333", "eu-west-1")
}

func stackIn(app awscdk.App, id, account, region string) awscdk.Stack {
	return awscdk.NewStack(app, &id, &awscdk.StackProps{
		Env: &awscdk.Environment{Account: &account, Region: &region}})
}

// missing synthesizes an app and returns the keys of the look-ups that the CDK command is
// asked to answer, by provider.
func missing(t *testing.T, app awscdk.App) map[string][]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(*app.Synth(nil).Directory(), "manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	var manifest struct {
		Missing []struct{ Key, Provider string }
	}
	if err := json.Unmarshal(text, &manifest); err != nil {
		t.Fatal(err)
	}
	keys := map[string][]string{}
	for _, look := range manifest.Missing {
		keys[look.Provider] = append(keys[look.Provider], look.Key)
	}
	return keys
}

// lookedUp returns props whose values are all looked up.
func lookedUp(stack awscdk.Stack) *resolverwatch.PipelineProps {
	parameter := func(name string) string {
		return *awsssm.StringParameter_ValueFromLookup(stack, &name, nil, nil)
	}
	var vpcs []awsec2.IVpc
	for _, name := range []string{"a", "b"} {
		vpcs = append(vpcs, awsec2.Vpc_FromLookup(stack, &name, &awsec2.VpcLookupOptions{VpcName: &name}))
	}
	return &resolverwatch.PipelineProps{
		EncryptionKey: awskms.Key_FromLookup(stack, jsii.String("Key"), &awskms.KeyLookupOptions{AliasName: jsii.String("alias/dns")}),
		Store:         &resolverwatch.IndicatorStoreProps{StoreSettings: resolverwatch.StoreSettings{TableName: parameter("/dns/table")}},
		Transformer:   &resolverwatch.TransformerProps{FunctionOptions: resolverwatch.FunctionOptions{VPC: vpcs[0]}},
		Importer: &resolverwatch.ImporterProps{Feeds: map[string]resolverwatch.Feed{
			"phishing": {URL: parameter("/dns/url"), SecretARN: parameter("/dns/secret"), SecretHeader: "Authorization"}}},
		Delivery: &resolverwatch.DeliveryProps{DeliverySettings: resolverwatch.DeliverySettings{ErrorPrefix: parameter("/dns/errors")}},
		QueryLogging: &resolverwatch.QueryLoggingProps{VPCs: vpcs,
			QueryLoggingSettings: resolverwatch.QueryLoggingSettings{ShareWith: []string{parameter("/dns/organization")}}},
		Catalog: &resolverwatch.CatalogProps{CatalogSettings: resolverwatch.CatalogSettings{Database: parameter("/dns/database")}},
	}
}

// The first synthesis with look-ups ends with a manifest that lists them, although their
// dummy values would be rejected as values.
func TestLookups_areAskedFor(t *testing.T) {
	app, stack := located(t, nil)
	newPipeline(stack, lookedUp(stack))
	asked := missing(t, app)
	if len(asked["vpc-provider"]) != 2 || len(asked["key-provider"]) != 1 || len(asked["ssm"]) != 6 {
		t.Errorf("look-ups %v", asked)
	}
}

// Two look-ups that found the same VPC are an error once they are answered. The assembly is
// still written, because another look-up may be waiting for its answer.
func TestLookups_sameVPC(t *testing.T) {
	define := func(answers map[string]any) (awscdk.App, awscdk.Stack, *resolverwatch.QueryLogging) {
		app, stack := located(t, answers)
		props := lookedUp(stack)
		return app, stack, resolverwatch.NewQueryLogging(stack, "QueryLogging", &resolverwatch.QueryLoggingProps{
			Stream: existingStream(stack), VPCs: props.QueryLogging.VPCs})
	}
	app, _, _ := define(nil)
	answers := map[string]any{}
	for _, key := range missing(t, app)["vpc-provider"] {
		answers[key] = map[string]any{"vpcId": "vpc-0a1b2c3d", "vpcCidrBlock": "10.0.0.0/16", "availabilityZones": []any{}, "subnetGroups": []any{}}
	}
	app, stack, queryLogging := define(answers)
	if asked := missing(t, app); len(asked["vpc-provider"]) != 0 || len(asked["ssm"]) != 6 {
		t.Errorf("look-ups %v", asked)
	}
	var found []string
	for _, entry := range *queryLogging.Node().Metadata() {
		if *entry.Type == "aws:cdk:error" {
			found = append(found, fmt.Sprint(entry.Data))
		}
	}
	if want := "VPCs[1]: Test/b is vpc-0a1b2c3d, which is already listed as Test/a; remove one"; len(found) != 1 || found[0] != want {
		t.Errorf("errors %q, want %q", found, want)
	}
	if ids := synth(t, stack).ids(association); len(ids) != 1 {
		t.Errorf("associations %v", ids)
	}
}
