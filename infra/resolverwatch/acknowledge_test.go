//go:build !race

package resolverwatch_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2/assertions"

	"github.com/resolverwatch/resolverwatch/infra/resolverwatch"
)

// The CDK's finding about its own mapping is acknowledged once for a stack, and not in the
// template.
func TestDelivery_acknowledgesMapping(t *testing.T) {
	stack := newStack(t)
	function := transformer(stack)
	for _, id := range []string{"A", "B"} {
		resolverwatch.NewDelivery(stack, id, &resolverwatch.DeliveryProps{Transformer: function})
	}
	var found []string
	for _, entry := range *stack.Node().Metadata() {
		if *entry.Type == "aws:cdk:acknowledged-rules" {
			found = append(found, fmt.Sprint(entry.Data))
		}
	}
	want := "map[CloudFormation-Validate::W7001:the CDK writes the address ranges of Firehose for any stream]"
	if len(found) != 1 || found[0] != want {
		t.Errorf("got %q, want %q", found, want)
	}
	text, err := json.Marshal(assertions.Template_FromStack(stack, nil).ToJSON())
	if err != nil || strings.Contains(string(text), "W7001") {
		t.Errorf("error %v, or the template has the acknowledgement", err)
	}
}
