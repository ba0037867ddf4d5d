package resolverwatch

import (
	"fmt"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/regioninfo"
	"github.com/aws/constructs-go/constructs/v10"
)

// readable formats text for a person: it replaces tokens, which are known only after
// deployment, with <LogicalId.Attribute>. It knows the partition of the stack's Region, so
// that ARNs can be copied.
func readable(c constructs.Construct, text string) string {
	if !isToken(text) {
		return text
	}
	stack := awscdk.Stack_Of(c)
	text = flatten(stack.Resolve(text))
	if region := *stack.Region(); !isToken(region) {
		info := regioninfo.RegionInfo_Get(&region)
		if partition, suffix := info.Partition(), info.DomainSuffix(); partition != nil && suffix != nil { // nil = not in the CDK's list
			text = strings.NewReplacer("<AWS::Partition>", *partition, "<AWS::URLSuffix>", *suffix).Replace(text)
		}
	}
	return text
}

// flatten formats what a token resolves to: text, a reference, or a list of both.
func flatten(resolved any) string {
	function, isFunction := resolved.(map[string]any)
	if !isFunction {
		return fmt.Sprint(resolved)
	}
	if name, found := function["Ref"]; found {
		return fmt.Sprintf("<%v>", name)
	}
	if attribute, found := function["Fn::GetAtt"].([]any); found {
		return fmt.Sprintf("<%v.%v>", attribute[0], attribute[1])
	}
	join, found := function["Fn::Join"].([]any)
	if !found {
		return fmt.Sprint(resolved)
	}
	var text strings.Builder
	parts, _ := join[1].([]any) // the CDK joins with an empty separator
	for _, part := range parts {
		text.WriteString(flatten(part))
	}
	return text.String()
}
