package settings

// Keys of the outputs by which a deployed stack says what it consists of. The stack
// writes them, the command finds its way by them; renaming one is a breaking change.
const (
	OutputListBucketName       = "ListBucketName"
	OutputIndexBucketName      = "IndexBucketName"
	OutputTableName            = "TableName"
	OutputOutputBucketName     = "OutputBucketName" // of the marked logs
	OutputDeliveryStreamName   = "DeliveryStreamName"
	OutputImporterFunctionName = "ImporterFunctionName"
	OutputWorkGroupName        = "WorkGroupName"
	OutputDatabaseName         = "DatabaseName"
)

// OutputKey returns the key of an output of the pipeline with a name. The pipeline that has
// the plain keys, which is the only one in most stacks, has the name "".
func OutputKey(pipeline, key string) string { return pipeline + key }
