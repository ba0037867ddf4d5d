//go:build !race

package resolverwatch_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"github.com/resolverwatch/resolverwatch/infra/resolverwatch"
)

// maxVariables is what Lambda allows for the names and values of all variables of a function.
const maxVariables = 4096

// The variables of a function fit exactly, or are refused if they have one byte more, the
// user's own included. A name that CloudFormation chooses counts as the longest one.
func TestFunction_variablesThatFit(t *testing.T) {
	for name, test := range map[string]struct {
		prop   string
		define func(stack awscdk.Stack, users map[string]string)
	}{
		"transformer with a bucket that is known": {"Environment", func(stack awscdk.Stack, users map[string]string) {
			resolverwatch.NewTransformer(stack, "Function", &resolverwatch.TransformerProps{
				IndexBucket: indexBucket(stack), Code: code(), FunctionOptions: resolverwatch.FunctionOptions{Environment: users}})
		}},
		"transformer with tokens": {"Environment", func(stack awscdk.Stack, users map[string]string) {
			users["TOKENS"] = *awscdk.Aws_REGION() + " and " + *awscdk.Aws_ACCOUNT_ID()
			resolverwatch.NewTransformer(stack, "Function", &resolverwatch.TransformerProps{
				IndexBucket: resolverwatch.NewIndicatorStore(stack, "Store", nil).IndexBucket(), Code: code(), StackName: *awscdk.Aws_STACK_NAME(),
				FunctionOptions: resolverwatch.FunctionOptions{Environment: users}})
		}},
		"importer": {"Protected and Environment", func(stack awscdk.Stack, users map[string]string) {
			props := resolverwatch.ImporterProps{
				Store: resolverwatch.NewIndicatorStore(stack, "Store", nil), Code: code(), StackName: *awscdk.Aws_STACK_NAME(),
				FunctionOptions: resolverwatch.FunctionOptions{Environment: users}}
			props.Protected = []string{"corp.example"}
			resolverwatch.NewImporter(stack, "Function", &props)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			stack := newStack(t)
			test.define(stack, map[string]string{"PAD": ""})
			rest := maxVariables - longestVariables(t, synth(t, stack).one("AWS::Lambda::Function", ""))

			fits := newStack(t)
			test.define(fits, map[string]string{"PAD": strings.Repeat("x", rest)})
			if got := longestVariables(t, synth(t, fits).one("AWS::Lambda::Function", "")); got != maxVariables {
				t.Errorf("%d bytes, want %d", got, maxVariables)
			}
			wantRefused(t, func(stack awscdk.Stack) { test.define(stack, map[string]string{"PAD": strings.Repeat("x", rest+1)}) },
				"Test/Function "+test.prop)
		})
	}
}

var (
	anyReference = regexp.MustCompile("<[^>]*>")
	maxNames     = []struct {
		reference *regexp.Regexp
		bytes     int
	}{
		{regexp.MustCompile("^<Store(Lists|Index)"), 63},
		{regexp.MustCompile("^<StoreTable"), 255},
		{regexp.MustCompile("^<AWS::"), 128},
	}
)

// longestVariables returns how many bytes the variables of a function have at most.
func longestVariables(t *testing.T, function resource) int {
	t.Helper()
	size := 0
	for name, value := range function.get("Environment.Variables").(object) {
		size += len(name) + len(anyReference.ReplaceAllStringFunc(flatten(value), func(reference string) string {
			for _, longest := range maxNames {
				if longest.reference.MatchString(reference) {
					return strings.Repeat("x", longest.bytes)
				}
			}
			t.Fatalf("%s: what can it be?", reference)
			return ""
		}))
	}
	return size
}

// The error names the props that are set and can be shortened.
func TestFunction_refusesLongEnvironment(t *testing.T) {
	var zones []string
	for i := range 70 {
		zones = append(zones, fmt.Sprintf("%s%02d.example", strings.Repeat("a", 58), i))
	}
	for _, test := range []struct {
		props string
		set   func(p *resolverwatch.ImporterProps)
	}{
		{"Protected", func(p *resolverwatch.ImporterProps) { p.Protected = zones }},
		{"ListKey and Protected", func(p *resolverwatch.ImporterProps) { p.ListKey, p.Protected = strings.Repeat("x", 200), zones }},
		{"Protected and Environment", func(p *resolverwatch.ImporterProps) {
			p.Protected, p.Environment = zones, map[string]string{"A1": "x"}
		}},
	} {
		wantRefused(t, func(stack awscdk.Stack) {
			var props resolverwatch.ImporterProps
			test.set(&props)
			newImporter(stack, props)
		}, "Test/Importer "+test.props)
	}
}

// A size that is known only at deployment becomes a bare number in the JSON that the function
// receives.
func TestImporter_maxIndexBytesToken(t *testing.T) {
	stack := newStack(t)
	size := awscdk.NewCfnParameter(stack, jsii.String("Size"), &awscdk.CfnParameterProps{Type: jsii.String("Number")})
	newImporter(stack, resolverwatch.ImporterProps{MaxIndexBytes: size.ValueAsNumber()})
	text := flatten(synth(t, stack).one("AWS::Lambda::Function", "").get("Environment.Variables.RESOLVERWATCH"))
	if !strings.Contains(text, `"maxIndexBytes":<Size>,`) {
		t.Errorf("the size is not a bare number: %s", text)
	}
}
