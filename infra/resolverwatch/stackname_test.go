//go:build !race

package resolverwatch_test

import (
	"encoding/json"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"

	"github.com/resolverwatch/resolverwatch/infra/resolverwatch"
)

// onlyFunctions defines a pipeline without the parts that tests of functions do not need.
func onlyFunctions(stack awscdk.Stack, props resolverwatch.PipelineProps) *resolverwatch.Pipeline {
	props.Stream, props.WithoutAlerts = existingStream(stack), true
	return newPipeline(stack, &props)
}

// A pipeline has one name for the metrics of both functions.
func TestPipeline_stackName(t *testing.T) {
	for _, props := range []resolverwatch.PipelineProps{
		{Importer: &resolverwatch.ImporterProps{StackName: "second"}},
		{Transformer: &resolverwatch.TransformerProps{StackName: "second"}},
	} {
		stack := newStack(t)
		pipeline := onlyFunctions(stack, props)
		made := synth(t, stack)
		for _, name := range []string{"Importer", "Transformer"} {
			if got := made.one("AWS::Lambda::Function", name).received(t)["stack"]; got != "second" {
				t.Errorf("the stack of the %s is %v", name, got)
			}
		}
		for _, metric := range []resolverwatch.Metric{pipeline.Importer().Metric("x", nil), pipeline.Transformer().Metric("x", nil)} {
			if text, _ := json.Marshal(metric.Dimensions()); string(text) != `{"Stack":"second"}` {
				t.Errorf("dimensions %s", text)
			}
		}
	}
	wantRefused(t, func(stack awscdk.Stack) {
		onlyFunctions(stack, resolverwatch.PipelineProps{
			Importer:    &resolverwatch.ImporterProps{StackName: "one"},
			Transformer: &resolverwatch.TransformerProps{StackName: "two"}})
	}, "Test/Pipeline Importer.StackName and Transformer.StackName")
}

// Two transformers in a stack would write to the same metrics.
func TestTransformer_twoInOneStack(t *testing.T) {
	wantRefused(t, func(stack awscdk.Stack) {
		bucket := indexBucket(stack)
		for _, id := range []string{"A", "B"} {
			resolverwatch.NewTransformer(stack, id, &resolverwatch.TransformerProps{IndexBucket: bucket, Code: code()})
		}
	}, "Test/B StackName")
}
