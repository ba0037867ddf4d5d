package resolverwatch

import (
	"errors"
	"fmt"
	"slices"
	"strings"

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
		{"Transformer.IndexBucket", p.Transformer != nil && p.Transformer.IndexBucket != nil},
		{"Transformer.ReachBounds", p.Transformer != nil && p.Transformer.ReachBounds != ReachBounds{}},
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
	checkStackNames(&problems, p)
	checkLoadable(&problems, p)
	problems.exclusive("Stream", p.Stream != nil, "Delivery", p.Delivery != nil)
	problems.exclusive("Stream", p.Stream != nil, "Catalog", p.Catalog != nil)
	problems.exclusive("WithoutQueryLogging", p.WithoutQueryLogging, "QueryLogging", p.QueryLogging != nil)
	problems.exclusive("WithoutQueryLogging", p.WithoutQueryLogging, "Stream", p.Stream != nil)
	problems.exclusive("WithoutCatalog", p.WithoutCatalog, "Catalog", p.Catalog != nil)
	return problems.join()
}

// checkStackNames rejects two different names for the metrics of one pipeline.
func checkStackNames(p *problems, given PipelineProps) {
	if given.Importer == nil || given.Transformer == nil {
		return
	}
	importer, transformer := given.Importer.StackName, given.Transformer.StackName
	if importer != "" && transformer != "" && importer != transformer {
		p.addf("Importer.StackName and Transformer.StackName: must be the same, got %q and %q; set one of them, and both use it",
			importer, transformer)
	}
}

// checkLoadable rejects an index size that the transformer could not load. A size that is a token
// is known only at deployment.
func checkLoadable(p *problems, given PipelineProps) {
	size := orEmpty(given.Importer).MaxIndexBytes
	memory := orEmpty(given.Transformer).withDefaults().MemoryMiB
	if limit := settings.MaxIndexBytes(memory); size != nil && *size > float64(limit) {
		p.addf("Importer.MaxIndexBytes: must be at most %d, the limit of a transformer with %d MiB, got %.0f; "+
			"lower it, or raise Transformer.MemoryMiB", limit, memory, *size)
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
	importer.otherResources = pipelineResources + len(orEmpty(p.QueryLogging).VPCs)
	if importer.MaxIndexBytes == nil && transformer != nil {
		importer.MaxIndexBytes = jsii.Number(transformer.MaxIndexBytes())
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

// mustBeValid panics with the problems of the pipeline and of all its parts, before the
// first part is defined. The paths are the ones that the parts would have.
func (p PipelineProps) mustBeValid(this *Pipeline) {
	path := *this.Node().Path()
	shared := p.checkShared(this)
	var own problems
	if p.Stream == nil {
		checkFolders(&own, p)
	}
	refused := refuse(path, errors.Join(p.validate(), shared, own.join()))
	for _, part := range p.checkParts(this) {
		refused.add(path+"/"+part.id, without(part.problems, shared))
	}
	if len(refused.lines) > 0 {
		panic(refused)
	}
}

// checkShared returns the problems with props that the pipeline passes to its parts.
func (p PipelineProps) checkShared(this *Pipeline) error {
	var problems problems
	home := placeOf(this)
	checkKeys(&problems, map[string]awskms.IKey{"EncryptionKey": p.EncryptionKey})
	checkPreviousKeys(&problems, p.PreviousKeys)
	checkKeyIn(&problems, "EncryptionKey", p.EncryptionKey, home)
	checkAccessLogsIn(&problems, p.AccessLogBucket, home)
	problems.removal(p.RemovalPolicy)
	checkStreamIn(&problems, "Stream", p.Stream, home)
	return problems.join()
}

// partProblems are the problems with the props of one part.
type partProblems struct {
	id       string
	problems error
}

// checkParts checks the props of all parts that the pipeline would define, except what the
// pipeline will wire itself.
func (p PipelineProps) checkParts(this *Pipeline) []partProblems {
	store, transformer := p.storeProps(), p.transformerProps(nil)
	transformer.IndexBucket = store.IndexBucket
	parts := []partProblems{
		{"Store", store.check(this)},
		{"Transformer", exceptUnset(transformer.check(this), "IndexBucket")},
		{"Importer", exceptUnset(p.importerProps(nil, nil).check(this), "Store")},
	}
	if !p.WithoutQueryLogging {
		queryLogging := p.queryLoggingProps(p.Stream).check(this)
		parts = append(parts, partProblems{"QueryLogging", exceptUnset(queryLogging, "Stream")})
	}
	if p.Stream != nil {
		return parts
	}
	delivery := p.deliveryProps(this, nil)
	delivered := exceptUnset(delivery.check(this), "Transformer")
	var names problems
	checkOwnNames(&names, this, append(store.bucketNames(), givenName{"OutputBucketName", delivery.OutputBucketName})...)
	delivered = errors.Join(delivered, without(names.join(), errors.Join(parts[0].problems, delivered)))
	var catalogued error
	if !p.WithoutCatalog {
		catalog := p.catalogProps(nil, nil)
		setUnset(&catalog.IndexBucket, store.IndexBucket)
		catalog.OutputBucket = delivery.OutputBucket
		catalog.Prefix, catalog.ParquetPrefix = delivery.catalogued()
		asked := without(exceptUnset(catalog.check(this), "OutputBucket"), delivered) // reported by the delivery
		ofPrefixes, rest := prefixProblems(asked)
		delivered, catalogued = errors.Join(delivered, ofPrefixes), rest
	}
	return append(parts, partProblems{"Delivery", delivered}, partProblems{"Catalog", catalogued})
}

// prefixProblems separates problems with the prefixes, which the user sets in the props of
// the delivery, from the other problems of the catalog.
func prefixProblems(err error) (ofPrefixes, rest error) {
	for _, problem := range each(err) {
		if strings.HasPrefix(problem.Error(), "Prefix") || strings.HasPrefix(problem.Error(), "ParquetPrefix") {
			ofPrefixes = errors.Join(ofPrefixes, problem)
		} else {
			rest = errors.Join(rest, problem)
		}
	}
	return ofPrefixes, rest
}

// catalogued returns the prefixes of the catalog's tables. A prefix that Firehose would
// reject is reported by the delivery, and is left out here.
func (p DeliveryProps) catalogued() (prefix, parquet string) {
	if checkPrefix(p.Prefix) == nil {
		prefix = p.Prefix
	}
	if checkPrefix(p.ParquetPrefix) == nil {
		parquet = orDefault(p.ParquetPrefix, defaultParquetPrefix)
	}
	return prefix, parquet
}

// without returns the problems of a part except the shared ones: those are about props that
// come from the pipeline or another part, which reports them.
func without(problems, shared error) error {
	var texts []string
	for _, problem := range each(shared) {
		texts = append(texts, problem.Error())
	}
	var rest []error
	for _, problem := range each(problems) {
		if !slices.Contains(texts, problem.Error()) {
			rest = append(rest, problem)
		}
	}
	return errors.Join(rest...)
}
