package resolverwatch

import (
	"fmt"

	"github.com/aws/aws-cdk-go/awscdk/v2/awskinesisfirehose"
	"github.com/aws/constructs-go/constructs/v10"
)

// The methods that return the props of a part receive the parts that it is wired with.
// These are nil before they are defined, and then the props lack what the pipeline wires.

// validate rejects props of parts that the pipeline sets itself. The parts check the rest.
func (p PipelineProps) validate() error {
	var problems problems
	for _, wired := range []struct {
		prop string
		set  bool
	}{
		{"Importer.Store", p.Importer != nil && p.Importer.Store != nil},
		{"Importer.MaxIndexBytes", p.Importer != nil && p.Importer.MaxIndexBytes != 0},
		{"Transformer.IndexBucket", p.Transformer != nil && p.Transformer.IndexBucket != nil},
		{"Delivery.Transformer", p.Delivery != nil && p.Delivery.Transformer != nil},
		{"QueryLogging.Stream", p.QueryLogging != nil && p.QueryLogging.Stream != nil},
		{"Catalog.OutputBucket", p.Catalog != nil && p.Catalog.OutputBucket != nil},
		{"Catalog.Prefix", p.Catalog != nil && p.Catalog.Prefix != ""},
		{"Catalog.ParquetPrefix", p.Catalog != nil && p.Catalog.ParquetPrefix != ""},
		{"Catalog.Format", p.Catalog != nil && p.Catalog.Format != ""},
	} {
		if wired.set {
			problems.addf("%s: is set by the pipeline; unset it, or use the parts alone", wired.prop)
		}
	}
	problems.stackNames(p)
	problems.exclusive("Stream", p.Stream != nil, "Delivery", p.Delivery != nil)
	problems.exclusive("Stream", p.Stream != nil, "Catalog", p.Catalog != nil)
	problems.exclusive("WithoutQueryLogging", p.WithoutQueryLogging, "QueryLogging", p.QueryLogging != nil)
	problems.exclusive("WithoutQueryLogging", p.WithoutQueryLogging, "Stream", p.Stream != nil)
	problems.exclusive("WithoutCatalog", p.WithoutCatalog, "Catalog", p.Catalog != nil)
	return problems.join()
}

// stackNames rejects two different names for the metrics of one pipeline.
func (p *problems) stackNames(given PipelineProps) {
	if given.Importer == nil || given.Transformer == nil {
		return
	}
	importer, transformer := given.Importer.StackName, given.Transformer.StackName
	if importer != "" && transformer != "" && importer != transformer {
		p.addf("Importer.StackName and Transformer.StackName: must be the same, got %q and %q; set one of them, and both use it",
			importer, transformer)
	}
}

// stackName returns the name that both functions use, or "" for the default. All metrics of
// a pipeline share one value of the dimension `Stack`.
func (p PipelineProps) stackName() string {
	return orDefault(orEmpty(p.Importer).StackName, orEmpty(p.Transformer).StackName)
}

func (p PipelineProps) storeProps() *IndicatorStoreProps {
	store := orEmpty(p.Store)
	setUnset(&store.EncryptionKey, p.EncryptionKey)
	store.PreviousKeys = bothKeys(p.PreviousKeys, store.PreviousKeys...)
	setUnset(&store.AccessLogBucket, p.AccessLogBucket)
	store.RemovalPolicy = orDefault(store.RemovalPolicy, p.RemovalPolicy)
	return &store
}

func (p PipelineProps) transformerProps(store *IndicatorStore) *TransformerProps {
	transformer := orEmpty(p.Transformer)
	transformer.StackName = p.stackName()
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
	importer.otherResources = pipelineResources + len(orEmpty(p.QueryLogging).VPCs)
	if transformer != nil {
		importer.MaxIndexBytes = transformer.MaxIndexBytes()
	}
	setUnset(&importer.EncryptionKey, p.EncryptionKey)
	return &importer
}

func (p PipelineProps) deliveryProps(scope constructs.Construct, transformer *Transformer) *DeliveryProps {
	delivery := orEmpty(p.Delivery)
	if transformer != nil {
		delivery.Transformer = transformer.Function()
	}
	setUnset(&delivery.EncryptionKey, p.EncryptionKey)
	delivery.PreviousKeys = bothKeys(p.PreviousKeys, delivery.PreviousKeys...)
	setUnset(&delivery.AccessLogBucket, p.AccessLogBucket)
	delivery.RemovalPolicy = orDefault(delivery.RemovalPolicy, p.RemovalPolicy)
	if delivery.Schema == nil && !p.WithoutCatalog {
		database := orEmpty(p.Catalog).withDefaults(scope).DatabaseName
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
	if catalog.MarkedLogRetention == nil && p.Delivery != nil {
		catalog.MarkedLogRetention = p.Delivery.MarkedLogRetention
	}
	catalog.RemovalPolicy = orDefault(catalog.RemovalPolicy, p.RemovalPolicy)
	return &catalog
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
			function, maxProcessorMiB),
	})
}
