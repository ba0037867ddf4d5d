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

	"github.com/resolverwatch/resolverwatch/pkg/settings"
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
		BufferSize:     awscdk.Size_Mebibytes(jsii.Number(settings.ProcessorBufferMiB)),
		Retries:        jsii.Number(processorRetries),
	})
	destination := awskinesisfirehose.NewS3Bucket(d.bucket, &awskinesisfirehose.S3BucketProps{
		BufferingInterval: seconds(p.BufferInterval.Std()),
		BufferingSize:     awscdk.Size_Mebibytes(jsii.Number(p.BufferSizeMiB)),
		Compression:       awskinesisfirehose.Compression_Of(jsii.String(string(p.Compression))),
		DataOutputPrefix:  p.writtenPrefix(),
		ErrorOutputPrefix: &p.ErrorPrefix,
		FileExtension:     d.fileExtension(p),
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
	setProcessorBuffer(stream, mebibytes(p.ProcessorBufferSize, settings.ProcessorBufferMiB))
	stream.Node().AddDependency(ready)
	// Query logging writes only to streams with this tag. AWS sets it too, but an update of
	// the stack's tags would remove a tag that is not in the template.
	awscdk.Tags_Of(stream).Add(jsii.String("LogDeliveryEnabled"), jsii.String("true"), nil)
	return stream
}

// fileExtension returns the extension of the objects, or nil in the isolated Regions, such as
// us-iso-east-1, where Firehose refuses the setting and appends an extension of its own. It is
// set for each format, because Firehose keeps a setting that an update leaves out: after a switch
// to Parquet, the files would otherwise be named like the JSON objects.
func (d *Delivery) fileExtension(p DeliveryProps) *string {
	region := *awscdk.Stack_Of(d).Region()
	if !isToken(region) && strings.Contains(region, "-iso") {
		return nil
	}
	return jsii.String(p.FileExtension())
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

const (
	defaultParquetPrefix = "dns-query-logs-parquet/!{timestamp:yyyy/MM/dd}/"
	// backupPrefix begins the keys of records as Resolver wrote them.
	backupPrefix      = "raw/!{timestamp:yyyy/MM/dd}/"
	backupErrorPrefix = "raw-failures/!{firehose:error-output-type}/!{timestamp:yyyy/MM/dd}/"
)

// minParquetMiB is the smallest buffer that Firehose accepts for conversion ("Record format
// conversion" in its developer guide). Parquet works best with few, large files.
const minParquetMiB = 64

// Schema is a table in the Glue Data Catalog of the same account and Region.
type Schema struct{ DatabaseName, TableName string }

// writtenPrefix returns the prefix for the current format.
func (p DeliveryProps) writtenPrefix() *string {
	if p.Format == FormatParquet {
		return &p.ParquetPrefix
	}
	return &p.Prefix
}

// checkParquet rejects props that Firehose rejects for a conversion.
func checkParquet(p *problems, given DeliveryProps) {
	p.wrap("ParquetPrefix", checkPrefix(given.ParquetPrefix))
	if given.Format == FormatParquet && given.Schema == nil {
		p.addf("Schema: must be set with Format %s: keep the catalog, or name a table that Firehose converts by", FormatParquet)
	}
	p.required("Schema", given.Schema != nil && (given.Schema.DatabaseName == "" || given.Schema.TableName == ""))
	if given.Format != FormatParquet {
		return
	}
	if given.Compression != "" && given.Compression != CompressionNone {
		p.addf("Compression: must be %s with Format %s, whose files are compressed inside by Snappy, got %s",
			CompressionNone, FormatParquet, given.Compression)
	}
	if size := given.BufferSizeMiB; size > 0 && size < minParquetMiB {
		p.addf("BufferSizeMiB: must be at least %d with Format %s, got %d", minParquetMiB, FormatParquet, size)
	}
}

// readSchema lets Firehose read the table whose schema it converts to. With JSON the
// permission stays: CloudFormation updates the role before the stream, so while switching
// away from PARQUET, or rolling back such a switch, the stream still converts and needs it.
func readSchema(d *Delivery, p DeliveryProps) []statement {
	if p.Schema == nil {
		return nil
	}
	arn := func(resource, name string) string {
		components := &awscdk.ArnComponents{Service: jsii.String("glue"), Resource: &resource}
		if name != "" {
			components.ResourceName = &name
		}
		return *awscdk.Stack_Of(d).FormatArn(components)
	}
	return []statement{{sid: "ReadSchema",
		actions: []string{"glue:GetTable", "glue:GetTableVersion", "glue:GetTableVersions"},
		resources: []string{arn("catalog", ""), arn("database", p.Schema.DatabaseName),
			arn("table", p.Schema.DatabaseName+"/"+p.Schema.TableName)}}}
}

// sourceBackup keeps the original records. Conversion drops members that have no column, so
// only the backup has them.
func (d *Delivery) sourceBackup(p DeliveryProps) *awskinesisfirehose.DestinationS3BackupProps {
	if !*p.SourceBackup {
		return nil
	}
	return &awskinesisfirehose.DestinationS3BackupProps{
		Mode:              awskinesisfirehose.BackupMode_ALL,
		Bucket:            d.bucket,
		DataOutputPrefix:  jsii.String(backupPrefix),
		ErrorOutputPrefix: jsii.String(backupErrorPrefix),
		Compression:       awskinesisfirehose.Compression_GZIP(),
		BufferingInterval: seconds(p.BufferInterval.Std()),
		BufferingSize:     awscdk.Size_Mebibytes(jsii.Number(p.BufferSizeMiB)),
		EncryptionKey:     p.OutputKey,
		LoggingConfig:     awskinesisfirehose.NewEnableLogging(d.logGroup),
	}
}

// convert turns record format conversion on or off. The CDK's own construct cannot turn it
// off, because it demands a schema even then. Firehose keeps settings that an update leaves
// out, so a JSON template that omitted them would leave an earlier conversion on.
func (d *Delivery) convert(stream awskinesisfirehose.DeliveryStream, p DeliveryProps) {
	path := "ExtendedS3DestinationConfiguration.DataFormatConversionConfiguration"
	if p.Format != FormatParquet {
		resourceOf(stream).AddPropertyOverride(&path, map[string]any{"Enabled": false})
		return
	}
	stack := awscdk.Stack_Of(d)
	resourceOf(stream).AddPropertyOverride(&path, map[string]any{
		"Enabled": true,
		// Resolver capitalises the members of answers, but columns are lower case.
		"InputFormatConfiguration":  map[string]any{"Deserializer": map[string]any{"OpenXJsonSerDe": map[string]any{"CaseInsensitive": true}}},
		"OutputFormatConfiguration": map[string]any{"Serializer": map[string]any{"ParquetSerDe": map[string]any{"Compression": "SNAPPY"}}},
		"SchemaConfiguration": map[string]any{
			"CatalogId": *stack.Account(), "Region": *stack.Region(), "RoleARN": *d.role.RoleArn(),
			"DatabaseName": p.Schema.DatabaseName, "TableName": p.Schema.TableName, "VersionId": "LATEST",
		},
	})
}

// waitForSchema creates the stream after the table that defines its schema.
func (d *Delivery) waitForSchema(c *Catalog) {
	if d.format == FormatParquet && d.stream != nil {
		d.stream.Node().AddDependency(c.table)
	}
}
