package resolverwatch

import (
	"reflect"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
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
