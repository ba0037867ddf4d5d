package resolverwatch

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/regioninfo"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// warn adds a warning to the synthesis, with an id to acknowledge it by.
//
// From awscdk 2.276 on, AddWarningV2 has one more parameter. Calling it by reflection lets
// an app use these constructs with either version.
func warn(c constructs.Construct, id, text string) {
	add := reflect.ValueOf(awscdk.Annotations_Of(c)).MethodByName("AddWarningV2")
	args := make([]reflect.Value, add.Type().NumIn())
	for i := range args {
		args[i] = reflect.Zero(add.Type().In(i)) // nil means that the option is not set
	}
	args[0] = reflect.ValueOf(jsii.String("resolverwatch:" + id))
	args[1] = reflect.ValueOf(jsii.String(readable(c, text)))
	add.Call(args)
}

// fail adds an error to the synthesis. Unlike a panic, it still lets the assembly be
// written, so that the CDK command can answer look-ups. The command refuses to deploy a
// stack with an error.
func fail(c constructs.Construct, text string) {
	awscdk.Annotations_Of(c).AddError(jsii.String(readable(c, text)))
}

// Step is something that a person has to do because the CDK cannot: run a command or add a
// policy statement.
type Step struct {
	// ID identifies the step, in CamelCase.
	ID string
	// Why says what does not work until the step is done. It contains no tokens, because
	// descriptions of outputs may not.
	Why string
	// Text is the command or statement. It may contain tokens.
	Text string
}

// steps are the tasks left to do by hand, before or after a deployment. Each is also a
// warning at synthesis; an app should show them as outputs of its stack.
type steps []Step

// remind adds a step, and a warning about it to c.
func (s *steps) remind(c constructs.Construct, step Step) {
	*s = append(*s, step)
	warn(c, step.ID, step.Why+" By hand: "+step.Text)
}

// begin adds this to scope and panics if there are problems with its props.
//
// The type of this must embed constructs.Construct directly: jsii looks for the class that
// a Go type extends only among the type's own fields. One struct deeper, jsii would treat
// Node as an override, so that every use of a node in Node.js would call Go and come back,
// and synthesis would take ten times as long. The type must also have a ToString method,
// because jsii treats a Go type as a construct only if it overrides a method.
func begin(this constructs.Construct, scope constructs.Construct, id string, problems error) {
	constructs.NewConstruct_Override(this, scope, &id)
	if problems != nil {
		panic(refuse(*this.Node().Path(), problems))
	}
}

// orEmpty returns a copy of props, or the zero value if props is nil.
func orEmpty[P any](props *P) P {
	if props == nil {
		var zero P
		return zero
	}
	return *props
}

// orDefault returns value, or fallback if value is the zero value.
func orDefault[T comparable](value, fallback T) T {
	var zero T
	if value == zero {
		return fallback
	}
	return value
}

// isToken reports whether text contains a token, which is not known before deployment. Text
// without "${" cannot be one, so most text is not sent to the CDK.
func isToken(text string) bool {
	return strings.Contains(text, "${Token[") && *awscdk.Token_IsUnresolved(text)
}

// stackName returns the name of the stack that c is in.
func stackName(c constructs.Construct) string { return *awscdk.Stack_Of(c).StackName() }

// knownStackName returns the name of the stack that c is in. CloudFormation chooses the
// name of a nested stack, so for those it derives a name from the path.
func knownStackName(c constructs.Construct) string {
	if name := stackName(c); !isToken(name) {
		return name
	}
	return *awscdk.Names_UniqueResourceName(awscdk.Stack_Of(c), &awscdk.UniqueResourceNameOptions{
		MaxLength: jsii.Number(maxStackName), Separator: jsii.String("-")})
}

const maxStackName = 128

// retained reports whether a policy keeps a resource that is removed from its stack.
func retained(policy awscdk.RemovalPolicy) bool { return policy != awscdk.RemovalPolicy_DESTROY }

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

// The CDK command answers look-ups, such as Vpc_FromLookup, between two syntheses: the
// first one only lists the missing look-ups in manifest.json, and a panic would prevent
// that. Until the answer arrives, the resource has a dummy value, and the template is
// discarded. So dummy values are treated like tokens: they pass every check, and they are
// never compared.

// dummyPrefix begins the value of a parameter that StringParameter_ValueFromLookup has not
// found yet.
const dummyPrefix = "dummy-value-for-"

// dummyValues are the values of the CDK's other look-ups: VPCs and their subnets, security
// groups, keys (Key_DEFAULT_DUMMY_KEY_ID), hosted zones, roles and repositories.
var dummyValues = []string{
	"vpc-12345", "s-12345", "s-67890", "p-12345", "p-67890", "sg-12345678",
	"1234abcd-12ab-34cd-56ef-1234567890ab", "DUMMY", "DUMMY_ARN",
}

// isUnanswered reports whether text, an id, a name or an ARN, is or ends with the dummy
// value of a look-up.
func isUnanswered(text string) bool {
	if strings.Contains(text, dummyPrefix) {
		return true
	}
	last := text[strings.LastIndexAny(text, ":/")+1:]
	return slices.Contains(dummyValues, last)
}

// isKnown reports whether text can be checked at synthesis: it is neither a token nor the
// dummy value of a look-up.
func isKnown(text string) bool { return !isToken(text) && !isUnanswered(text) }

// Metric is CloudWatch's metric type.
type Metric = awscloudwatch.Metric

// MetricOptions are CloudWatch's options of a metric. They may be nil in every Metric
// method.
type MetricOptions = awscloudwatch.MetricOptions

// metricPeriodMinutes is the period of all metrics, unless options set another one.
const metricPeriodMinutes = 5

// ownMetric returns the sum of a metric that the functions of a deployment write. Options can
// ask for another statistic.
func ownMetric(stack, name string, options *MetricOptions) Metric {
	metric := awscloudwatch.NewMetric(&awscloudwatch.MetricProps{
		Namespace:     jsii.String(settings.MetricNamespace),
		MetricName:    &name,
		DimensionsMap: &map[string]*string{settings.MetricDimensionStack: &stack},
		Statistic:     jsii.String("Sum"),
		Period:        awscdk.Duration_Minutes(jsii.Number(metricPeriodMinutes)),
	})
	if options == nil {
		return metric
	}
	return metric.With(options)
}
