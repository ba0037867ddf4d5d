package resolverwatch

import (
	"fmt"
	"math"
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskinesisfirehose"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// PipelineProps configures a [Pipeline]. The zero value is valid. The props of the parts
// may leave out everything that the pipeline wires; what they do set takes precedence.
type PipelineProps struct {
	// EncryptionKey encrypts everything that the pipeline stores, instead of keys of AWS.
	// The policy of an existing key must let services use it: see Steps.
	//
	// Default: keys of AWS.
	EncryptionKey awskms.IKey
	// PreviousKeys are keys that used to be the EncryptionKey. Data stays encrypted with
	// the key that it was written with, so the lists, the index and the logs from before a
	// switch can be read only with the earlier key. Every reader may decrypt with these
	// keys. docs/upgrading.md describes the procedure.
	//
	// Default: none.
	PreviousKeys []awskms.IKey
	// AccessLogBucket receives the server access logs of all new buckets.
	//
	// Default: no access logs.
	AccessLogBucket awss3.IBucket
	// RemovalPolicy is what happens to the buckets and the table when they are removed from
	// the stack: RETAIN, DESTROY, or RETAIN_ON_UPDATE_OR_DELETE, which leaves nothing
	// behind if the first deployment fails.
	//
	// Default: RETAIN.
	RemovalPolicy awscdk.RemovalPolicy
	// Stream is an existing delivery stream for the query logs. The pipeline then has
	// neither delivery nor catalog, and the transformer must be added to the stream by
	// hand: see Steps.
	//
	// Default: a new stream.
	Stream awskinesisfirehose.IDeliveryStream
	// WithoutFirehose leaves out the stream with its transformer and its query logging
	// configuration. All logs then come from LogSource, which is required.
	//
	// Default: there is a stream.
	WithoutFirehose bool
	// WithoutQueryLogging leaves out the query logging configuration of the stream.
	//
	// Default: there is one.
	WithoutQueryLogging bool
	// WithoutCatalog leaves out the Glue tables and the Athena workgroup.
	//
	// Default: they are created.
	WithoutCatalog bool
	// WithoutAlerts leaves out everything that alerts people to matches: queue, table,
	// notifier and topic, and the permissions of other functions for them. There are no hunts
	// either.
	//
	// Default: there are alerts.
	WithoutAlerts bool
	// WithoutHunts leaves out the queries that run on a schedule.
	//
	// Default: they run, if there are alerts and a catalog.
	WithoutHunts bool
	// WithoutBackfill leaves out the state machine that marks old objects of LogSource.
	//
	// Default: there is one, if there is a LogSource.
	WithoutBackfill bool
	// WithoutMonitoring leaves out the alarms, the dashboard and the rules that watch the
	// pipeline.
	//
	// Default: they are created.
	WithoutMonitoring bool

	// LogSource is a second source of query logs: a bucket that Resolver writes to. The marker
	// marks as Transformer does and writes where Delivery does. A VPC has one source, because
	// both write to the same tables.
	//
	// Default: none; the stream is the only source.
	LogSource *S3LogSourceProps
	// Store, Importer, Transformer, Delivery, QueryLogging, Catalog, Alerts, Hunts and Backfill
	// configure the parts.
	//
	// Default: the defaults of each part.
	Store        *IndicatorStoreProps
	Importer     *ImporterProps
	Transformer  *TransformerProps
	Delivery     *DeliveryProps
	QueryLogging *QueryLoggingProps
	Catalog      *CatalogProps
	Alerts       *AlertsProps
	Hunts        *HuntsProps
	Backfill     *BackfillProps
	// Monitoring configures the alarms and the dashboard.
	//
	// Default: the defaults of each part.
	Monitoring *MonitoringProps
}

// Pipeline is all of Resolverwatch: it turns lists into an index, marks query logs with it,
// delivers them, makes them ready for queries, and alerts people to matches.
type Pipeline struct {
	constructs.Construct
	steps steps

	store        *IndicatorStore
	importer     *Importer
	transformer  *Transformer
	delivery     *Delivery
	queryLogging *QueryLogging
	catalog      *Catalog
	alerts       *Alerts
	hunts        *Hunts
	logSource    *S3LogSource
	backfill     *Backfill
	monitoring   *Monitoring
}

// ToString returns the path of the construct.
func (p *Pipeline) ToString() *string { return p.Node().Path() }

// NewPipeline defines a [Pipeline]. Nil props mean the defaults. It panics if the props are
// not valid.
func NewPipeline(scope constructs.Construct, id string, props *PipelineProps) *Pipeline {
	defer explain(scope, id)
	p := orEmpty(props)
	this := &Pipeline{}
	begin(this, scope, id, nil)
	p.mustBeValid(this)
	this.store = NewIndicatorStore(this, "Store", p.storeProps())
	if !p.WithoutAlerts {
		this.alerts = NewAlerts(this, "Alerts", p.alertsProps())
	}
	if !p.WithoutFirehose {
		this.transformer = NewTransformer(this, "Transformer", p.transformerProps(this.store, this.alerts))
	}
	this.importer = NewImporter(this, "Importer", p.importerProps(this.store, this.transformer))
	stream := p.Stream
	if stream == nil {
		this.delivery = NewDelivery(this, "Delivery", p.deliveryProps(this, this.transformer))
		stream = this.delivery.Stream()
	} else {
		this.remindOfTransformation()
	}
	if stream != nil && !p.WithoutQueryLogging {
		this.queryLogging = NewQueryLogging(this, "QueryLogging", p.queryLoggingProps(stream))
	}
	if this.delivery != nil && !p.WithoutCatalog {
		this.catalog = NewCatalog(this, "Catalog", p.catalogProps(this.store, this.delivery))
		this.delivery.waitForSchema(this.catalog)
		if this.catalog.governed && this.delivery.stream != nil {
			this.delivery.stream.Node().AddDependency(this.catalog.letDescribe(this.delivery.role))
		}
	}
	if p.LogSource != nil {
		this.addLogSource(p)
	}
	if p.hunts() {
		this.hunts = NewHunts(this, "Hunts", p.huntsProps(this.catalog, this.alerts))
	}
	if !p.WithoutMonitoring {
		this.monitoring = NewMonitoring(this, "Monitoring", p.monitoringProps(this))
	}
	return this
}

// addLogSource defines the second source and its backfill.
func (p *Pipeline) addLogSource(props PipelineProps) {
	p.logSource = NewS3LogSource(p, "LogSource", props.logSourceProps(p))
	if !props.WithoutBackfill {
		p.backfill = NewBackfill(p, "Backfill", props.backfillProps(p.logSource))
	}
}

// hunts reports whether there are hunts.
func (p PipelineProps) hunts() bool {
	return !p.WithoutHunts && !p.WithoutAlerts && !p.WithoutCatalog && p.Stream == nil
}

// Steps returns what is left to do by hand, before or after a deployment, for all parts.
func (p *Pipeline) Steps() []Step {
	all := slices.Clone(p.steps)
	seen := map[string]bool{}
	add := func(part []Step) {
		for _, step := range part {
			if !seen[step.ID] {
				seen[step.ID] = true
				all = append(all, step)
			}
		}
	}
	add(p.store.steps)
	if p.transformer != nil {
		add(p.transformer.steps)
	}
	add(p.importer.steps)
	if p.delivery != nil {
		add(p.delivery.steps)
	}
	if p.queryLogging != nil {
		add(p.queryLogging.steps)
	}
	if p.catalog != nil {
		add(p.catalog.steps)
	}
	if p.alerts != nil {
		add(p.alerts.steps)
	}
	if p.hunts != nil {
		add(p.hunts.steps)
	}
	if p.logSource != nil {
		add(p.logSource.Steps())
	}
	if p.backfill != nil {
		add(p.backfill.steps)
	}
	if p.monitoring != nil {
		add(p.monitoring.steps)
	}
	return all
}

// Store returns the store of lists and indexes.
func (p *Pipeline) Store() *IndicatorStore { return p.store }

// Importer returns the function that publishes the lists.
func (p *Pipeline) Importer() *Importer { return p.importer }

// Transformer returns the function that marks the logs of the stream, or nil if there is none.
func (p *Pipeline) Transformer() *Transformer { return p.transformer }

// Delivery returns the delivery of the logs, or nil if an existing stream is used.
func (p *Pipeline) Delivery() *Delivery { return p.delivery }

// QueryLogging returns the query logging configuration, or nil if there is none.
func (p *Pipeline) QueryLogging() *QueryLogging { return p.queryLogging }

// Catalog returns the catalog for queries of the logs, or nil if there is none.
func (p *Pipeline) Catalog() *Catalog { return p.catalog }

// Alerts returns what alerts people to matches, or nil if there is none.
func (p *Pipeline) Alerts() *Alerts { return p.alerts }

// Hunts returns the queries that run on a schedule, or nil if there are none.
func (p *Pipeline) Hunts() *Hunts { return p.hunts }

// Monitoring returns the alarms and the dashboard, or nil if there are none.
func (p *Pipeline) Monitoring() *Monitoring { return p.monitoring }

// LogSource returns the bucket that Resolver writes to, with its marker, or nil if there is none.
func (p *Pipeline) LogSource() *S3LogSource { return p.logSource }

// Backfill returns what marks old objects of the log source, or nil if there is none.
func (p *Pipeline) Backfill() *Backfill { return p.backfill }

// The methods that return the props of a part receive the parts that it is wired with.
// These are nil before they are defined, and then the props lack what the pipeline wires.

// stackNames returns the names that the props of functions have for the metrics, by prop.
func (p PipelineProps) stackNames() []givenName {
	return []givenName{
		{"Importer.StackName", orEmpty(p.Importer).StackName},
		{"Transformer.StackName", orEmpty(p.Transformer).StackName},
		{"Alerts.StackName", orEmpty(p.Alerts).StackName},
		{"Hunts.StackName", orEmpty(p.Hunts).StackName},
		{"LogSource.StackName", orEmpty(p.LogSource).StackName},
	}
}

// stackName returns the name that all functions use, or "" for the default. All metrics of
// a pipeline share one value of the dimension `Stack`.
func (p PipelineProps) stackName() string {
	for _, given := range p.stackNames() {
		if given.name != "" {
			return given.name
		}
	}
	return ""
}

func (p PipelineProps) storeProps() *IndicatorStoreProps {
	store := orEmpty(p.Store)
	setUnset(&store.EncryptionKey, p.EncryptionKey)
	store.PreviousKeys = bothKeys(p.PreviousKeys, store.PreviousKeys...)
	setUnset(&store.AccessLogBucket, p.AccessLogBucket)
	store.RemovalPolicy = orDefault(store.RemovalPolicy, p.RemovalPolicy)
	return &store
}

func (p PipelineProps) alertsProps() *AlertsProps {
	alerts := orEmpty(p.Alerts)
	alerts.StackName = p.stackName()
	setUnset(&alerts.EncryptionKey, p.EncryptionKey)
	alerts.PreviousKeys = bothKeys(p.PreviousKeys, alerts.PreviousKeys...)
	return &alerts
}

func (p PipelineProps) huntsProps(catalog *Catalog, alerts *Alerts) *HuntsProps {
	hunts := orEmpty(p.Hunts)
	hunts.StackName, hunts.Catalog, hunts.Alerts = p.stackName(), catalog, alerts
	setUnset(&hunts.EncryptionKey, p.EncryptionKey)
	hunts.PreviousKeys = bothKeys(p.PreviousKeys, hunts.PreviousKeys...)
	return &hunts
}

func (p PipelineProps) transformerProps(store *IndicatorStore, alerts *Alerts) *TransformerProps {
	transformer := orEmpty(p.Transformer)
	transformer.StackName = p.stackName()
	if alerts != nil {
		transformer.AlertQueue = alerts.queue
	}
	transformer.ReachBounds = orEmpty(p.Importer).Guards.ReachBounds
	if store != nil {
		transformer.IndexBucket = store.IndexBucket()
		setUnset(&transformer.IndexKey, store.keys.index)
	}
	setUnset(&transformer.EncryptionKey, p.EncryptionKey)
	transformer.PreviousKeys = bothKeys(p.PreviousKeys, transformer.PreviousKeys...)
	return &transformer
}

func (p PipelineProps) importerProps(store *IndicatorStore, transformer *Transformer) *ImporterProps {
	importer := orEmpty(p.Importer)
	importer.Store = store
	importer.StackName = p.stackName()
	importer.otherResources = pipelineResources + len(orEmpty(p.QueryLogging).VPCs) + len(orEmpty(p.Alerts).Emails)
	if p.LogSource != nil {
		importer.otherResources += logSourceResources + len(p.LogSource.VPCs)
	}
	importer.Events = importer.Events || !p.WithoutAlerts
	if !p.WithoutMonitoring {
		importer.otherResources += monitoringResources
	}
	if importer.MaxIndexBytes == nil {
		limit := p.maxMarkerIndex()
		if transformer != nil {
			limit = min(limit, transformer.MaxIndexBytes())
		}
		if limit < math.MaxInt {
			importer.MaxIndexBytes = jsii.Number(limit)
		}
	}
	setUnset(&importer.EncryptionKey, p.EncryptionKey)
	return &importer
}

func (p PipelineProps) deliveryProps(scope constructs.Construct, transformer *Transformer) *DeliveryProps {
	delivery := orEmpty(p.Delivery)
	if transformer != nil {
		delivery.Transformer = transformer.Function()
	}
	delivery.WithoutStream = p.WithoutFirehose
	setUnset(&delivery.EncryptionKey, p.EncryptionKey)
	delivery.PreviousKeys = bothKeys(p.PreviousKeys, delivery.PreviousKeys...)
	setUnset(&delivery.AccessLogBucket, p.AccessLogBucket)
	delivery.RemovalPolicy = orDefault(delivery.RemovalPolicy, p.RemovalPolicy)
	if delivery.Schema == nil && !p.WithoutCatalog && !p.WithoutFirehose {
		database := orEmpty(p.Catalog).withDefaults(scope).Database
		delivery.Schema = &Schema{DatabaseName: database, TableName: parquetTable}
	}
	return &delivery
}

func (p PipelineProps) queryLoggingProps(stream awskinesisfirehose.IDeliveryStream) *QueryLoggingProps {
	queryLogging := orEmpty(p.QueryLogging)
	queryLogging.Stream = stream
	return &queryLogging
}

func (p PipelineProps) catalogProps(store *IndicatorStore, delivery *Delivery) *CatalogProps {
	catalog := orEmpty(p.Catalog)
	if store != nil {
		setUnset(&catalog.IndexBucket, store.IndexBucket())
		setUnset(&catalog.IndexKey, store.keys.index)
	}
	if delivery != nil {
		catalog.OutputBucket = delivery.OutputBucket()
		catalog.Prefix, catalog.ParquetPrefix, catalog.Format = delivery.Prefix(), delivery.ParquetPrefix(), delivery.Format()
		setUnset(&catalog.OutputKey, delivery.OutputKey())
	}
	setUnset(&catalog.EncryptionKey, p.EncryptionKey)
	catalog.PreviousKeys = bothKeys(p.PreviousKeys, catalog.PreviousKeys...)
	setUnset(&catalog.AccessLogBucket, p.AccessLogBucket)
	catalog.MarkedLogRetentionDays = orDefault(catalog.MarkedLogRetentionDays, orEmpty(p.Delivery).MarkedLogRetentionDays)
	catalog.RemovalPolicy = orDefault(catalog.RemovalPolicy, p.RemovalPolicy)
	return &catalog
}

// monitoringProps returns the props of the monitoring of all parts that are defined.
func (p PipelineProps) monitoringProps(parts *Pipeline) *MonitoringProps {
	monitoring := orEmpty(p.Monitoring)
	monitoring.Store, monitoring.Importer, monitoring.Transformer = parts.store, parts.importer, parts.transformer
	monitoring.Delivery, monitoring.Catalog = parts.delivery, parts.catalog
	monitoring.Alerts, monitoring.Hunts, monitoring.LogSource = parts.alerts, parts.hunts, parts.logSource
	if parts.queryLogging != nil {
		monitoring.QueryLogging = parts.queryLogging
	}
	return &monitoring
}

// logSourceProps returns the props of the second source. Before the parts are defined, it has
// the buckets that the props of the pipeline name.
func (p PipelineProps) logSourceProps(parts *Pipeline) *S3LogSourceProps {
	source, delivery := orEmpty(p.LogSource), orEmpty(p.Delivery)
	source.StackName = p.stackName()
	source.Marking = orEmpty(p.Transformer).TransformerSettings
	source.ReachBounds = orEmpty(p.Importer).Guards.ReachBounds
	source.Prefix, source.ErrorPrefix, source.Format = delivery.Prefix, delivery.ErrorPrefix, delivery.Format
	source.IndexBucket, source.OutputBucket = orEmpty(p.Store).IndexBucket, delivery.OutputBucket
	if parts != nil && parts.alerts != nil {
		source.AlertQueue = parts.alerts.queue
	}
	if parts != nil {
		source.IndexBucket, source.OutputBucket = parts.store.IndexBucket(), parts.delivery.OutputBucket()
		setUnset(&source.IndexKey, parts.store.keys.index)
		setUnset(&source.OutputKey, parts.delivery.OutputKey())
	}
	setUnset(&source.EncryptionKey, p.EncryptionKey)
	source.PreviousKeys = bothKeys(p.PreviousKeys, source.PreviousKeys...)
	setUnset(&source.AccessLogBucket, p.AccessLogBucket)
	source.RemovalPolicy = orDefault(source.RemovalPolicy, p.RemovalPolicy)
	return &source
}

func (p PipelineProps) backfillProps(source *S3LogSource) *BackfillProps {
	backfill := orEmpty(p.Backfill)
	backfill.Source = source
	backfill.LogRetentionDays = orDefault(backfill.LogRetentionDays, orEmpty(p.LogSource).LogRetentionDays)
	setUnset(&backfill.EncryptionKey, p.EncryptionKey)
	backfill.PreviousKeys = bothKeys(p.PreviousKeys, backfill.PreviousKeys...)
	return &backfill
}

// setUnset sets an interface field that is nil.
func setUnset[T any](field *T, value T) {
	if any(*field) == nil {
		*field = value
	}
}

// remindOfTransformation adds a step that says how to set up an existing stream.
func (p *Pipeline) remindOfTransformation() {
	function := *p.transformer.Function().FunctionArn()
	p.steps.remind(p, Step{
		ID:  "StreamTransformation",
		Why: "An existing stream is left untouched, so nothing is marked until the transformer is set up in it.",
		Text: fmt.Sprintf("in the stream, turn on data transformation with %s with a buffer of at most %d MiB, allow its role "+
			"lambda:InvokeFunction and lambda:GetFunctionConfiguration on it, and tag it LogDeliveryEnabled=true",
			function, settings.ProcessorBufferMiB),
	})
}
