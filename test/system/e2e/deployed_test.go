//go:build e2e

package e2e_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	cloudformationtypes "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	awsfirehose "github.com/aws/aws-sdk-go-v2/service/firehose"

	"github.com/resolverwatch/resolverwatch/test/deployedstream"
)

// deployed is the emulator's description of a deployed stack.
type deployed struct {
	e         *emulator
	variant   variant
	folder    string // for logs and built programs
	stackID   string // also identifies it after its deletion
	outputs   map[string]string
	resources []resource

	stream *deployedstream.Stream // nil without Firehose

	importer         functionConfig
	transformer      functionConfig // empty without Firehose
	notifier, hunter functionConfig // empty without alerts
	marker           functionConfig // empty without logs in S3
	backfill         stateMachine   // likewise

	allRules []rule // read once
}

// resource is one resource of a stack.
type resource struct{ logical, kind, id string }

// functionConfig is a function as Lambda's API describes it.
type functionConfig struct {
	FunctionName, FunctionArn, Role, CodeSha256 string

	MemorySize, Timeout int
	Architectures       []string
	Environment         struct{ Variables map[string]string }
	LoggingConfig       struct{ LogGroup string }
}

// read reads the deployed stack.
func read(t *testing.T, e *emulator, v variant, folder string) *deployed {
	t.Helper()
	d := &deployed{e: e, variant: v, folder: folder, outputs: map[string]string{}}
	ctx, client := context.Background(), cloudformation.NewFromConfig(e.config())
	stacks, err := client.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &v.stack})
	if err != nil {
		t.Fatal(err)
	}
	d.stackID = aws.ToString(stacks.Stacks[0].StackId)
	for _, output := range stacks.Stacks[0].Outputs {
		d.outputs[aws.ToString(output.OutputKey)] = aws.ToString(output.OutputValue)
	}
	list, err := client.ListStackResources(ctx, &cloudformation.ListStackResourcesInput{StackName: &v.stack})
	if err != nil {
		t.Fatal(err)
	}
	for _, summary := range list.StackResourceSummaries {
		d.resources = append(d.resources, resource{aws.ToString(summary.LogicalResourceId),
			aws.ToString(summary.ResourceType), aws.ToString(summary.PhysicalResourceId)})
	}
	d.importer = d.function(t, d.outputs["ImporterFunctionName"])
	if d.outputs["DeliveryStreamName"] != "" {
		d.readStream(t)
		d.transformer = d.function(t, nameOf(d.stream.Config.Processing.LambdaArn))
	}
	if name := d.outputs["MarkerFunctionName"]; name != "" {
		d.marker = d.function(t, name)
		d.readMachine(t)
	}
	if name := d.outputs["NotifierFunctionName"]; name != "" {
		d.notifier = d.function(t, name)
		d.hunter = d.function(t, d.outputs["HunterFunctionName"])
	}
	return d
}

func (d *deployed) readStream(t *testing.T) {
	t.Helper()
	client := awsfirehose.NewFromConfig(d.e.config())
	out, err := client.DescribeDeliveryStream(context.Background(), &awsfirehose.DescribeDeliveryStreamInput{
		DeliveryStreamName: aws.String(d.outputs["DeliveryStreamName"])})
	if err != nil {
		t.Fatal(err)
	}
	if d.stream, err = deployedstream.Read(out.DeliveryStreamDescription); err != nil {
		t.Fatal(err)
	}
	if d.stream.Config.Processing == nil {
		t.Fatal("the deployed stream has no processor")
	}
}

func (d *deployed) function(t *testing.T, name string) functionConfig {
	t.Helper()
	var config functionConfig
	d.e.get(t, "lambda", "/2015-03-31/functions/"+name+"/configuration", &config)
	return config
}

// functions returns the deployed functions by the names of their programs.
func (d *deployed) functions() map[string]functionConfig {
	all := map[string]functionConfig{"importer": d.importer}
	if d.hasStream() {
		all["transformer"] = d.transformer
	}
	if d.hasAlerts() {
		all["notifier"], all["hunter"] = d.notifier, d.hunter
	}
	if d.hasLogBucket() {
		all["marker"] = d.marker
	}
	return all
}

// of returns the resources of a type.
func (d *deployed) of(kind string) (all []resource) {
	for _, r := range d.resources {
		if r.kind == kind {
			all = append(all, r)
		}
	}
	return all
}

// one returns the one resource of a type whose logical id contains a word.
func (d *deployed) one(t *testing.T, kind, word string) resource {
	t.Helper()
	var found []resource
	for _, r := range d.of(kind) {
		if strings.Contains(r.logical, word) {
			found = append(found, r)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%s with %q in its logical id: there are %d: %v", kind, word, len(found), found)
	}
	return found[0]
}

// inventory counts the resources by type.
func (d *deployed) inventory() string {
	counts := map[string]int{}
	for _, r := range d.resources {
		counts[r.kind]++
	}
	var kinds []string
	for _, kind := range slices.Sorted(maps.Keys(counts)) {
		kinds = append(kinds, fmt.Sprintf("%d %s", counts[kind], strings.TrimPrefix(kind, "AWS::")))
	}
	return fmt.Sprintf("%d resources: %s", len(d.resources), strings.Join(kinds, ", "))
}

// skipped returns the types that the deletion of the stack left on purpose, without
// duplicates.
func (d *deployed) skipped(t *testing.T) (kinds []string) {
	t.Helper()
	kinds = d.typesOf(t, cloudformationtypes.ResourceStatusDeleteSkipped)
	slices.Sort(kinds)
	return slices.Compact(kinds)
}

// typesOf returns the types of the resources that reached a status, in order.
func (d *deployed) typesOf(t *testing.T, status cloudformationtypes.ResourceStatus) (kinds []string) {
	t.Helper()
	client := cloudformation.NewFromConfig(d.e.config())
	out, err := client.DescribeStackEvents(context.Background(), &cloudformation.DescribeStackEventsInput{StackName: &d.stackID})
	check(t, err)
	for _, event := range slices.Backward(out.StackEvents) { // the newest comes first
		if event.ResourceStatus == status {
			kinds = append(kinds, aws.ToString(event.ResourceType))
		}
	}
	return kinds
}

// nameOf returns the last part of an ARN or of a queue's address.
func nameOf(arn string) string { return arn[strings.LastIndexAny(arn, ":/")+1:] }
