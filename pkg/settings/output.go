package settings

// Keys of the outputs that name the parts of a deployed stack. The stack writes them and the
// command reads them, so renaming one is a breaking change.
const (
	OutputListBucketName       = "ListBucketName"
	OutputIndexBucketName      = "IndexBucketName"
	OutputTableName            = "TableName"
	OutputOutputBucketName     = "OutputBucketName" // of the marked logs
	OutputDeliveryStreamName   = "DeliveryStreamName"
	OutputImporterFunctionName = "ImporterFunctionName"
	OutputWorkGroupName        = "WorkGroupName"
	OutputDatabaseName         = "DatabaseName"

	OutputAlertQueueURL           = "AlertQueueUrl"
	OutputAlertTableName          = "AlertTableName"
	OutputAlertTopicARN           = "AlertTopicArn"
	OutputNotifierFunctionName    = "NotifierFunctionName"
	OutputAlertDeadLetterQueueURL = "AlertDeadLetterQueueUrl"
	OutputHunterFunctionName      = "HunterFunctionName"
	OutputHuntGroupName           = "HuntGroupName" // of EventBridge Scheduler
	OutputMarkedPrefix            = "MarkedPrefix"  // of the marked logs, with Firehose's expressions
	OutputErrorPrefix             = "ErrorPrefix"   // of records that were set aside, likewise
	OutputLogBucketName           = "LogBucketName" // that Resolver writes to
	OutputMarkerFunctionName      = "MarkerFunctionName"
	OutputBackfillARN             = "BackfillArn" // of the state machine
)

// AlarmHelper begins the description of an alarm that only another alarm looks at. It may be in alarm
// while nothing is wrong.
const AlarmHelper = "Helper of "

// OutputKey returns the key of an output of a named pipeline. The name "" returns the key
// unchanged, for the only pipeline of most stacks.
func OutputKey(pipeline, key string) string { return pipeline + key }
