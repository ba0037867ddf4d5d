package resolverwatch

import (
	"fmt"
	"regexp"

	"github.com/aws/aws-cdk-go/awscdk/v2"

	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// Keys of outputs for people. The keys that the command reads are in pkg/settings.
const (
	outputStreamARN       = "DeliveryStreamArn"
	outputQueryLogConfig  = "QueryLogConfigId"
	outputLogBucketConfig = "LogBucketQueryLogConfigId"
	outputUploadList      = "UploadListCommand"
	outputAssociateVPC    = "AssociateVpcCommand"
	outputDashboard       = "DashboardName"
	outputToDo            = "ToDo" // followed by the id of a step
)

// outputName matches the names of outputs that are allowed: the name begins their logical
// ids.
var outputName = regexp.MustCompile(`^[A-Z][a-zA-Z0-9]{0,63}$`)

// AddOutputs adds outputs to the stack of the pipeline: the names of its parts, the
// commands that a user needs next, and one output for each step that is left to do by hand
// (see Steps). The resolverwatch command uses the outputs to find the pipeline, given the
// name of the stack as --stack; for a nested stack, that is the name of the nested stack.
//
// The keys of the outputs are fixed, so only one pipeline in a stack can have them. For
// others use [Pipeline.AddNamedOutputs]. AddOutputs panics if the stack already has such
// outputs. Call it after everything that adds steps.
func (p *Pipeline) AddOutputs() { p.addOutputs("AddOutputs", "") }

// AddNamedOutputs adds the outputs of [Pipeline.AddOutputs] under keys that begin with
// name, such as "Guests", for a second pipeline in a stack. The resolverwatch command takes
// the name as --pipeline. It must be 1 to 64 letters and digits, starting with a capital
// letter.
func (p *Pipeline) AddNamedOutputs(name string) {
	if !outputName.MatchString(name) {
		panic(refuse(*p.Node().Path(), fmt.Errorf(
			"AddNamedOutputs: name: must be 1 to 64 of a-z A-Z 0-9, starting with a capital letter, got %q", name)))
	}
	p.addOutputs("AddNamedOutputs", name)
}

func (p *Pipeline) addOutputs(method, name string) {
	p.claimOutputs(method, name)
	add := p.outputAdder(method, name)
	lists := *p.store.ListBucket().BucketName()
	add(settings.OutputListBucketName, "Bucket that lists are uploaded to, under feeds/<id>/ and allow/<id>/", lists)
	add(settings.OutputIndexBucketName, "Bucket of the published index", *p.store.IndexBucket().BucketName())
	add(settings.OutputTableName, "Table that holds the list", *p.store.Table().TableName())
	add(settings.OutputImporterFunctionName, "Function that publishes the lists", *p.importer.Function().FunctionName())
	add(outputUploadList, "Until the first list is uploaded, every record is marked unknown (no_index)",
		fmt.Sprintf("aws s3 cp LIST s3://%s/%smy-feed/", lists, settings.BlockPrefix))
	if d := p.delivery; d != nil {
		add(settings.OutputOutputBucketName, "Bucket of the marked logs", *d.OutputBucket().BucketName())
		add(settings.OutputMarkedPrefix, "Prefix of the marked logs", d.Prefix())
		add(settings.OutputErrorPrefix, "Prefix of the records that could not be marked or delivered", d.ErrorPrefix())
		if stream := d.Stream(); stream != nil {
			add(settings.OutputDeliveryStreamName, "Delivery stream of the query logs", *stream.DeliveryStreamName())
			add(outputStreamARN, "ARN of the delivery stream", *stream.DeliveryStreamArn())
		}
	}
	if q := p.queryLogging; q != nil {
		add(outputQueryLogConfig, "Query logging configuration", q.ConfigID())
		add(outputAssociateVPC, "Turn on query logging for one more VPC",
			"aws route53resolver associate-resolver-query-log-config --resolver-query-log-config-id "+q.ConfigID()+
				" --resource-id VPC_ID")
	}
	if c := p.catalog; c != nil {
		add(settings.OutputWorkGroupName, "Athena workgroup", c.WorkGroupName())
		add(settings.OutputDatabaseName, "Glue database", c.DatabaseName())
	}
	p.addAlertOutputs(add)
	p.addSourceOutputs(add)
	if m := p.monitoring; m != nil && m.dashboard != nil {
		add(outputDashboard, "Dashboard in CloudWatch", m.DashboardName())
	}
	for _, step := range p.Steps() {
		if step.ID != StepAssociateVPC { // its command is always an output
			add(outputToDo+step.ID, step.Why, step.Text)
		}
	}
}

// addAlertOutputs adds the outputs of alerts and hunts, if there are any.
func (p *Pipeline) addAlertOutputs(add func(key, description, value string)) {
	if a := p.alerts; a != nil {
		add(settings.OutputAlertQueueURL, "Queue of matches for the notifier", *a.queue.QueueUrl())
		add(settings.OutputAlertDeadLetterQueueURL, "Queue of messages that the notifier could not handle", *a.deadLetters.QueueUrl())
		add(settings.OutputAlertTableName, "Table of sent alerts", *a.table.TableName())
		add(settings.OutputNotifierFunctionName, "Function that sends alerts", *a.Function().FunctionName())
		if a.topic != nil {
			add(settings.OutputAlertTopicARN, "Topic of the notices", *a.topic.TopicArn())
		}
	}
	if h := p.hunts; h != nil {
		add(settings.OutputHunterFunctionName, "Function that runs queries on a schedule", *h.Function().FunctionName())
		add(settings.OutputHuntGroupName, "Group of the schedules of queries", h.GroupName())
	}
}

// addSourceOutputs adds the outputs of the second source, if there is one.
func (p *Pipeline) addSourceOutputs(add func(key, description, value string)) {
	if s := p.logSource; s != nil {
		add(settings.OutputLogBucketName, "Bucket that Resolver writes its logs to", *s.LogBucket().BucketName())
		add(settings.OutputMarkerFunctionName, "Function that marks the logs of the log bucket", *s.Function().FunctionName())
		if q := s.queryLogging; q != nil {
			add(outputLogBucketConfig, "Query logging configuration of the log bucket", q.ConfigID())
		}
	}
	if b := p.backfill; b != nil {
		add(settings.OutputBackfillARN, "State machine that marks old logs of the log bucket", b.StateMachineArn())
	}
}

// claimOutputs rejects a second pipeline with the same keys.
func (p *Pipeline) claimOutputs(method, name string) {
	const prop = "outputs"
	if owner := ownerOf(p, claimed("", prop, name)); owner != "" {
		problem := fmt.Sprintf("the stack already has the %s", owner)
		if name != "" {
			problem = fmt.Sprintf("the name %q is taken in this stack, by the %s", name, owner)
		}
		p.refuseOutputs(method, problem)
	}
	claim(p, "", prop, name)
}

func (p *Pipeline) refuseOutputs(method, problem string) {
	panic(refuse(*p.Node().Path(), fmt.Errorf("%s: %s: call AddNamedOutputs with a name that is not taken, "+
		"and pass it to the resolverwatch command as --pipeline", method, problem)))
}

// outputAdder returns a function that adds an output with a fixed logical id. The function
// rejects an id that the app already uses for an output of its own.
func (p *Pipeline) outputAdder(method, name string) func(key, description, value string) {
	stack := awscdk.Stack_Of(p)
	return func(key, description, value string) {
		key = settings.OutputKey(name, key)
		if _, isOutput := stack.Node().TryFindChild(&key).(awscdk.CfnOutput); isOutput {
			p.refuseOutputs(method, fmt.Sprintf("the stack already has an output named %s", key))
		}
		output := awscdk.NewCfnOutput(p, &key, &awscdk.CfnOutputProps{Value: &value, Description: &description})
		output.OverrideLogicalId(&key)
	}
}
