//go:build !race

package template

import (
	"fmt"
	"strings"
	"testing"

	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// The settings of the deployed functions can be read, with the names that CloudFormation
// inserts.
func TestSynthesize_received(t *testing.T) {
	resources := deploy(t, publishedTemplate(t), nil)
	importer := received(t, resources, "ImporterFunction", settings.DecodeImporter)
	transformer := received(t, resources, "TransformerFunction", settings.DecodeTransformer)
	notifier := received(t, resources, "AlertsFunction", settings.DecodeNotifier)
	hunter := received(t, resources, "HuntsFunction", settings.DecodeHunter)
	for _, stack := range []string{importer.Stack, transformer.Stack, notifier.Stack, hunter.Stack} {
		if stack != "blue" {
			t.Errorf("a function has the stack %q", stack)
		}
	}
	if transformer.AlertQueue == "" || transformer.AlertQueue != hunter.AlertQueue || notifier.Table != hunter.Table {
		t.Errorf("the queues are %q and %q, the tables %q and %q", transformer.AlertQueue, hunter.AlertQueue, notifier.Table, hunter.Table)
	}
	for name, value := range map[string]string{
		"list bucket": importer.ListBucket, "index bucket": importer.IndexBucket, "table": importer.Table,
	} {
		if value == "" || strings.Contains(value, "Token") {
			t.Errorf("the %s is %q", name, value)
		}
	}
	if importer.IndexBucket != transformer.IndexBucket {
		t.Errorf("the importer publishes to %s, the transformer reads from %s", importer.IndexBucket, transformer.IndexBucket)
	}
}

// received returns what a deployed function reads from its environment.
func received[T any](t *testing.T, resources object, function string, decode func(settings.Lookup) (T, error)) T {
	t.Helper()
	variables := property(t, resources, functionType, function, "Environment", "Variables").(object)
	decoded, err := decode(func(name string) (string, bool) {
		value, found := variables[name]
		if !found {
			return "", false
		}
		return withIDs(value), true
	})
	if err != nil {
		t.Fatalf("%s: %v", function, err)
	}
	return decoded
}

// withIDs returns text in which the names of resources are their logical ids.
func withIDs(value any) string {
	switch value := value.(type) {
	case string:
		return value
	case []any:
		var text strings.Builder
		for _, part := range value {
			text.WriteString(withIDs(part))
		}
		return text.String()
	case object:
		if id, isReference := value["Ref"].(string); isReference {
			return id
		}
		return withIDs(value["Fn::Join"].([]any)[1])
	}
	panic(fmt.Sprintf("no such text here: %v", value))
}
