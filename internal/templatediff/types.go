package templatediff

// A State is the kind of state that a replacement of a resource loses.
type State string

// The kinds of state.
const (
	// Stateless resources can be replaced: the new one does the same work. Names and ARNs
	// may differ.
	Stateless State = "none"
	// Data is objects, items, messages, keys or logs.
	Data State = "data"
	// Service is the logging of queries, which a replacement interrupts, or a history, or
	// resources of others inside this one.
	Service State = "service"
)

// known is what the package knows about a type.
type known struct {
	state State
	// createOnly has the properties whose change replaces the resource.
	createOnly []string
	// refuses says that CloudFormation fails a change of createOnly.
	refuses bool
}

// types has the stateful types of Resolverwatch and of apps around it, and stateless ones
// whose replacement users may notice. A property is create-only if its page in the
// CloudFormation template reference says "Update requires: Replacement", or "Updates are
// not supported" for its parts:
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/
var types = map[string]known{
	"AWS::DynamoDB::GlobalTable": {state: Data, createOnly: []string{
		"KeySchema", "LocalSecondaryIndexes", "TableName",
	}},
	"AWS::DynamoDB::Table": {state: Data, createOnly: []string{
		"ImportSourceSpecification", "KeySchema", "LocalSecondaryIndexes", "TableName",
	}},
	// "The update request fails, regardless of the value of the UpdateReplacePolicy".
	"AWS::KMS::Key": {state: Data, refuses: true, createOnly: []string{
		"KeySpec", "KeyUsage", "MultiRegion", "Origin",
	}},
	"AWS::Kinesis::Stream":        {state: Data, createOnly: []string{"Name"}},
	"AWS::Logs::LogGroup":         {state: Data, createOnly: []string{"LogGroupName"}},
	"AWS::SQS::Queue":             {state: Data, createOnly: []string{"FifoQueue", "QueueName"}},
	"AWS::SecretsManager::Secret": {state: Data, createOnly: []string{"Name"}},
	"AWS::S3::Bucket": {state: Data, createOnly: []string{
		"BucketName", "BucketNamePrefix", "BucketNamespace", "ObjectLockEnabled",
	}},

	// The history of queries is deleted with the workgroup.
	"AWS::Athena::WorkGroup": {state: Service, createOnly: []string{"Name"}},
	// Tables that others have created in the database are deleted with it.
	"AWS::Glue::Database": {state: Service, createOnly: []string{
		"CatalogId", "DatabaseInput.Name", "DatabaseName",
	}},
	// Buffered records are lost, and queries are not logged until the query logging
	// configuration names the new stream.
	"AWS::KinesisFirehose::DeliveryStream": {state: Service, createOnly: []string{
		"DatabaseSourceConfiguration", "DeliveryStreamName", "DeliveryStreamType",
		"DirectPutSourceConfiguration", "KinesisStreamSourceConfiguration", "MSKSourceConfiguration",
	}},
	// Queries are not logged until the VPCs are associated with the new one. Even a new tag
	// replaces it.
	"AWS::Route53Resolver::ResolverQueryLoggingConfig": {state: Service, createOnly: []string{
		"DestinationArn", "Name", "Tags",
	}},
	// Subscriptions that people have made are deleted with the topic.
	"AWS::SNS::Topic": {state: Service, createOnly: []string{"FifoTopic", "TopicName"}},

	"AWS::Athena::NamedQuery": {state: Stateless, createOnly: []string{
		"Database", "Description", "Name", "QueryString", "WorkGroup",
	}},
	"AWS::Glue::Table": {state: Stateless, createOnly: []string{
		"CatalogId", "DatabaseName", "Name", "TableInput.Name",
	}},
	"AWS::IAM::Role": {state: Stateless, createOnly: []string{"Path", "RoleName"}},
	"AWS::Route53Resolver::ResolverQueryLoggingConfigAssociation": {state: Stateless, createOnly: []string{
		"ResolverQueryLogConfigId", "ResourceId",
	}},
	"AWS::SNS::Subscription":   {state: Stateless, createOnly: []string{"Endpoint", "Protocol", "TopicArn"}},
	"AWS::Scheduler::Schedule": {state: Stateless, createOnly: []string{"Name"}},
	"AWS::S3::BucketPolicy":    {state: Stateless, createOnly: []string{"Bucket"}},
	"AWS::SSM::Parameter":      {state: Stateless, createOnly: []string{"Name"}},
}
