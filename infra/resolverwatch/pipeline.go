package resolverwatch

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskinesisfirehose"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/constructs-go/constructs/v10"
	"slices"
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
	// WithoutQueryLogging leaves out the query logging configuration.
	//
	// Default: there is one.
	WithoutQueryLogging bool
	// WithoutCatalog leaves out the Glue tables and the Athena workgroup.
	//
	// Default: they are created.
	WithoutCatalog bool

	// Store, Importer, Transformer, Delivery, QueryLogging and Catalog configure the parts.
	//
	// Default: the defaults of each part.
	Store        *IndicatorStoreProps
	Importer     *ImporterProps
	Transformer  *TransformerProps
	Delivery     *DeliveryProps
	QueryLogging *QueryLoggingProps
	Catalog      *CatalogProps
}

// Pipeline is all of Resolverwatch: it turns lists into an index, marks query logs with it,
// delivers them, and makes them ready for queries.
type Pipeline struct {
	constructs.Construct
	steps steps

	store        *IndicatorStore
	importer     *Importer
	transformer  *Transformer
	delivery     *Delivery
	queryLogging *QueryLogging
	catalog      *Catalog
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
	this.transformer = NewTransformer(this, "Transformer", p.transformerProps(this.store))
	this.importer = NewImporter(this, "Importer", p.importerProps(this.store, this.transformer))
	stream := p.Stream
	if stream == nil {
		this.delivery = NewDelivery(this, "Delivery", p.deliveryProps(this, this.transformer))
		stream = this.delivery.Stream()
	} else {
		this.remindOfTransformation()
	}
	if !p.WithoutQueryLogging {
		this.queryLogging = NewQueryLogging(this, "QueryLogging", p.queryLoggingProps(stream))
	}
	if this.delivery != nil && !p.WithoutCatalog {
		this.catalog = NewCatalog(this, "Catalog", p.catalogProps(this.store, this.delivery))
		this.delivery.waitForSchema(this.catalog)
		if this.catalog.governed {
			this.delivery.stream.Node().AddDependency(this.catalog.letDescribe(this.delivery.role))
		}
	}
	return this
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
	add(p.transformer.steps)
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
	return all
}

// Store returns the store of lists and indexes.
func (p *Pipeline) Store() *IndicatorStore { return p.store }

// Importer returns the function that publishes the lists.
func (p *Pipeline) Importer() *Importer { return p.importer }

// Transformer returns the function that marks the logs.
func (p *Pipeline) Transformer() *Transformer { return p.transformer }

// Delivery returns the delivery of the logs, or nil if an existing stream is used.
func (p *Pipeline) Delivery() *Delivery { return p.delivery }

// QueryLogging returns the query logging configuration, or nil if there is none.
func (p *Pipeline) QueryLogging() *QueryLogging { return p.queryLogging }

// Catalog returns the catalog for queries of the logs, or nil if there is none.
func (p *Pipeline) Catalog() *Catalog { return p.catalog }
