package resolverwatch

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskinesisfirehose"
	"github.com/aws/aws-cdk-go/awscdk/v2/regioninfo"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// deliveryStatements returns the statements from the developer guide of Firehose, "Grant
// Firehose access to an Amazon S3 destination" and "Cross-account delivery to an Amazon S3
// destination", limited to this bucket, function and log.
func deliveryStatements(d *Delivery, p DeliveryProps) []statement {
	function := *p.Transformer.FunctionArn()
	write := []string{"s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"}
	if ofOtherAccount(d, d.bucket) {
		write = append(write, "s3:PutObjectAcl") // Firehose gives the owner of the bucket full control
	}
	statements := []statement{
		{sid: "SeeBucket", resources: []string{*d.bucket.BucketArn()},
			actions: []string{"s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"}},
		{sid: "WriteLogs", resources: objects(d.bucket, "*"), actions: write},
		{sid: "InvokeTransformer", resources: []string{function, function + ":$LATEST"},
			actions: []string{"lambda:GetFunctionConfiguration", "lambda:InvokeFunction"}},
		{sid: "WriteErrorLog", resources: []string{*d.logGroup.LogGroupArn()}, actions: []string{"logs:PutLogEvents"}},
	}
	statements = append(statements, readSchema(d, p)...)
	statements = append(statements, keyUse("s3", keyWrite, p.OutputKey)...)
	ofStreams := map[string]any{"StringLike": map[string]any{"kms:EncryptionContext:aws:kinesisfirehose:arn": streamArn(d)}}
	if p.EncryptionKey != nil {
		statements = append(statements, statement{sid: "KeyForStream", actions: keyWrite,
			resources: []string{*p.EncryptionKey.KeyArn()}, conditions: ofStreams})
	}
	if len(p.PreviousKeys) > 0 {
		previous := statement{sid: "PreviousKeysForStream", actions: keyRead, conditions: ofStreams}
		for _, key := range p.PreviousKeys {
			previous.resources = append(previous.resources, *key.KeyArn())
		}
		statements = append(statements, previous)
	}
	return statements
}

// newDeliveryRole returns the role that Firehose assumes.
func newDeliveryRole(d *Delivery, p DeliveryProps) (role awsiam.IRole, ready constructs.IDependable) {
	const firehose = "firehose.amazonaws.com"
	return d.steps.newRole(d, roleProps{
		given:       p.Role,
		id:          "Role",
		step:        "DeliveryRole",
		policy:      "Delivery",
		description: "Firehose has query logs marked and writes them to S3",
		trusted: awsiam.NewServicePrincipal(jsii.String(firehose), &awsiam.ServicePrincipalOpts{
			Conditions: &map[string]any{"StringEquals": map[string]any{"sts:ExternalId": *awscdk.Stack_Of(d).Account()}},
		}),
		service:    firehose,
		statements: deliveryStatements(d, p),
		findings: []finding{{rule: "AwsSolutions-IAM5", folders: []string{"/*"},
			reason: "Firehose names the objects, under the log and the error prefix of one bucket"}},
	})
}

// streamArn matches all streams of this account and Region. The ARN of the stream itself
// would be a circular dependency, because the stream depends on its role.
func streamArn(d *Delivery) string {
	return *awscdk.Stack_Of(d).FormatArn(&awscdk.ArnComponents{
		Service: jsii.String("firehose"), Resource: jsii.String("deliverystream"), ResourceName: jsii.String("*")})
}

// newStream defines the stream. The destination gets the role in an immutable form, because
// otherwise the CDK would add the permission to delete logs.
func newStream(d *Delivery, p DeliveryProps, ready constructs.IDependable) awskinesisfirehose.DeliveryStream {
	fixed := fixedRole(d, d.role)
	processor := awskinesisfirehose.NewLambdaFunctionProcessor(p.Transformer, &awskinesisfirehose.DataProcessorProps{
		BufferInterval: p.ProcessorBufferInterval,
		BufferSize:     awscdk.Size_Mebibytes(jsii.Number(maxProcessorMiB)),
		Retries:        jsii.Number(processorRetries),
	})
	destination := awskinesisfirehose.NewS3Bucket(d.bucket, &awskinesisfirehose.S3BucketProps{
		BufferingInterval: p.BufferInterval,
		BufferingSize:     p.BufferSize,
		Compression:       awskinesisfirehose.Compression_Of(jsii.String(string(p.Compression))),
		DataOutputPrefix:  p.writtenPrefix(),
		ErrorOutputPrefix: &p.ErrorPrefix,
		EncryptionKey:     p.OutputKey,
		LoggingConfig:     awskinesisfirehose.NewEnableLogging(d.logGroup),
		Processors:        &[]awskinesisfirehose.IDataProcessor{processor},
		Role:              fixed,
		S3Backup:          d.sourceBackup(p),
	})
	encryption := awskinesisfirehose.StreamEncryption_AwsOwnedKey()
	if p.EncryptionKey != nil {
		encryption = awskinesisfirehose.StreamEncryption_CustomerManagedKey(p.EncryptionKey)
	}
	knowRegion(awscdk.Stack_Of(d))
	acknowledgeRanges(awscdk.Stack_Of(d))
	stream := awskinesisfirehose.NewDeliveryStream(d, jsii.String("Stream"), &awskinesisfirehose.DeliveryStreamProps{
		Destination: destination,
		Encryption:  encryption,
		Role:        fixed,
	})
	d.destroyLogStreams()
	d.convert(stream, p)
	setProcessorBuffer(stream, mebibytes(p.ProcessorBufferSize, maxProcessorMiB))
	stream.Node().AddDependency(ready)
	// Query logging writes only to streams with this tag. AWS sets it too, but an update of
	// the stack's tags would remove a tag that is not in the template.
	awscdk.Tags_Of(stream).Add(jsii.String("LogDeliveryEnabled"), jsii.String("true"), nil)
	return stream
}

// knowRegion allows a stream in a Region that is newer than the CDK's list of Firehose's
// addresses. Without an entry the CDK would end the synthesis, although only the stream's
// Connections, which are not used here, need the addresses.
func knowRegion(stack awscdk.Stack) {
	region := *stack.Region()
	id := jsii.String("@aws-cdk/aws-kinesisfirehose.CidrBlocks") // the key under which the CDK looks up its list
	if isToken(region) || stack.Node().TryFindChild(id) != nil ||
		regioninfo.Fact_Find(&region, regioninfo.FactName_FIREHOSE_CIDR_BLOCK()) != nil {
		return
	}
	awscdk.NewCfnMapping(stack, id, &awscdk.CfnMappingProps{
		Lazy: jsii.Bool(true),
		Mapping: &map[string]*map[string]any{
			region: {"FirehoseCidrBlock": "0.0.0.0/32"}}, // no address
	})
}

// acknowledgeRanges accepts a finding of the CDK's own checks about a mapping that the CDK
// adds for any stream, and that only the Connections of the stream would use. Validations
// of awscdk 2.276 write the same metadata; earlier versions do not have them. Metadata is
// not part of the template.
func acknowledgeRanges(stack awscdk.Stack) {
	const key, rule = "aws:cdk:acknowledged-rules", "CloudFormation-Validate::W7001"
	for _, entry := range *stack.Node().Metadata() {
		if *entry.Type == key && strings.Contains(fmt.Sprint(entry.Data), rule) {
			return
		}
	}
	stack.Node().AddMetadata(jsii.String(key), map[string]any{
		rule: "the CDK writes the address ranges of Firehose for any stream"}, nil)
}

// destroyLogStreams deletes the log streams together with their group. The CDK would retain
// them.
func (d *Delivery) destroyLogStreams() {
	for _, destination := range []string{"S3Destination", "S3Backup"} {
		if logs := d.logGroup.Node().TryFindChild(&destination); logs != nil {
			resourceOf(logs).ApplyRemovalPolicy(awscdk.RemovalPolicy_DESTROY, nil)
		}
	}
}

// setProcessorBuffer sets how much the transformer is sent at once. The CDK's own property
// does not accept fractions of a mebibyte.
func setProcessorBuffer(stream awskinesisfirehose.DeliveryStream, mebibytes float64) {
	const sizeParameter = 3 // after RoleArn, LambdaArn and BufferIntervalInSeconds
	path := fmt.Sprintf("ExtendedS3DestinationConfiguration.ProcessingConfiguration.Processors.0.Parameters.%d", sizeParameter)
	resourceOf(stream).AddPropertyOverride(&path, map[string]any{
		"ParameterName": "BufferSizeInMBs", "ParameterValue": strconv.FormatFloat(mebibytes, 'f', -1, 64)})
}
