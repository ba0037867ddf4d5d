package stack

import (
	"fmt"

	"github.com/aws/aws-cdk-go/awscdk/v2"

	"github.com/resolverwatch/resolverwatch/infra/resolverwatch"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// Keys of outputs for people, beside those in pkg/settings that the command reads.
const (
	outputStreamARN      = "DeliveryStreamArn"
	outputQueryLogConfig = "QueryLogConfigId"
	outputUploadList     = "UploadListCommand"
	outputAssociateVPC   = "AssociateVpcCommand"
	outputToDo           = "ToDo" // and the id of a step
)

// addOutputs says what the stack consists of, and the commands that a user needs next.
func addOutputs(stack awscdk.Stack, p *resolverwatch.Pipeline) {
	add := func(key, description, value string) {
		awscdk.NewCfnOutput(stack, &key, &awscdk.CfnOutputProps{Value: &value, Description: &description})
	}
	lists := *p.Store().ListBucket().BucketName()
	add(settings.OutputListBucketName, "Bucket that lists are uploaded to, under feeds/<id>/ and allow/<id>/", lists)
	add(settings.OutputIndexBucketName, "Bucket of the published index", *p.Store().IndexBucket().BucketName())
	add(settings.OutputTableName, "Table that holds the list", *p.Store().Table().TableName())
	add(settings.OutputImporterFunctionName, "Function that publishes the lists", *p.Importer().Function().FunctionName())
	add(outputUploadList, "Until a first list is there, every record is marked unknown (no_index)",
		fmt.Sprintf("aws s3 cp LIST s3://%s/%smy-feed/", lists, settings.BlockPrefix))
	if d := p.Delivery(); d != nil {
		add(settings.OutputOutputBucketName, "Bucket of the marked logs", *d.OutputBucket().BucketName())
		add(settings.OutputDeliveryStreamName, "Delivery stream of the query logs", *d.Stream().DeliveryStreamName())
		add(outputStreamARN, "ARN of the delivery stream", *d.Stream().DeliveryStreamArn())
	}
	if q := p.QueryLogging(); q != nil {
		add(outputQueryLogConfig, "Query logging configuration", q.ConfigID())
		add(outputAssociateVPC, "Has the queries of one more VPC logged",
			"aws route53resolver associate-resolver-query-log-config --resolver-query-log-config-id "+q.ConfigID()+
				" --resource-id VPC_ID")
	}
	if c := p.Catalog(); c != nil {
		add(settings.OutputWorkGroupName, "Athena workgroup", c.WorkGroupName())
		add(settings.OutputDatabaseName, "Glue database", c.DatabaseName())
	}
	for _, step := range p.Steps() {
		if step.ID != resolverwatch.StepAssociateVPC { // its command is an output in any case
			add(outputToDo+step.ID, step.Why, step.Text)
		}
	}
}
