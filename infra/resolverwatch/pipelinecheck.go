package resolverwatch

import (
	"errors"
	"slices"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
)

// mustBeValid panics with the problems of the pipeline and of all its parts, before the
// first part is defined. The paths are the ones that the parts would have.
func (p PipelineProps) mustBeValid(this *Pipeline) {
	path := *this.Node().Path()
	shared := p.checkShared(this)
	var own problems
	if p.Stream == nil {
		own.folders(p)
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
	problems.keys(map[string]awskms.IKey{"EncryptionKey": p.EncryptionKey})
	problems.previousKeys(p.PreviousKeys)
	problems.keyIn("EncryptionKey", p.EncryptionKey, home)
	problems.accessLogsIn(p.AccessLogBucket, home)
	problems.removal(p.RemovalPolicy)
	problems.streamIn("Stream", p.Stream, home)
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
	names.ownNames(this, append(store.bucketNames(), givenName{"OutputBucketName", delivery.OutputBucketName})...)
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
