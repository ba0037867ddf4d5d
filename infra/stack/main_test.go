//go:build !race

package stack_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/assertions"
	"github.com/aws/jsii-runtime-go"

	"github.com/resolverwatch/resolverwatch/infra/config"
	"github.com/resolverwatch/resolverwatch/infra/stack"
)

// One process of the jsii runtime serves all tests, one after the other.
func TestMain(m *testing.M) {
	code := m.Run()
	jsii.Close()
	os.Exit(code)
}

type object = map[string]any

// appContext returns the context of cdk.json with other settings. Nothing is built.
func appContext(t *testing.T, settings any) map[string]any {
	t.Helper()
	text, err := os.ReadFile("../../cdk.json")
	if err != nil {
		t.Fatal(err)
	}
	var cdk struct{ Context map[string]any }
	if err := json.Unmarshal(text, &cdk); err != nil {
		t.Fatal(err)
	}
	context := maps.Clone(cdk.Context)
	context[config.ContextKey] = settings
	context["aws:cdk:bundling-stacks"] = []string{}
	return context
}

// define defines the stack of settings as the app does, in a new app.
func define(t *testing.T, context map[string]any) awscdk.Stack {
	t.Helper()
	settings, err := config.Decode(context)
	if err != nil {
		t.Fatal(err)
	}
	app := awscdk.NewApp(&awscdk.AppProps{
		Outdir: jsii.String(t.TempDir()), Context: &context, AnalyticsReporting: jsii.Bool(false), TreeMetadata: jsii.Bool(false)})
	return stack.New(app, settings)
}

// template returns the template of a stack in plain Go.
func template(t *testing.T, stack awscdk.Stack) object {
	t.Helper()
	text, err := json.Marshal(assertions.Template_FromStack(stack, nil).ToJSON())
	if err != nil {
		t.Fatal(err)
	}
	var parsed object
	if err := json.Unmarshal(text, &parsed); err != nil {
		t.Fatal(err)
	}
	return parsed
}

// variants returns the settings that templates are checked for, by name.
func variants(t *testing.T) map[string]any {
	t.Helper()
	files, err := filepath.Glob("../../test/testdata/variants/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no variants of settings: %v", err)
	}
	found := map[string]any{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var settings any
		if err := json.Unmarshal(text, &settings); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		found[filepath.Base(file)] = settings
	}
	return found
}
