//go:build !race

package upgrade_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"github.com/resolverwatch/resolverwatch/infra/config"
	"github.com/resolverwatch/resolverwatch/infra/stack"
)

// side is a deployment before or after a change.
type side struct {
	// key identifies a side: a side in several pairs is synthesized only once.
	key string
	// define defines the stack, unless the side is recorded.
	define func(app awscdk.App) (awscdk.Stack, error)
	// recorded is the file of a side that an earlier version synthesized.
	recorded string
}

// deployed returns the app's deployment of settings, which are written as in cdk.json.
func deployed(text string) side {
	return side{key: "settings " + text, define: func(app awscdk.App) (awscdk.Stack, error) {
		var tree any
		if err := json.Unmarshal([]byte(text), &tree); err != nil {
			return nil, err
		}
		decoded, err := config.Decode(map[string]any{config.ContextKey: tree})
		if err != nil {
			return nil, err
		}
		return stack.New(app, decoded), nil
	}}
}

// inStack returns a stack named Test in an app that imports the constructs.
func inStack(key string, define func(stack awscdk.Stack)) side {
	return side{key: "stack " + key, define: func(app awscdk.App) (awscdk.Stack, error) {
		stack := awscdk.NewStack(app, jsii.String("Test"), nil)
		define(stack)
		return stack, nil
	}}
}

// deployment is a synthesized side.
type deployment struct {
	// stack is the name of the CloudFormation stack with its account and Region. With
	// another name, the change creates another stack and leaves the first one alone.
	stack string
	// template has the resources of the stack and of its nested stacks.
	template []byte
	// refused is why there is no template.
	refused error
}

// synthesized caches the synthesized sides by key.
var synthesized = map[string]deployment{}

// synthesize returns the deployment of a side.
func (s side) synthesize(t *testing.T) deployment {
	t.Helper()
	if done, found := synthesized[s.key]; found {
		return done
	}
	if s.recorded != "" {
		return readRecording(t, s.recorded)
	}
	context := appContext(t)
	folder := t.TempDir()
	app := awscdk.NewApp(&awscdk.AppProps{
		Context:            &context,
		Outdir:             &folder,
		AnalyticsReporting: jsii.Bool(false),
		TreeMetadata:       jsii.Bool(false),
	})
	var done deployment
	defined, err := s.tryDefine(app)
	if err != nil {
		done.refused = err
	} else {
		app.Synth(nil)
		name := *defined.StackName()
		done.stack = *defined.Environment() + "/" + name
		done.template = mergeNested(t, folder, *defined.TemplateFile())
	}
	synthesized[s.key] = done
	return done
}

// tryDefine defines the side. The error says why the constructs reject it; any other panic
// is a bug in this package or in the constructs.
func (s side) tryDefine(app awscdk.App) (defined awscdk.Stack, err error) {
	defer func() {
		switch refused := recover().(type) {
		case nil:
		case runtime.Error:
			panic(refused)
		case error:
			err = refused
		default:
			panic(refused)
		}
	}()
	return s.define(app)
}

// appContext returns the context of cdk.json, for an app in which nothing is built.
func appContext(t *testing.T) map[string]any {
	t.Helper()
	var cdk struct{ Context map[string]any }
	read(t, "../../cdk.json", &cdk)
	context := maps.Clone(cdk.Context)
	delete(context, config.ContextKey)
	context["aws:cdk:bundling-stacks"] = []string{}
	context["aws:cdk:enable-path-metadata"] = true  // resources are named by their paths
	context["aws:cdk:enable-asset-metadata"] = true // templates of nested stacks are found by it
	return context
}

// mergeNested returns the resources of a template together with those of nested stacks.
// Their ids begin with the id of the nested stack and a slash.
func mergeNested(t *testing.T, folder, file string) []byte {
	t.Helper()
	type resource = map[string]any
	var template struct{ Resources map[string]resource }
	read(t, filepath.Join(folder, file), &template)
	merged := maps.Clone(template.Resources)
	for id, nested := range template.Resources {
		metadata, _ := nested["Metadata"].(resource)
		path, isNested := metadata["aws:asset:path"].(string)
		if nested["Type"] != "AWS::CloudFormation::Stack" || !isNested {
			continue
		}
		var below struct{ Resources map[string]resource }
		if err := json.Unmarshal(mergeNested(t, folder, path), &below); err != nil {
			t.Fatal(err)
		}
		for inner, value := range below.Resources {
			merged[id+"/"+inner] = value
		}
	}
	text, err := json.Marshal(map[string]any{"Resources": merged})
	if err != nil {
		t.Fatal(err)
	}
	return text
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
