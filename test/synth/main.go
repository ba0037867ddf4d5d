// Command synth synthesizes a deployment for each settings file in test/testdata/variants,
// and the published template, for template linters: synth -out DIR. The Lambdas are not
// built; their code is a placeholder.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"maps"
	"os"
	"path/filepath"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"github.com/resolverwatch/resolverwatch/infra/config"
	"github.com/resolverwatch/resolverwatch/infra/stack"
	"github.com/resolverwatch/resolverwatch/infra/template"
)

const (
	variants = "test/testdata/variants/*.json"
	defaults = "test/testdata/variants/default.json"
)

func main() {
	log.SetFlags(0)
	out := flag.String("out", "", "folder for the cloud assemblies, one per variant")
	flag.Parse()
	if *out == "" || flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	err := run(*out)
	jsii.Close()
	if err != nil {
		log.Fatalf("synth: %v", err)
	}
}

func run(out string) error {
	files, err := filepath.Glob(variants)
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return fmt.Errorf("no %s: run it in the root of the repository", variants)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		if err := synthesize(file, filepath.Join(out, name)); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
	return publish(filepath.Join(out, "published"))
}

// publish writes the published template of the default settings.
func publish(out string) error {
	context, err := contextFor(defaults)
	if err != nil {
		return err
	}
	text, err := template.Synthesize(context, template.Zips{
		"importer": "importer.zip", "transformer": "transformer.zip", "marker": "marker.zip",
		"notifier": "notifier.zip", "hunter": "hunter.zip"})
	if err != nil {
		return err
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(out, template.TemplateFile), text, 0o644)
}

// synthesize synthesizes the settings in a file, as the app does for those in cdk.json.
func synthesize(file, out string) error {
	context, err := contextFor(file)
	if err != nil {
		return err
	}
	settings, err := config.Decode(context)
	if err != nil {
		return err
	}
	app := awscdk.NewApp(&awscdk.AppProps{
		Context:            &context,
		Outdir:             &out,
		AnalyticsReporting: jsii.Bool(false),
		TreeMetadata:       jsii.Bool(false),
	})
	stack.New(app, settings)
	app.Synth(nil)
	return nil
}

// contextFor returns the context of cdk.json with the settings of a file instead of its
// own.
func contextFor(file string) (map[string]any, error) {
	var cdk struct{ Context map[string]any }
	var settings any
	for path, target := range map[string]any{"cdk.json": &cdk, file: &settings} {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal(text, target); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	context := maps.Clone(cdk.Context)
	context[config.ContextKey] = settings
	context["aws:cdk:bundling-stacks"] = []string{}
	return context, nil
}
