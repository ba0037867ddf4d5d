//go:build !race

package resolverwatch_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/resolverwatch/resolverwatch/infra/resolverwatch"
)

// refusedBy returns the text of the panic of define.
func refusedBy(t *testing.T, define func()) (text string) {
	t.Helper()
	defer func() {
		err, isError := recover().(error)
		if !isError {
			t.Fatal("nothing is refused")
		}
		text = err.Error()
	}()
	define()
	return ""
}

// One synthesis shows every problem of every part, a line each, with the path that the
// part would have. Nothing is defined before.
func TestPipeline_refusesPartsTogether(t *testing.T) {
	stack := newStack(t)
	protected := []string{strings.Repeat("x", 5000)}
	got := refusedBy(t, func() {
		newPipeline(stack, &resolverwatch.PipelineProps{
			Store:        &resolverwatch.IndicatorStoreProps{TableName: "x", ReadCapacity: -1},
			Transformer:  &resolverwatch.TransformerProps{MemoryMiB: 1},
			Importer:     &resolverwatch.ImporterProps{ListKey: "feeds/x", Protected: protected},
			Delivery:     &resolverwatch.DeliveryProps{Prefix: "/x", Format: "PARQUET", ParquetPrefix: "!{timestamp:yyyy}/"},
			QueryLogging: &resolverwatch.QueryLoggingProps{Name: "1"},
			Catalog:      &resolverwatch.CatalogProps{DatabaseName: "A"},
		})
	})
	var lines []string
	for line := range strings.Lines(got) {
		path, rest, _ := strings.Cut(strings.TrimSpace(line), ": ")
		prop, _, _ := strings.Cut(rest, ":")
		lines = append(lines, path+" "+prop)
	}
	want := []string{
		"Test/Pipeline/Store TableName", "Test/Pipeline/Store ReadCapacity", "Test/Pipeline/Transformer MemoryMiB",
		"Test/Pipeline/Importer ListKey", "Test/Pipeline/Importer Protected", "Test/Pipeline/QueryLogging Name",
		"Test/Pipeline/Delivery Prefix", "Test/Pipeline/Catalog ParquetPrefix", "Test/Pipeline/Catalog DatabaseName",
	}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Errorf("(-want +got):\n%s\n%s", diff, got)
	}
	if made := *awscdk.Stack_Of(stack).Node().FindAll(""); len(made) != 2 { // the stack and the pipeline
		t.Errorf("%d constructs", len(made))
	}
}

// The CDK's own refusals get the path of the construct, and one line.
func TestRefusal_ofTheCDK(t *testing.T) {
	stack := newStack(t)
	newPipeline(stack, nil)
	got := refusedBy(t, func() {
		newPipeline(stack, &resolverwatch.PipelineProps{})
	})
	if want := "Test/Pipeline: There is already a Construct with name 'Pipeline' in Stack [Test]"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
