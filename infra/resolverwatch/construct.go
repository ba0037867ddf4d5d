package resolverwatch

import (
	"reflect"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// warn adds a warning to the synthesis, under an id by which it can be acknowledged.
//
// From awscdk 2.276 on, AddWarningV2 has one more parameter. Calling it by name lets an
// app use these constructs with any version.
func warn(c constructs.Construct, id, text string) {
	add := reflect.ValueOf(awscdk.Annotations_Of(c)).MethodByName("AddWarningV2")
	args := make([]reflect.Value, add.Type().NumIn())
	for i := range args {
		args[i] = reflect.Zero(add.Type().In(i)) // nil: an option that is not set
	}
	args[0] = reflect.ValueOf(jsii.String("resolverwatch:" + id))
	args[1] = reflect.ValueOf(jsii.String(readable(c, text)))
	add.Call(args)
}

// fail adds an error to the synthesis. Unlike a panic, it lets the assembly be written,
// so that the CDK command can answer look-ups; the command deploys no stack with an error.
func fail(c constructs.Construct, text string) {
	awscdk.Annotations_Of(c).AddError(jsii.String(readable(c, text)))
}

// Step is something that a person has to do because the CDK cannot: a command to run
// or a policy statement to add.
type Step struct {
	// ID tells steps apart, in CamelCase.
	ID string
	// Why says what does not work before it is done. It holds no tokens, as the
	// descriptions of outputs may not.
	Why string
	// Text is the command or statement. It may hold tokens.
	Text string
}

// steps are what is left to be done by hand after a deployment. Each is a warning at
// synthesis too; an app shows them best as outputs of its stack.
type steps []Step

// remind adds a step, and its warning to c.
func (s *steps) remind(c constructs.Construct, step Step) {
	*s = append(*s, step)
	warn(c, step.ID, step.Why+" By hand: "+step.Text)
}

// begin puts this under scope and panics if its props are not valid.
//
// The type of this must embed constructs.Construct itself: jsii looks for the class that a
// Go type extends in the type's own fields only. One struct deeper, jsii would take Node for
// an override, and every use of a node in Node.js would be a call to Go and back; synthesis
// would take ten times as long. The type must also have a ToString, because jsii takes a Go
// type for a construct only if it overrides a method.
func begin(this constructs.Construct, scope constructs.Construct, id string, problems error) {
	constructs.NewConstruct_Override(this, scope, &id)
	if problems != nil {
		panic(refuse(*this.Node().Path(), problems))
	}
}

// orEmpty returns a copy of props, and the zero value for nil.
func orEmpty[P any](props *P) P {
	if props == nil {
		var zero P
		return zero
	}
	return *props
}

// orDefault returns value, and fallback where value is the zero value.
func orDefault[T comparable](value, fallback T) T {
	var zero T
	if value == zero {
		return fallback
	}
	return value
}

// isToken reports whether text is not known before deployment. Most text has no token's
// beginning in it, and need not be sent to the CDK for that.
func isToken(text string) bool {
	return strings.Contains(text, "${Token[") && *awscdk.Token_IsUnresolved(text)
}

// stackName returns the name of the stack that c is in.
func stackName(c constructs.Construct) string { return *awscdk.Stack_Of(c).StackName() }

// knownStackName returns the name of the stack that c is in, or for a nested stack, whose
// name CloudFormation makes, one that is made of its path.
func knownStackName(c constructs.Construct) string {
	if name := stackName(c); !isToken(name) {
		return name
	}
	return *awscdk.Names_UniqueResourceName(awscdk.Stack_Of(c), &awscdk.UniqueResourceNameOptions{
		MaxLength: jsii.Number(maxStackName), Separator: jsii.String("-")})
}

const maxStackName = 128

// claim takes a name that two constructs of a kind must not share in a stack. It marks the
// name as taken by an empty construct, which adds nothing to the template. The kind is ""
// where only one kind of construct has such a name.
func claim(c constructs.Construct, kind, prop, name string) {
	if isKnown(name) {
		constructs.NewConstruct(awscdk.Stack_Of(c), claimed(kind, prop, name))
	}
}

// free refuses a name that another construct of the kind has claimed.
func (p *problems) free(c constructs.Construct, kind, prop, name string) {
	if isKnown(name) && awscdk.Stack_Of(c).Node().TryFindChild(claimed(kind, prop, name)) != nil {
		p.addf("%s: %q is already that of another one in this stack; give this one a name of its own", prop, name)
	}
}

func claimed(kind, prop, name string) *string {
	return jsii.String("Resolverwatch " + kind + prop + " " + name)
}

// retained reports whether a policy keeps a resource that leaves its stack.
func retained(policy awscdk.RemovalPolicy) bool { return policy != awscdk.RemovalPolicy_DESTROY }
