//go:build !race

package resolverwatch_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/jsii-runtime-go"
	"github.com/google/go-cmp/cmp"

	"github.com/resolverwatch/resolverwatch/infra/resolverwatch"
)

// The machine may call the marker, read and write its own folder of the output bucket, and run
// itself. The log of a machine needs actions that have no resources.
func TestBackfill_permissions(t *testing.T) {
	stack := newStack(t)
	source := newLogSource(stack, resolverwatch.S3LogSourceProps{})
	resolverwatch.NewBackfill(stack, "Backfill", &resolverwatch.BackfillProps{Source: source})
	made := synth(t, stack)
	want := []string{
		"lambda:InvokeFunction on <LogSourceFunction.Arn>",
		"s3:AbortMultipartUpload on <Output.Arn>/backfill/*",
		"s3:GetObject on <Output.Arn>/backfill/*",
		"s3:ListMultipartUploadParts on <Output.Arn>/backfill/*",
		"s3:PutObject on <Output.Arn>/backfill/*",
	}
	for _, action := range []string{"CreateLogDelivery", "DeleteLogDelivery", "DescribeLogGroups", "DescribeResourcePolicies",
		"GetLogDelivery", "ListLogDeliveries", "PutResourcePolicy", "UpdateLogDelivery"} {
		want = append(want, "logs:"+action+" on *")
	}
	made.wantPermissions("BackfillRole", want...)

	const executions = "arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:execution:<BackfillMachine.Name>"
	for part, want := range map[string][]string{
		"RunRole": {"states:DescribeExecution on " + executions + ":*", "states:RedriveExecution on " + executions + "/Backfill:*",
			"states:StartExecution on <BackfillMachine.Arn>", "states:StopExecution on " + executions + ":*"},
		"PlanRole": {"s3:AbortMultipartUpload on <Output.Arn>/backfill/*", "s3:GetObject on <Output.Arn>/backfill/*",
			"s3:PutObject on <Output.Arn>/backfill/*"},
	} {
		policy := made.one("AWS::IAM::Policy", part)
		got := resource{Properties: object{"Policies": []any{object{"PolicyDocument": policy.get("PolicyDocument")}}}}.permissions()
		for i := range got {
			got[i] = withoutHashes(got[i])
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", part, diff)
		}
	}
	made.one("AWS::StepFunctions::StateMachine", "").want(t, object{"StateMachineType": "STANDARD", "StateMachineName": nil,
		"LoggingConfiguration.Level": "ALL", "LoggingConfiguration.IncludeExecutionData": false})
}

// definition returns the definition of the only state machine, with its references as text.
func definition(t *testing.T) object {
	t.Helper()
	stack := newStack(t)
	source := newLogSource(stack, resolverwatch.S3LogSourceProps{})
	resolverwatch.NewBackfill(stack, "Backfill", &resolverwatch.BackfillProps{Source: source})
	text := withoutHashes(flatten(synth(t, stack).one("AWS::StepFunctions::StateMachine", "").get("DefinitionString")))
	var parsed object
	if err := json.Unmarshal([]byte(text), &parsed); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return parsed
}

// The definition is what a reviewer reads: go test ./infra/resolverwatch -update rewrites it.
func TestBackfill_definition(t *testing.T) {
	const file = "testdata/backfill.asl.json"
	var got bytes.Buffer
	encoder := json.NewEncoder(&got)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(definition(t)); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(file, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// Every state that a state leads to exists, and every state is reached.
func TestBackfill_states(t *testing.T) {
	all := definition(t)
	walkStates(t, all)
	walkStates(t, all["States"].(object)["Mark"].(object)["ItemProcessor"].(object))
}

func walkStates(t *testing.T, machine object) {
	t.Helper()
	states := machine["States"].(object)
	reached := map[string]bool{}
	var walk func(name string)
	walk = func(name string) {
		found, exists := states[name].(object)
		if !exists {
			t.Fatalf("there is no state %s", name)
		}
		if reached[name] {
			return
		}
		reached[name] = true
		next := append(list(found["Choices"]), list(found["Catch"])...)
		for _, value := range append(next, found) {
			for _, member := range []string{"Next", "Default"} {
				if step, isRule := value.(object); isRule && step[member] != nil {
					walk(step[member].(string))
				}
			}
		}
		ends := found["Type"] == "Succeed" || found["Type"] == "Fail"
		if ends == (found["Next"] != nil || found["Default"] != nil) {
			t.Errorf("state %s neither ends nor leads on: %v", name, found)
		}
	}
	walk(machine["StartAt"].(string))
	if got, want := slices.Sorted(maps.Keys(reached)), slices.Sorted(maps.Keys(states)); !slices.Equal(got, want) {
		t.Errorf("reached %v of %v", got, want)
	}
}

// A person who starts backfills may follow them, and invoke nothing.
func TestBackfill_GrantStart(t *testing.T) {
	stack := newStack(t)
	source := newLogSource(stack, resolverwatch.S3LogSourceProps{})
	backfill := resolverwatch.NewBackfill(stack, "Backfill", &resolverwatch.BackfillProps{Source: source})
	backfill.GrantStart(awsiam.NewRole(stack, jsii.String("Person"), &awsiam.RoleProps{AssumedBy: awsiam.NewAccountRootPrincipal()}))
	policy := synth(t, stack).one("AWS::IAM::Policy", "Person").get("PolicyDocument")
	got := resource{Properties: object{"Policies": []any{object{"PolicyDocument": policy}}}}.permissions()
	var actions []string
	for _, line := range got {
		action, _, _ := strings.Cut(line, " ")
		actions = append(actions, action)
	}
	if want := []string{"states:DescribeExecution", "states:DescribeMapRun", "states:ListMapRuns", "states:StartExecution"}; !slices.Equal(want, actions) {
		t.Errorf("may %q, want %q", actions, want)
	}
}

// A role that must not be changed gets its permissions by hand: the machine's own, and those of
// the marker for manifests.
func TestBackfill_fixedRoles(t *testing.T) {
	stack := newStack(t)
	role := func(id string) awsiam.IRole {
		return awsiam.Role_FromRoleArn(stack, &id, jsii.String("arn:aws:iam::111122223333:role/"+id), &awsiam.FromRoleArnOptions{Mutable: jsii.Bool(false)})
	}
	source := newLogSource(stack, resolverwatch.S3LogSourceProps{Role: role("marker")})
	backfill := resolverwatch.NewBackfill(stack, "Backfill", &resolverwatch.BackfillProps{Source: source, Role: role("states")})
	var ids []string
	for _, step := range append(source.Steps(), backfill.Steps()...) {
		if strings.HasSuffix(step.ID, "Role") {
			ids = append(ids, step.ID)
		}
	}
	if want := []string{"MarkerRole", "BackfillRole", "BackfillRunRole", "BackfillPlanRole"}; !slices.Equal(want, ids) {
		t.Errorf("steps %q, want %q", ids, want)
	}
}

func TestBackfill_refusesProps(t *testing.T) {
	stack := newStack(t)
	wantRefusal(t, func() {
		resolverwatch.NewBackfill(stack, "Backfill", &resolverwatch.BackfillProps{
			LogRetentionSettings: resolverwatch.LogRetentionSettings{LogRetentionDays: 45}})
	}, "Test/Backfill LogRetentionDays", "Test/Backfill Source")
}
