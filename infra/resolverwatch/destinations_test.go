//go:build !race

package resolverwatch_test

import "testing"

// Each part of a pipeline delivers to the part that comes after it.
func TestPipeline_destinations(t *testing.T) {
	stack := newStack(t)
	newPipeline(stack, nil)
	made := synth(t, stack)
	id := func(typ, part string) string { return "<" + made.id(typ, part) + ">" }
	arn := func(typ, part string) string { return "<" + made.id(typ, part) + ".Arn>" }
	lists, index, logs := id("AWS::S3::Bucket", "StoreLists"), id("AWS::S3::Bucket", "StoreIndex"), id("AWS::S3::Bucket", "DeliveryLogs")

	for _, test := range []struct {
		name, typ, part string
		want            object
	}{
		{"query logs go to the stream", queryLogConfig, "", object{
			"DestinationArn": arn("AWS::KinesisFirehose::DeliveryStream", "")}},
		{"the stream calls the transformer, delivers to the bucket, logs errors", "AWS::KinesisFirehose::DeliveryStream", "", object{
			destination + "BucketARN": arn("AWS::S3::Bucket", "DeliveryLogs"),
			destination + "ProcessingConfiguration.Processors.0.Parameters.1.ParameterValue": arn("AWS::Lambda::Function", "TransformerFunction"),
			destination + "CloudWatchLoggingOptions.Enabled":                                 true,
			destination + "CloudWatchLoggingOptions.LogGroupName":                            id("AWS::Logs::LogGroup", "DeliveryLogGroup"),
			destination + "CloudWatchLoggingOptions.LogStreamName":                           id("AWS::Logs::LogStream", ""),
		}},
		{"the importer logs to its group", "AWS::Lambda::Function", "ImporterFunction", object{
			"Runtime": "provided.al2023", "Handler": "bootstrap",
			"LoggingConfig.LogGroup": id("AWS::Logs::LogGroup", "ImporterLogGroup"),
		}},
		{"events that the importer cannot handle go to the queue", "AWS::Lambda::EventInvokeConfig", "Importer", object{
			"DestinationConfig.OnFailure.Destination": arn("AWS::SQS::Queue", "ImporterDeadLetters")}},
		{"messages that the notifier cannot handle go to the queue", "AWS::SQS::Queue", "AlertsQueue", object{
			"RedrivePolicy.deadLetterTargetArn": arn("AWS::SQS::Queue", "AlertsDeadLetters")}},
		{"the notifier reads the queue of matches", "AWS::Lambda::EventSourceMapping", "", object{
			"EventSourceArn": arn("AWS::SQS::Queue", "AlertsQueue"), "FunctionName": id("AWS::Lambda::Function", "AlertsFunction")}},
		{"hunts that fail go to the queue", "AWS::Lambda::EventInvokeConfig", "Hunts", object{
			"DestinationConfig.OnFailure.Destination": arn("AWS::SQS::Queue", "HuntsDeadLetters")}},
		{"a publish starts the retro-hunt", "AWS::Events::Rule", "IndexPublished", object{
			"Targets.0.Arn": arn("AWS::Lambda::Function", "HuntsFunction")}},
		{"the transformer logs to its group", "AWS::Lambda::Function", "TransformerFunction", object{
			"LoggingConfig.LogGroup": id("AWS::Logs::LogGroup", "TransformerLogGroup")}},
		{"the table of marked logs reads the bucket", glueTable, "CatalogTable", object{
			"TableInput.TableType":                                        "EXTERNAL_TABLE",
			"TableInput.PartitionKeys.0.Type":                             "string",
			"TableInput.StorageDescriptor.SerdeInfo.SerializationLibrary": "org.openx.data.jsonserde.JsonSerDe",
			"TableInput.StorageDescriptor.Location":                       "s3://" + logs + "/dns-query-logs/",
		}},
		{"the table of indicators reads the index bucket", glueTable, "IndicatorTable", object{
			"TableInput.StorageDescriptor.Location": "s3://" + index + "/indicators/"}},
		{"results of queries go to their bucket", "AWS::Athena::WorkGroup", "", object{
			"WorkGroupConfiguration.ResultConfiguration.OutputLocation": "s3://" + id("AWS::S3::Bucket", "CatalogResults") + "/results/"}},
		{"uploads of lists are events", "AWS::Events::Rule", "ListEvents", object{
			"EventPattern.detail.bucket.name.0": lists}},
	} {
		t.Run(test.name, func(t *testing.T) { made.one(test.typ, test.part).want(t, test.want) })
	}
}
