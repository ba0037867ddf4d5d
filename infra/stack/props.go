package stack

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"

	"github.com/resolverwatch/resolverwatch/infra/resolverwatch"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// pipelineProps converts settings to props. The sections are passed on as they are, because
// the constructs set their defaults; only names of existing resources become constructs.
func (e existing) pipelineProps(d settings.Deployment) *resolverwatch.PipelineProps {
	functions := resolverwatch.FunctionOptions{LoggingSettings: d.Logging}
	props := &resolverwatch.PipelineProps{
		AccessLogBucket: e.bucket("AccessLogBucket", d.AccessLogBucket),
		RemovalPolicy:   removalPolicy(d.RemovalPolicy),
		EncryptionKey:   e.key(d.KeyARN),
		PreviousKeys:    e.previousKeys(d.PreviousKeyARNs),
		Stream:          e.stream(d.Delivery.ExistingStream),
		Store:           e.storeProps(d.Store),
		Importer: &resolverwatch.ImporterProps{
			ImporterSettings: d.Importer,
			FunctionOptions:  functions,
			Feeds:            d.Feeds,
		},
		Transformer: &resolverwatch.TransformerProps{
			TransformerSettings: d.Transformer,
			FunctionOptions:     functions,
		},
	}
	if d.CreateKey {
		props.EncryptionKey = newKey(e.scope, removalPolicy(d.RemovalPolicy))
	}
	if props.Stream == nil {
		props.Delivery = e.deliveryProps(d)
		props.WithoutCatalog = isOff(d.Catalog.Enabled)
		if !props.WithoutCatalog {
			props.Catalog = &resolverwatch.CatalogProps{CatalogSettings: d.Catalog.Catalog}
		}
	}
	e.addAlerts(props, d, functions)
	addMonitoring(props, d)
	e.addSource(props, d, functions)
	props.WithoutQueryLogging = isOff(d.QueryLogging.Enabled)
	if !props.WithoutQueryLogging && !props.WithoutFirehose {
		props.QueryLogging = &resolverwatch.QueryLoggingProps{
			QueryLoggingSettings: d.QueryLogging.QueryLogging,
			VPCs:                 e.vpcs(d.QueryLogging.VPCIDs),
		}
	}
	return props
}

// addAlerts adds the props of alerts and hunts. Without alerts or a catalog there are no hunts.
func (e existing) addAlerts(props *resolverwatch.PipelineProps, d settings.Deployment, functions resolverwatch.FunctionOptions) {
	props.WithoutAlerts = isOff(d.Alerts.Enabled)
	if props.WithoutAlerts {
		return
	}
	props.Alerts = &resolverwatch.AlertsProps{
		AlertSettings:   d.Alerts.Alerts,
		FunctionOptions: functions,
		Topic:           e.topic(d.Alerts.ExistingTopicARN),
		WithoutTopic:    isOff(d.Alerts.Topic),
	}
	props.WithoutHunts = isOff(d.Hunts.Enabled)
	if !props.WithoutHunts && !props.WithoutCatalog && props.Stream == nil {
		props.Hunts = &resolverwatch.HuntsProps{HuntSettings: d.Hunts.Hunts, FunctionOptions: functions}
	}
}

// addSource adds the props of logs that come through S3. Both query logging configurations are
// shared with the same accounts; the name that is set is that of the stream's, if there is one.
func (e existing) addSource(props *resolverwatch.PipelineProps, d settings.Deployment, functions resolverwatch.FunctionOptions) {
	props.WithoutFirehose = isOff(d.Source.Firehose)
	if !d.Source.S3 {
		return
	}
	props.LogSource = &resolverwatch.S3LogSourceProps{
		LogSourceSettings:   d.Source.LogSource,
		MarkerSettings:      d.Source.Marker,
		FunctionOptions:     functions,
		LogBucket:           e.bucket("LogBucket", d.Source.ExistingLogBucket),
		WithoutQueryLogging: isOff(d.QueryLogging.Enabled),
		VPCs:                e.vpcs(d.Source.VPCIDs),
	}
	if !props.LogSource.WithoutQueryLogging {
		props.LogSource.ShareWith = d.QueryLogging.ShareWith
	}
	if props.WithoutFirehose {
		props.LogSource.QueryLogName = d.QueryLogging.Name
	}
	props.WithoutBackfill = isOff(d.Source.Backfill)
}

func (e existing) storeProps(store settings.StoreSection) *resolverwatch.IndicatorStoreProps {
	return &resolverwatch.IndicatorStoreProps{
		StoreSettings: store.Store,
		Table:         e.table(store.ExistingTable),
		ListBucket:    e.bucket("ListBucket", store.ExistingListBucket),
		IndexBucket:   e.bucket("IndexBucket", store.ExistingIndexBucket),
	}
}

func (e existing) deliveryProps(d settings.Deployment) *resolverwatch.DeliveryProps {
	return &resolverwatch.DeliveryProps{
		DeliverySettings:     d.Delivery.Delivery,
		LogRetentionSettings: d.LogRetention,
		OutputBucket:         e.bucket("OutputBucket", d.Delivery.ExistingOutputBucket),
	}
}

func addMonitoring(props *resolverwatch.PipelineProps, d settings.Deployment) {
	if props.WithoutMonitoring = isOff(d.Monitoring.Enabled); !props.WithoutMonitoring {
		props.Monitoring = &resolverwatch.MonitoringProps{MonitoringSettings: d.Monitoring.Monitoring}
	}
}

// isOff reports whether a part is turned off. It is on if the setting is unset.
func isOff(enabled *bool) bool { return enabled != nil && !*enabled }

func removalPolicy(policy settings.RemovalPolicy) awscdk.RemovalPolicy {
	switch policy {
	case settings.RemovalPolicyDestroy:
		return awscdk.RemovalPolicy_DESTROY
	case settings.RemovalPolicyRetainOnUpdateOrDelete:
		return awscdk.RemovalPolicy_RETAIN_ON_UPDATE_OR_DELETE
	default:
		return awscdk.RemovalPolicy_RETAIN
	}
}
