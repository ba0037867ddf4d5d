package stack

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/jsii-runtime-go"

	"github.com/resolverwatch/resolverwatch/infra/config"
	"github.com/resolverwatch/resolverwatch/infra/resolverwatch"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// pipelineProps converts settings to props. Unset settings become unset props, because the
// constructs define the defaults.
func (e existing) pipelineProps(c config.Config) *resolverwatch.PipelineProps {
	props := &resolverwatch.PipelineProps{
		AccessLogBucket: e.bucket("AccessLogBucket", c.AccessLogBucket),
		RemovalPolicy:   removalPolicy(c.RemovalPolicy),
		EncryptionKey:   e.key(c.KeyARN),
		PreviousKeys:    e.previousKeys(c.PreviousKeyARNs),
		Stream:          e.stream(c.Delivery.ExistingStream),
		Store:           e.storeProps(c.Store),
		Importer:        importerProps(c.Importer, c.Feeds),
		Transformer:     transformerProps(c.Transformer),
	}
	if c.CreateKey {
		props.EncryptionKey = newKey(e.scope, removalPolicy(c.RemovalPolicy))
	}
	if props.Stream == nil {
		props.Delivery = e.deliveryProps(c.Delivery)
		props.WithoutCatalog = !c.Catalog.Enabled
		if c.Catalog.Enabled {
			props.Catalog = catalogProps(c.Catalog)
		}
	}
	props.WithoutQueryLogging = !c.QueryLogging.Enabled
	if c.QueryLogging.Enabled {
		props.QueryLogging = e.queryLoggingProps(c.QueryLogging)
	}
	return props
}

func (e existing) storeProps(c config.Store) *resolverwatch.IndicatorStoreProps {
	props := &resolverwatch.IndicatorStoreProps{
		Table:                       e.table(c.ExistingTable),
		TableName:                   c.TableName,
		ReadCapacity:                c.ReadCapacity,
		WriteCapacity:               c.WriteCapacity,
		ListBucket:                  e.bucket("ListBucket", c.ExistingListBucket),
		ListBucketName:              c.ListBucketName,
		IndexBucket:                 e.bucket("IndexBucket", c.ExistingIndexBucket),
		IndexBucketName:             c.IndexBucketName,
		NoncurrentVersionExpiration: days(c.NoncurrentVersionDays),
	}
	switch c.Billing {
	case config.BillingOnDemand:
		props.BillingMode = awsdynamodb.BillingMode_PAY_PER_REQUEST
	case config.BillingProvisioned:
		props.BillingMode = awsdynamodb.BillingMode_PROVISIONED
	}
	return props
}

func importerProps(c config.Importer, feeds map[string]settings.Feed) *resolverwatch.ImporterProps {
	return &resolverwatch.ImporterProps{
		Feeds:               feeds,
		ListKey:             c.ListKey,
		PublishInterval:     minutes(c.PublishEveryMinutes),
		Protected:           c.Protected,
		DeletionGrace:       orUnset(c.DeletionGraceHours, awscdk.Duration_Hours),
		Guards:              &c.Guards,
		MemoryMiB:           c.MemoryMiB,
		Timeout:             seconds(c.TimeoutSeconds),
		ReservedConcurrency: c.ReservedConcurrency,
		LogLevel:            c.LogLevel,
		LogRetention:        retention("importer.logRetentionDays", c.LogRetentionDays),
	}
}

func transformerProps(c config.Transformer) *resolverwatch.TransformerProps {
	return &resolverwatch.TransformerProps{
		MemoryMiB:        c.MemoryMiB,
		Timeout:          seconds(c.TimeoutSeconds),
		PollInterval:     seconds(c.PollSeconds),
		MaxIndexAge:      days(c.MaxIndexAgeDays),
		ColdStartWait:    milliseconds(c.ColdStartWaitMillis),
		FailWithoutIndex: c.FailureMode == settings.FailureModeFail,
		SkipCNAMEs:       !c.CheckCNAMEs,
		SkipAddresses:    !c.CheckAddresses,
		LogLevel:         c.LogLevel,
		LogRetention:     retention("transformer.logRetentionDays", c.LogRetentionDays),
	}
}

func (e existing) deliveryProps(c config.Delivery) *resolverwatch.DeliveryProps {
	props := &resolverwatch.DeliveryProps{
		OutputBucket:            e.bucket("OutputBucket", c.ExistingOutputBucket),
		OutputBucketName:        c.OutputBucketName,
		Prefix:                  c.Prefix,
		Format:                  resolverwatch.Format(c.Format),
		ParquetPrefix:           c.ParquetPrefix,
		ErrorPrefix:             c.ErrorPrefix,
		Compression:             resolverwatch.Compression(c.Compression),
		BufferInterval:          orUnset(c.BufferIntervalSeconds, awscdk.Duration_Seconds),
		ProcessorBufferInterval: orUnset(c.ProcessorBufferIntervalSeconds, awscdk.Duration_Seconds),
		MarkedLogRetention:      days(c.MarkedLogRetentionDays),
		LogRetention:            retention("delivery.logRetentionDays", c.LogRetentionDays),
	}
	if backup := c.SourceBackup; backup != nil {
		props.SourceBackup = *backup
		props.WithoutSourceBackup = !*backup && c.Format == config.FormatParquet // JSON has none to leave out
	}
	if c.BufferSizeMiB != 0 {
		props.BufferSize = awscdk.Size_Mebibytes(jsii.Number(c.BufferSizeMiB))
	}
	if c.ProcessorBufferMiB != 0 {
		props.ProcessorBufferSize = awscdk.Size_Mebibytes(jsii.Number(c.ProcessorBufferMiB))
	}
	return props
}

func (e existing) queryLoggingProps(c config.QueryLogging) *resolverwatch.QueryLoggingProps {
	return &resolverwatch.QueryLoggingProps{
		Name:      c.Name,
		VPCs:      e.vpcs(c.VPCIDs),
		ShareWith: c.ShareWith,
	}
}

func catalogProps(c config.Catalog) *resolverwatch.CatalogProps {
	props := &resolverwatch.CatalogProps{
		DatabaseName:    c.Database,
		WorkGroupName:   c.WorkGroup,
		ResultRetention: days(c.ResultRetentionDays),
	}
	if c.BytesScannedLimitGiB != 0 {
		props.BytesScannedLimit = awscdk.Size_Gibibytes(jsii.Number(c.BytesScannedLimitGiB))
	}
	return props
}
