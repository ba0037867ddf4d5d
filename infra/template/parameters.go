package template

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/resolverwatch/resolverwatch/infra/resolverwatch"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// Logical ids of the parameters. Renaming one is a breaking change.
const (
	parameterBucket    = "CodeBucket"
	parameterPrefix    = "CodePrefix"
	parameterDatabase  = "GlueDatabaseName"
	parameterMemory    = "TransformerMemory"
	parameterRetention = "MarkedLogRetentionDays"
	parameterVPC       = "VpcId" // followed by the number of the slot, from 1
	parameterSource    = "LogSource"
)

// vpcSlots is how many VPCs the template itself associates, because a template has no
// loops.
const vpcSlots = 5

// defaultDatabase is the default of a parameter whose setting has none.
const defaultDatabase = "resolverwatch"

// maxRetentionDays is the most that the pattern of the parameter accepts.
const maxRetentionDays = 9999

// memories are the available sizes of the transformer, in MiB. CloudFormation cannot
// calculate, so everything that depends on the size is in a mapping.
var memories = []int{256, 512, 1024, 2048, 4096}

// Names of the mapping of [memories] and of its columns.
const (
	mappingMemory = "TransformerMemoryLimits"
	columnHeap    = "HeapLimit"
	columnIndex   = "MaxIndexBytes"
	// columnIndexS3 is for deployments that chose S3, where the marker loads the index, too.
	columnIndexS3 = "MaxIndexBytesWithS3"
)

// parameters defines the template's parameters, and records how the console shows them.
type parameters struct {
	scope  awscdk.Stack
	half   half
	groups map[string][]string // ids, by group
	labels map[string]any      // by id
}

func newParameters(scope awscdk.Stack) *parameters {
	return &parameters{scope: scope, groups: map[string][]string{}, labels: map[string]any{}}
}

// Values of the parameter of the source, which a template with both sources has.
const (
	sourceFirehose = "Firehose"
	sourceS3       = "S3"
)

// markerMemory returns the memory of the marker. Without a marker, there is no limit.
func markerMemory(source settings.SourceSection) int {
	if !source.S3 {
		return math.MaxInt
	}
	settings.Fill(&source)
	return source.Marker.MemoryMiB
}

// Groups of parameters, in the order of the console.
const (
	groupCode    = "Code of the functions"
	groupVPCs    = "VPCs whose queries are logged"
	groupMarking = "Marking"
	groupLogs    = "Marked logs"
	groupQueries = "Queries"
	groupAlerts  = "Alerts"
)

var groups = []string{groupCode, groupVPCs, groupMarking, groupLogs, groupQueries, groupAlerts}

// parameterProps configures a parameter of type String.
type parameterProps struct {
	group, label, description string

	preset  *string  // nil = required
	pattern string   // "" = any
	allowed []string // nil = any
	rule    string   // what the console says about a value that is not allowed
}

// add defines a parameter.
func (p *parameters) add(id string, props parameterProps) awscdk.CfnParameter {
	p.groups[props.group] = append(p.groups[props.group], id)
	p.labels[id] = map[string]any{"default": props.label}

	made := &awscdk.CfnParameterProps{
		Type:                  jsii.String("String"),
		Description:           &props.description,
		ConstraintDescription: &props.rule,
	}
	if props.preset != nil {
		made.Default = *props.preset
	}
	if props.pattern != "" {
		made.AllowedPattern = &props.pattern
	}
	if props.allowed != nil {
		made.AllowedValues = jsii.Strings(props.allowed...)
	}
	return awscdk.NewCfnParameter(p.scope, &id, made)
}

// describe tells the console how to group and label the parameters.
func (p *parameters) describe() {
	var shown []any
	for _, group := range groups {
		if ids := p.groups[group]; len(ids) > 0 {
			shown = append(shown, map[string]any{"Label": map[string]any{"default": group}, "Parameters": ids})
		}
	}
	p.scope.AddMetadata(jsii.String("AWS::CloudFormation::Interface"),
		map[string]any{"ParameterGroups": shown, "ParameterLabels": p.labels})
}

// isSet defines a condition that is true unless the parameter has the value that means
// "unset".
func (p *parameters) isSet(parameter awscdk.CfnParameter, nothing string) awscdk.CfnCondition {
	id := "Has" + *parameter.Node().Id()
	return awscdk.NewCfnCondition(p.scope, &id, &awscdk.CfnConditionProps{
		Expression: awscdk.Fn_ConditionNot(awscdk.Fn_ConditionEquals(parameter.ValueAsString(), nothing))})
}

// code defines the parameters for the location of the zip files. It returns a function that
// returns the code of a function by name.
func (p *parameters) code(zips Zips) func(function string) awslambda.Code {
	bucket := p.add(parameterBucket, parameterProps{
		group: groupCode, label: "Bucket",
		description: "Bucket that the zip files were uploaded to. It must be in the Region of the stack",
		pattern:     `^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`,
		rule:        "must be the name of a bucket: 3 to 63 of a-z 0-9 . -",
	})
	prefix := p.add(parameterPrefix, parameterProps{
		group: groupCode, label: "Prefix",
		description: "Folder of the zip files in the bucket, with its final slash. Empty if they lie at the top",
		preset:      jsii.String(""),
		pattern:     `^$|^[^/].*/$`,
		rule:        "must be empty, or end with a slash and not begin with one",
	})
	from := awss3.Bucket_FromBucketName(p.scope, jsii.String("Code"), bucket.ValueAsString())
	return func(function string) awslambda.Code {
		return awslambda.Code_FromBucket(from, jsii.String(*prefix.ValueAsString()+zips[function]), nil)
	}
}

// database defines the parameter of the Glue database, and returns its value.
func (p *parameters) database(preset string) string {
	if preset == "" {
		preset = defaultDatabase
	}
	parameter := p.add(parameterDatabase, parameterProps{
		group: groupQueries, label: "Glue database",
		description: "Name of the new Glue database. A second stack in the Region needs another name",
		preset:      &preset,
		pattern:     `^[a-z][a-z0-9_]{0,127}$`,
		rule:        "must be 1 to 128 of a-z 0-9 _, and begin with a letter",
	})
	return *parameter.ValueAsString()
}

// memory is the transformer's memory, which is known only at deployment, with the limits
// that depend on it.
type memory struct {
	chosen awscdk.CfnParameter
	limits awscdk.CfnMapping
	index  string // the column of the largest index
}

// memory defines the parameter for the transformer's memory. The limit of its heap, and the
// largest index that the importer publishes, depend on it. The marker must be able to load the
// index, too.
func (p *parameters) memory(preset int, source settings.SourceSection) memory {
	if preset == 0 {
		preset = settings.Default[settings.Transformer]().MemoryMiB
	}
	sizes := slices.Clone(memories)
	if !slices.Contains(sizes, preset) {
		sizes = append(sizes, preset)
		slices.Sort(sizes)
	}
	rows, allowed := map[string]*map[string]any{}, []string{}
	for _, mib := range sizes {
		key := strconv.Itoa(mib)
		allowed = append(allowed, key)
		row := p.limitsOf(mib, source)
		rows[key] = &row
	}
	index := columnIndex
	if p.half == withS3 {
		index = columnIndexS3
	}
	return memory{
		index: index,
		chosen: p.add(parameterMemory, parameterProps{
			group: groupMarking, label: "Memory of the transformer (MiB)",
			description: "More memory takes longer lists and brings more processor time. 256 MiB are enough for 6.6 million names",
			preset:      jsii.String(strconv.Itoa(preset)),
			allowed:     allowed,
			rule:        "must be one of " + strings.Join(allowed, ", "),
		}),
		limits: awscdk.NewCfnMapping(p.scope, jsii.String(mappingMemory), &awscdk.CfnMappingProps{Mapping: &rows}),
	}
}

// limitsOf returns the limits that follow from a memory.
func (p *parameters) limitsOf(mib int, source settings.SourceSection) map[string]any {
	limits := map[string]any{columnHeap: settings.MemoryLimit(mib)}
	if p.half == oneTemplate {
		limits[columnIndex] = strconv.Itoa(settings.MaxIndexBytes(min(mib, markerMemory(source))))
		return limits
	}
	source.S3 = true
	limits[columnIndex] = strconv.Itoa(settings.MaxIndexBytes(mib))
	limits[columnIndexS3] = strconv.Itoa(settings.MaxIndexBytes(min(mib, markerMemory(source))))
	return limits
}

func (m memory) limit(column string) *string {
	return m.limits.FindInMap(m.chosen.ValueAsString(), &column, nil)
}

// maxIndexBytes returns a token for the size of the largest index that the transformer can
// load.
func (m memory) maxIndexBytes() *float64 { return awscdk.Token_AsNumber(m.limit(m.index)) }

// apply gives the transformer the memory that is chosen at deployment.
func (m memory) apply(transformer *resolverwatch.Transformer) {
	function := resourceOf(transformer.Function())
	function.AddPropertyOverride(jsii.String("MemorySize"), m.chosen.ValueAsString())
	function.AddPropertyOverride(jsii.String("Environment.Variables."+settings.EnvMemoryLimit), m.limit(columnHeap))
}

// retention defines the parameter for the number of days that the marked logs are kept.
func (p *parameters) retention(pipeline *resolverwatch.Pipeline, preset int) {
	if preset > maxRetentionDays {
		panic(fmt.Errorf("resolverwatch.delivery.markedLogRetentionDays: must be at most %d in a template, got %d; 0 keeps the logs",
			maxRetentionDays, preset))
	}
	days := p.add(parameterRetention, parameterProps{
		group: groupLogs, label: "Days to keep them",
		description: "Days after which S3 deletes a marked log; 0 keeps it. The logs tell which machine asked for which name",
		preset:      jsii.String(strconv.Itoa(preset)),
		pattern:     `^(0|[1-9][0-9]{0,3})$`,
		rule:        "must be a whole number from 0 to 9999",
	})
	limited := p.isSet(days, "0")

	const rule = "LifecycleConfiguration.Rules.1" // the first one removes uploads that were never completed
	resourceOf(pipeline.Delivery().OutputBucket()).AddPropertyOverride(jsii.String(rule),
		awscdk.Fn_ConditionIf(limited.LogicalId(), map[string]any{
			"Id":               "LogRetention",
			"Status":           "Enabled",
			"ExpirationInDays": days.ValueAsString(),
		}, awscdk.Aws_NO_VALUE()))
}

// configuration returns the id of the query logging configuration of the VPCs, or "" if there is
// none. If a deployment chooses its source, a parameter chooses the configuration.
func (p *parameters) configuration(pipeline *resolverwatch.Pipeline) string {
	var firehose, s3 string
	if logging := pipeline.QueryLogging(); logging != nil {
		firehose = logging.ConfigID()
	}
	if source := pipeline.LogSource(); source != nil && source.QueryLogging() != nil {
		s3 = source.QueryLogging().ConfigID()
	}
	if p.half == oneTemplate && (firehose == "" || s3 == "") {
		return firehose + s3
	}
	source := p.add(parameterSource, parameterProps{
		group: groupVPCs, label: "Source of the logs",
		description: "What the VPCs log to: Firehose marks within two minutes, S3 within ten, for less money and at any rate",
		preset:      jsii.String(sourceFirehose),
		allowed:     []string{sourceFirehose, sourceS3},
		rule:        "must be Firehose or S3",
	})
	switch p.half {
	case withoutS3, withS3:
		awscdk.NewCfnCondition(p.scope, jsii.String(conditionS3), &awscdk.CfnConditionProps{
			Expression: awscdk.Fn_ConditionEquals(source.ValueAsString(), sourceS3)})
	default:
		toS3 := p.isSet(source, sourceFirehose)
		return *awscdk.Token_AsString(awscdk.Fn_ConditionIf(toS3.LogicalId(), s3, firehose), nil)
	}
	if p.half == withS3 {
		return s3
	}
	return firehose
}

// vpcs defines the parameters for the VPCs whose queries are logged, and their
// associations.
func (p *parameters) vpcs(pipeline *resolverwatch.Pipeline) {
	configuration := p.configuration(pipeline)
	if configuration == "" {
		return
	}
	var ids []awscdk.CfnParameter
	for slot := 1; slot <= vpcSlots; slot++ {
		id := p.add(fmt.Sprintf("%s%d", parameterVPC, slot), parameterProps{
			group: groupVPCs, label: fmt.Sprintf("VPC %d", slot),
			description: "Id of a VPC that does not log to Firehose yet, or empty. Leave each VPC in the slot that it has",
			preset:      jsii.String(""),
			pattern:     `^$|^vpc-[0-9a-f]{8}([0-9a-f]{9})?$`,
			rule:        "must be empty, or the id of a VPC: vpc- and 8 or 17 of 0-9 a-f",
		})
		ids = append(ids, id)

		vpc := awsec2.Vpc_FromVpcAttributes(p.scope, jsii.String(fmt.Sprintf("Vpc%d", slot)), &awsec2.VpcAttributes{
			VpcId:             id.ValueAsString(),
			AvailabilityZones: jsii.Strings("unknown"), // the CDK divides by their number
		})
		association := resolverwatch.NewQueryLoggingAssociation(p.scope, fmt.Sprintf("Vpc%dLogging", slot),
			&resolverwatch.QueryLoggingAssociationProps{QueryLogConfigID: configuration, VPC: vpc})
		resourceOf(association.Node().FindChild(jsii.String("Association"))).CfnOptions().SetCondition(p.isSet(id, ""))
	}
	p.refuseTwice(ids)
}

// refuseTwice rejects a VPC in two slots before anything is created.
func (p *parameters) refuseTwice(ids []awscdk.CfnParameter) {
	var assertions []*awscdk.CfnRuleAssertion
	for i, one := range ids {
		for _, other := range ids[i+1:] {
			assertions = append(assertions, &awscdk.CfnRuleAssertion{
				Assert: awscdk.Fn_ConditionOr(
					awscdk.Fn_ConditionEquals(one.ValueAsString(), ""),
					awscdk.Fn_ConditionNot(awscdk.Fn_ConditionEquals(one.ValueAsString(), other.ValueAsString()))),
				AssertDescription: jsii.String(fmt.Sprintf("%s and %s must not be the same VPC", *one.Node().Id(), *other.Node().Id())),
			})
		}
	}
	awscdk.NewCfnRule(p.scope, jsii.String("VpcsDiffer"), &awscdk.CfnRuleProps{Assertions: &assertions})
}

// resourceOf returns the CloudFormation resource behind a construct.
func resourceOf(c constructs.IConstruct) awscdk.CfnResource {
	if resource, isResource := c.(awscdk.CfnResource); isResource {
		return resource
	}
	return c.Node().DefaultChild().(awscdk.CfnResource)
}
