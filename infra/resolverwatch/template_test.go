//go:build !race

package resolverwatch_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/assertions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/jsii-runtime-go"
	"github.com/google/go-cmp/cmp"

	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

type object = map[string]any

// newStack returns a stack named Test for which nothing is built.
func newStack(t *testing.T) awscdk.Stack {
	t.Helper()
	app := awscdk.NewApp(&awscdk.AppProps{
		Outdir:             jsii.String(t.TempDir()),
		AnalyticsReporting: jsii.Bool(false),
		TreeMetadata:       jsii.Bool(false),
		Context: &map[string]any{
			"aws:cdk:bundling-stacks":           []string{},
			"@aws-cdk/aws-iam:minimizePolicies": true,
		},
	})
	return awscdk.NewStack(app, jsii.String("Test"), nil)
}

// code returns a placeholder for the code of a function.
func code() awslambda.Code {
	return awslambda.Code_FromAsset(jsii.String("testdata/bootstrap"), nil)
}

// template is a synthesized template in plain Go: a failed assertion of the CDK's own
// would end the whole test binary.
type template struct {
	t         *testing.T
	resources map[string]resource
}

type resource struct {
	Type           string
	Properties     object
	DependsOn      any
	DeletionPolicy string
}

func synth(t *testing.T, stack awscdk.Stack) template {
	t.Helper()
	text, err := json.Marshal(assertions.Template_FromStack(stack, nil).ToJSON())
	if err != nil {
		t.Fatal(err)
	}
	var parsed struct{ Resources map[string]resource }
	if err := json.Unmarshal(text, &parsed); err != nil {
		t.Fatal(err)
	}
	return template{t, parsed.Resources}
}

// ids returns the logical ids of a type's resources, sorted.
func (m template) ids(typ string) []string {
	var ids []string
	for _, id := range slices.Sorted(maps.Keys(m.resources)) {
		if m.resources[id].Type == typ {
			ids = append(ids, id)
		}
	}
	return ids
}

// id returns the logical id of the only resource of a type whose id contains part.
func (m template) id(typ, part string) string {
	m.t.Helper()
	var found []string
	for _, id := range m.ids(typ) {
		if strings.Contains(id, part) {
			found = append(found, id)
		}
	}
	if len(found) != 1 {
		m.t.Fatalf("%s with %q in its id: want one, got %v", typ, part, found)
	}
	return found[0]
}

// one returns the only resource of a type whose logical id contains part.
func (m template) one(typ, part string) resource {
	m.t.Helper()
	return m.resources[m.id(typ, part)]
}

// get returns the value at a path of members and list indices, or nil.
func (r resource) get(path string) any {
	var at any = r.Properties
	for _, step := range strings.Split(path, ".") {
		switch value := at.(type) {
		case object:
			at = value[step]
		case []any:
			var index int
			if _, err := fmt.Sscan(step, &index); err != nil || index >= len(value) {
				return nil
			}
			at = value[index]
		default:
			return nil
		}
	}
	return at
}

// want compares properties, by path, with values as in JSON. References are compared as
// text: <Id.Arn>/index/*.
func (r resource) want(t *testing.T, properties object) {
	t.Helper()
	for _, path := range slices.Sorted(maps.Keys(properties)) {
		want := properties[path]
		got := r.get(path)
		if _, isText := want.(string); isText {
			got = flatten(got)
		}
		if diff := cmp.Diff(plain(want), plain(got)); diff != "" {
			t.Errorf("%s %s (-want +got):\n%s", r.Type, path, diff)
		}
	}
}

// received returns what a function receives: the settings that differ from their defaults.
// References are text.
func (r resource) received(t *testing.T) object {
	t.Helper()
	text := flatten(r.get("Environment.Variables." + settings.EnvSettings))
	var received object
	if err := json.Unmarshal([]byte(text), &received); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return received
}

// wantReceived compares all that a function receives.
func (r resource) wantReceived(t *testing.T, want object) {
	t.Helper()
	if diff := cmp.Diff(plain(want), any(r.received(t))); diff != "" {
		t.Errorf("%s (-want +got):\n%s", settings.EnvSettings, diff)
	}
}

func plain(value any) any {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	var out any
	if err := json.Unmarshal(text, &out); err != nil {
		panic(err)
	}
	return out
}

// flatten formats a value with its references as text.
func flatten(value any) string {
	function, isObject := value.(object)
	if !isObject {
		return fmt.Sprint(value)
	}
	if ref, found := function["Ref"]; found {
		return fmt.Sprintf("<%v>", ref)
	}
	if attribute, found := function["Fn::GetAtt"].([]any); found {
		return fmt.Sprintf("<%v.%v>", attribute[0], attribute[1])
	}
	if join, found := function["Fn::Join"].([]any); found {
		var text strings.Builder
		for _, part := range join[1].([]any) {
			text.WriteString(flatten(part))
		}
		return text.String()
	}
	return fmt.Sprint(value)
}

// list returns a list for a value that CloudFormation accepts as a single item or in a
// list.
func list(value any) []any {
	if many, isList := value.([]any); isList {
		return many
	}
	return []any{value}
}

// permissions formats the statements of a role as lines "action on resource", with "if" if
// there is a condition.
func (r resource) permissions() []string {
	var lines []string
	for _, policy := range list(r.Properties["Policies"]) {
		for _, statement := range policy.(object)["PolicyDocument"].(object)["Statement"].([]any) {
			s := statement.(object)
			for _, action := range list(s["Action"]) {
				for _, target := range list(s["Resource"]) {
					line := fmt.Sprintf("%v on %s", action, flatten(target))
					if s["Condition"] != nil {
						text, _ := json.Marshal(s["Condition"])
						line += " if " + string(text)
					}
					lines = append(lines, line)
				}
			}
		}
	}
	slices.Sort(lines)
	return lines
}

// wantPermissions compares everything that a role may do. Logical ids are given without
// their hashes.
func (m template) wantPermissions(role string, want ...string) {
	m.t.Helper()
	got := m.one("AWS::IAM::Role", role).permissions()
	for i := range got {
		got[i] = withoutHashes(got[i])
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		m.t.Errorf("permissions of %s (-want +got):\n%s", role, diff)
	}
}

// withoutHashes cuts the eight hexadecimal digits off logical ids.
func withoutHashes(text string) string {
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(text, "<")
		out.WriteString(before)
		if !found {
			return out.String()
		}
		id, after, _ := strings.Cut(rest, ">")
		name, attribute, hasAttribute := strings.Cut(id, ".")
		if n := len(name) - 8; n > 0 && strings.Trim(name[n:], "0123456789ABCDEF") == "" {
			name = name[:n]
		}
		out.WriteString("<" + name)
		if hasAttribute {
			out.WriteString("." + attribute)
		}
		out.WriteString(">")
		text = after
	}
}

// warnings returns the warnings of a synthesis.
func warnings(t *testing.T, stack awscdk.Stack) string {
	t.Helper()
	found := assertions.Annotations_FromStack(stack).FindWarning(jsii.String("*"), assertions.Match_AnyValue())
	var text strings.Builder
	for _, message := range *found {
		// The type moves to another package, which awscdk for Go does not have yet.
		fmt.Fprintf(&text, "%s: %v\n", *message.Id, message.Entry.Data) //nolint:staticcheck // see above
	}
	return text.String()
}
