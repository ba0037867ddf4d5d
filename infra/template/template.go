// Package template builds the published template: it turns the settings of a deployment
// into a CloudFormation template with parameters, and zip files with the code of the
// functions. It is for people who deploy without Go.
//
// A deployment does not need the CDK's bootstrap. The template can be deployed several
// times in an account and Region, because every name in it contains the name of the stack
// or a parameter. Its resources have the same logical ids as in the CDK app's stack.
package template

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/resolverwatch/resolverwatch/infra/config"
	"github.com/resolverwatch/resolverwatch/infra/resolverwatch"
	"github.com/resolverwatch/resolverwatch/infra/stack"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// stackID is the construct id of the stack. People choose the name of the stack when they
// deploy it.
const stackID = "Resolverwatch"

// Synthesize returns the template for the settings in the context of a CDK app, as in
// cdk.json. The functions run the zip files with the given names. It ignores settings that
// each deployment sets for itself: see [LeftOut].
//
// The error says which setting cannot work, and why.
func Synthesize(context map[string]any, zips Zips) (text []byte, err error) {
	deployment, err := config.Decode(context)
	if err != nil {
		return nil, err
	}
	if !offersS3(deployment) {
		return write(synthesizeHalf(context, deployment, zips, oneTemplate))
	}
	both, refused := synthesizeHalf(context, deployment, zips, withS3)
	if refused != nil {
		// The other settings do not fit logs in S3, so there is no choice.
		return write(synthesizeHalf(context, deployment, zips, oneTemplate))
	}
	template, err := synthesizeHalf(context, deployment, zips, withoutS3)
	if err != nil {
		return nil, err
	}
	if err := offerS3(template, both); err != nil {
		return nil, fmt.Errorf("letting deployments choose the source of the logs: %w", err)
	}
	return write(template, nil)
}

// half says which half of a template is synthesized, if each deployment chooses the source of its
// logs.
type half int

const (
	oneTemplate half = iota // there is no choice
	withoutS3
	withS3
)

// synthesizeHalf returns the parsed template for settings.
func synthesizeHalf(context map[string]any, deployment settings.Deployment, zips Zips, half half) (template map[string]any, err error) {
	assembly, err := os.MkdirTemp("", "resolverwatch-template-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(assembly) }() // a leftover in the temporary folder does no harm
	defer func() { err = errors.Join(err, stack.Refusal(recover())) }()

	app := awscdk.NewApp(&awscdk.AppProps{
		Outdir:             &assembly,
		Context:            &context,
		AnalyticsReporting: jsii.Bool(false),
		TreeMetadata:       jsii.Bool(false),
	})
	deployment.Source.S3 = deployment.Source.S3 || half == withS3
	newStack(app, deployment, zips, half)
	app.Synth(nil)

	synthesized, err := os.ReadFile(filepath.Join(assembly, stackID+".template.json"))
	if err != nil {
		return nil, err
	}
	return finish(synthesized)
}

// LeftOut returns the settings that are set but that the template ignores, because each
// deployment sets them for itself.
func LeftOut(deployment settings.Deployment) []string {
	var names []string
	for _, setting := range []struct {
		name string
		set  bool
	}{
		{"account", deployment.Account != ""},
		{"region", deployment.Region != ""},
		{"stackName", deployment.StackName != settings.DefaultStack},
		{"tags", len(deployment.Tags) > 0},
		{"terminationProtection", deployment.TerminationProtection},
		{"queryLogging.vpcIds", len(deployment.QueryLogging.VPCIDs) > 0},
		{"source.vpcIds", len(deployment.Source.VPCIDs) > 0},
		{"alerts.emails", len(deployment.Alerts.Emails) > 0},
	} {
		if setting.set {
			names = append(names, setting.name)
		}
	}
	return names
}

// newStack defines the stack of the template.
func newStack(scope constructs.Construct, deployment settings.Deployment, zips Zips, half half) awscdk.Stack {
	this := awscdk.NewStack(scope, jsii.String(stackID), &awscdk.StackProps{
		Description: jsii.String(stack.Description),
		Synthesizer: awscdk.NewBootstraplessSynthesizer(nil),
	})

	this.TemplateOptions().SetTemplateFormatVersion(jsii.String("2010-09-09"))

	p := newParameters(this)
	p.half = half
	props := p.pipelineProps(deployment, zips)
	var memory memory
	if !props.WithoutFirehose {
		memory = p.memory(deployment.Transformer.MemoryMiB, deployment.Source)
		props.Importer.MaxIndexBytes = memory.maxIndexBytes()
	}
	pipeline := resolverwatch.NewPipeline(this, "Pipeline", props)
	if !props.WithoutFirehose {
		memory.apply(pipeline.Transformer())
	}
	if deployment.Delivery.ExistingStream == "" && deployment.Delivery.ExistingOutputBucket == "" {
		p.retention(pipeline, deployment.Delivery.MarkedLogRetentionDays)
	}
	p.vpcs(pipeline)
	p.describe()
	pipeline.AddOutputs()

	// The CDK adds a list of Firehose's address ranges for any stream, but nothing uses it.
	this.Node().TryRemoveChild(jsii.String("@aws-cdk--aws-kinesisfirehose.CidrBlocks"))
	return this
}

// pipelineProps returns the props for settings. Names that two deployments must not share
// become parameters, or are derived from the name of the deployed stack.
func (p *parameters) pipelineProps(deployment settings.Deployment, zips Zips) *resolverwatch.PipelineProps {
	topic := deployment.Alerts.Topic == nil || *deployment.Alerts.Topic
	deployment.QueryLogging.VPCIDs, deployment.Source.VPCIDs, deployment.Alerts.Emails = nil, nil, nil
	deployment.Delivery.MarkedLogRetentionDays = 0
	props := stack.PipelineProps(p.scope, deployment)
	name := *awscdk.Aws_STACK_NAME()

	code := p.code(zips)
	props.Importer.Code, props.Importer.StackName = code(importer), name
	props.Transformer.Code, props.Transformer.StackName = code(transformer), name
	if props.Alerts != nil {
		props.Alerts.Code, props.Alerts.StackName = code(notifier), name
		if props.Alerts.Topic == nil {
			p.topic(props.Alerts, topic)
		}
	}
	if props.Hunts != nil {
		props.Hunts.Code, props.Hunts.StackName = code(hunter), name
	}
	if props.LogSource != nil {
		props.LogSource.Code, props.LogSource.StackName = code(marker), name
		if props.LogSource.QueryLogName == "" {
			props.LogSource.QueryLogName = "resolverwatch-s3-" + shortStackID()
		}
	}
	if props.Catalog != nil {
		props.Catalog.Database = p.database(deployment.Catalog.Database)
		if props.Catalog.WorkGroup == "" {
			props.Catalog.WorkGroup = name
		}
	}
	if props.QueryLogging != nil && props.QueryLogging.Name == "" {
		props.QueryLogging.Name = "resolverwatch-" + shortStackID()
	}
	return props
}

// shortStackID returns the first eight digits of the deployed stack's id, which make its
// names different from those of other stacks. The name of the stack may be too long: a
// query logging configuration's name has at most 64 characters, and a StackSet creates
// longer names.
func shortStackID() string {
	unique := awscdk.Fn_Select(jsii.Number(2), awscdk.Fn_Split(jsii.String("/"), awscdk.Aws_STACK_ID(), nil))
	return *awscdk.Fn_Select(jsii.Number(0), awscdk.Fn_Split(jsii.String("-"), unique, nil))
}

// finish parses a synthesized template, removes the notes of the CDK and its linters from its
// resources, and makes the topic conditional.
func finish(text []byte) (map[string]any, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber() // sizes in bytes must not become 1.07e+11
	var parsed map[string]any
	if err := decoder.Decode(&parsed); err != nil {
		return nil, fmt.Errorf("reading the synthesized template: %w", err)
	}
	resources, _ := parsed["Resources"].(map[string]any)
	for _, value := range resources {
		if resource, isObject := value.(map[string]any); isObject {
			delete(resource, "Metadata")
			sortDependencies(resource)
		}
	}
	makeTopicConditional(parsed)
	return parsed, nil
}

// sortDependencies sorts what a resource depends on, as an app that includes the template does.
func sortDependencies(resource map[string]any) {
	if list, isList := resource["DependsOn"].([]any); isList {
		slices.SortFunc(list, func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	}
}

// write writes a template with sorted keys.
func write(template map[string]any, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetIndent("", " ")
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(template); err != nil {
		return nil, fmt.Errorf("writing the template: %w", err)
	}
	return out.Bytes(), nil
}
