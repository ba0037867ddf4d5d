//go:build !race

package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/assertions"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the templates of the members")

func TestMain(m *testing.M) {
	code := m.Run()
	jsii.Close()
	os.Exit(code)
}

// synthesize returns the template of a stack. Nothing is built.
func synthesize(t *testing.T, define func(constructs.Construct), stack string) []byte {
	t.Helper()
	app := awscdk.NewApp(&awscdk.AppProps{
		Outdir: jsii.String(t.TempDir()), AnalyticsReporting: jsii.Bool(false), TreeMetadata: jsii.Bool(false),
		Context: &map[string]any{"aws:cdk:bundling-stacks": []string{}}})
	define(app)
	made := app.Node().FindChild(&stack).(awscdk.Stack)
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(assertions.Template_FromStack(made, nil).ToJSON()); err != nil {
		t.Fatal(err)
	}
	return text.Bytes()
}

// The templates of the members are small enough to read. StackSets take them as they are: they
// have no assets, and no parameter of the CDK.
func TestMembers(t *testing.T) {
	for stack, define := range map[string]func(constructs.Construct){
		memberProfile: newMember, memberConfiguration: newMemberOfConfiguration} {
		got, file := synthesize(t, define, stack), stack+".template.json"
		if *update {
			if err := os.WriteFile(file, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("%s: go test ./examples/organisation -update rewrites it (-want +got):\n%s", file, diff)
		}
	}
}

// The central account shares the Profile and the configuration, and has no stream.
func TestCentral(t *testing.T) {
	text := string(synthesize(t, newCentral, central))
	for _, want := range []string{"AWS::Route53Profiles::ProfileResourceAssociation", "AWS::RAM::ResourceShare", organisation,
		"AWS::StepFunctions::StateMachine"} {
		if !strings.Contains(text, want) {
			t.Errorf("the template lacks %s", want)
		}
	}
	if strings.Contains(text, "AWS::KinesisFirehose") {
		t.Error("there is a stream")
	}
}
