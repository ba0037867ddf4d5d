package resolverwatch

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"

	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// validate rejects props of parts that the pipeline sets itself. The parts check the rest.
func (p PipelineProps) validate() error {
	var problems problems
	for _, wired := range p.wired() {
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
	problems.exclusive("WithoutAlerts", p.WithoutAlerts, "Alerts", p.Alerts != nil)
	problems.exclusive("WithoutMonitoring", p.WithoutMonitoring, "Monitoring", p.Monitoring != nil)
	p.validateHunts(&problems)
	p.validateSource(&problems)
	return problems.join()
}

// wiredProp is a prop of a part that the pipeline sets itself.
type wiredProp struct {
	prop string
	set  bool // in the props that were given
}

// wired returns the props that the pipeline sets itself.
func (p PipelineProps) wired() []wiredProp {
	return append([]wiredProp{
		{"Importer.Store", p.Importer != nil && p.Importer.Store != nil},
		{"Transformer.IndexBucket", p.Transformer != nil && p.Transformer.IndexBucket != nil},
		{"Transformer.ReachBounds", p.Transformer != nil && p.Transformer.ReachBounds != ReachBounds{}},
		{"Delivery.Transformer", p.Delivery != nil && p.Delivery.Transformer != nil},
		{"Delivery.WithoutStream", p.Delivery != nil && p.Delivery.WithoutStream},
		{"QueryLogging.Stream", p.QueryLogging != nil && p.QueryLogging.Stream != nil},
		{"Catalog.OutputBucket", p.Catalog != nil && p.Catalog.OutputBucket != nil},
		{"Catalog.Prefix", p.Catalog != nil && p.Catalog.Prefix != ""},
		{"Catalog.ParquetPrefix", p.Catalog != nil && p.Catalog.ParquetPrefix != ""},
		{"Catalog.Format", p.Catalog != nil && p.Catalog.Format != ""},
		{"Transformer.AlertQueue", p.Transformer != nil && p.Transformer.AlertQueue != nil && !p.WithoutAlerts},
		{"Hunts.Catalog", p.Hunts != nil && p.Hunts.Catalog != nil},
		{"Monitoring.Alerts", p.Monitoring != nil && p.Monitoring.Alerts != nil},
		{"Monitoring.LogSource", p.Monitoring != nil && p.Monitoring.LogSource != nil},
		{"Monitoring.Hunts", p.Monitoring != nil && p.Monitoring.Hunts != nil},
		{"Hunts.Alerts", p.Hunts != nil && p.Hunts.Alerts != nil},
	}, p.wiredSource()...)
}

// wiredSource returns the same for the second source.
func (p PipelineProps) wiredSource() []wiredProp {
	if p.LogSource == nil {
		return []wiredProp{{"Backfill.Source", p.Backfill != nil && p.Backfill.Source != nil}}
	}
	source := p.LogSource
	return []wiredProp{
		{"LogSource.IndexBucket", source.IndexBucket != nil},
		{"LogSource.OutputBucket", source.OutputBucket != nil},
		{"LogSource.ReachBounds", source.ReachBounds != ReachBounds{}},
		{"LogSource.AlertQueue", source.AlertQueue != nil && !p.WithoutAlerts},
		{"LogSource.Prefix", source.Prefix != ""},
		{"LogSource.ErrorPrefix", source.ErrorPrefix != ""},
		{"LogSource.Format", source.Format != ""},
		{"LogSource.Marking", source.Marking != TransformerSettings{}},
		{"Backfill.Source", p.Backfill != nil && p.Backfill.Source != nil},
	}
}

// validateSource rejects a second source that the pipeline cannot have.
func (p PipelineProps) validateSource(problems *problems) {
	problems.exclusive("Stream", p.Stream != nil, "LogSource", p.LogSource != nil)
	problems.exclusive("WithoutBackfill", p.WithoutBackfill, "Backfill", p.Backfill != nil)
	problems.exclusive("WithoutFirehose", p.WithoutFirehose, "Stream", p.Stream != nil)
	problems.exclusive("WithoutFirehose", p.WithoutFirehose, "QueryLogging", p.QueryLogging != nil)
	if p.LogSource == nil {
		if p.Backfill != nil {
			problems.addf("Backfill: needs LogSource, whose objects it marks")
		}
		if p.WithoutFirehose {
			problems.addf("WithoutFirehose: needs LogSource, because nothing would be logged otherwise")
		}
		return
	}
	logged := map[string]string{}
	for i, vpc := range orEmpty(p.QueryLogging).VPCs {
		if vpc != nil {
			logged[idOfVPC(vpc)] = fmt.Sprintf("QueryLogging.VPCs[%d]", i)
		}
	}
	for i, vpc := range p.LogSource.VPCs {
		if vpc == nil {
			continue
		}
		if other := logged[idOfVPC(vpc)]; other != "" {
			problems.addf("LogSource.VPCs[%d]: %s is also in %s; a VPC has one source, or every query would be in the table twice: "+
				"remove it from one of them", i, *vpc.Node().Path(), other)
		}
	}
}

// idOfVPC returns what identifies a VPC: its id if that is known, and otherwise its path.
func idOfVPC(vpc awsec2.IVpc) string {
	if id := *vpc.VpcId(); isKnown(id) {
		return id
	}
	return *vpc.Node().Path()
}

// maxMarkerIndex returns the size of the largest index that the marker can load, if there is one.
func (p PipelineProps) maxMarkerIndex() int {
	if p.LogSource == nil {
		return math.MaxInt
	}
	return settings.MaxIndexBytes(p.LogSource.withDefaults().MemoryMiB)
}

// validateHunts rejects hunts without the parts that they need.
func (p PipelineProps) validateHunts(problems *problems) {
	set := p.Hunts != nil
	problems.exclusive("WithoutHunts", p.WithoutHunts, "Hunts", set)
	problems.exclusive("Stream", p.Stream != nil, "Hunts", set)
	for _, missing := range []struct {
		prop, why string
		set       bool
	}{
		{"WithoutAlerts", "hunts send their findings there", p.WithoutAlerts},
		{"WithoutCatalog", "hunts are queries of the catalog", p.WithoutCatalog},
	} {
		if set && missing.set {
			problems.addf("%s and Hunts: only one can be set, because %s", missing.prop, missing.why)
		}
	}
	if !p.WithoutCatalog && orEmpty(p.Catalog).Compaction && !p.hunts() {
		problems.addf("Catalog.Compaction: needs Hunts, whose function copies the days; turn alerts and hunts on, or leave it out")
	}
}

// checkStackNames rejects two different names for the metrics of one pipeline.
func checkStackNames(p *problems, given PipelineProps) {
	var first givenName
	for _, next := range given.stackNames() {
		switch {
		case next.name == "":
		case first.name == "":
			first = next
		case next.name != first.name:
			p.addf("%s and %s: must be the same, got %q and %q; set one of them, and all functions use it",
				first.prop, next.prop, first.name, next.name)
		}
	}
}

// checkLoadable rejects an index size that the transformer could not load. A size that is a token
// is known only at deployment.
func checkLoadable(p *problems, given PipelineProps) {
	size := orEmpty(given.Importer).MaxIndexBytes
	memory := orEmpty(given.Transformer).withDefaults().MemoryMiB
	if limit := settings.MaxIndexBytes(memory); !given.WithoutFirehose && size != nil && *size > float64(limit) {
		p.addf("Importer.MaxIndexBytes: must be at most %d, the limit of a transformer with %d MiB, got %.0f; "+
			"lower it, or raise Transformer.MemoryMiB", limit, memory, *size)
	}
	if limit := given.maxMarkerIndex(); size != nil && *size > float64(limit) {
		p.addf("Importer.MaxIndexBytes: must be at most %d, the limit of a marker with %d MiB, got %.0f; "+
			"lower it, or raise LogSource.MemoryMiB", limit, given.LogSource.withDefaults().MemoryMiB, *size)
	}
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
	for _, part := range append(p.checkParts(this), p.checkMonitoring(this)) {
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
	store, transformer := p.storeProps(), p.transformerProps(nil, nil)
	transformer.IndexBucket = store.IndexBucket
	parts := []partProblems{
		{"Store", store.check(this)},
		{"Importer", exceptUnset(p.importerProps(nil, nil).check(this), "Store")},
	}
	if !p.WithoutFirehose {
		parts = slices.Insert(parts, 1, partProblems{"Transformer", exceptUnset(transformer.check(this), "IndexBucket")})
	}
	if !p.WithoutAlerts {
		parts = append(parts, partProblems{"Alerts", p.alertsProps().check(this)})
	}
	if p.hunts() {
		parts = append(parts, partProblems{"Hunts", exceptUnset(p.huntsProps(nil, nil).check(this), "Catalog", "Alerts")})
	}
	if !p.WithoutQueryLogging && !p.WithoutFirehose {
		queryLogging := p.queryLoggingProps(p.Stream).check(this)
		parts = append(parts, partProblems{"QueryLogging", exceptUnset(queryLogging, "Stream")})
	}
	if p.Stream != nil {
		return parts
	}
	delivery := p.deliveryProps(this, nil)
	delivered := exceptUnset(delivery.check(this), "Transformer")
	var names problems
	checkOwnNames(&names, this, append(store.bucketNames(), givenName{"OutputBucketName", delivery.OutputBucketName},
		givenName{"LogBucketName", orEmpty(p.LogSource).LogBucketName})...)
	delivered = errors.Join(delivered, without(names.join(), errors.Join(parts[0].problems, delivered)))
	parts = append(parts, p.checkSource(this, delivered)...)
	var catalogued error
	if !p.WithoutCatalog {
		catalog := p.catalogProps(nil, nil)
		setUnset(&catalog.IndexBucket, store.IndexBucket)
		catalog.OutputBucket = delivery.OutputBucket
		delivery.describe(catalog)
		asked := without(exceptUnset(catalog.check(this), "OutputBucket"), delivered) // reported by the delivery
		ofPrefixes, rest := prefixProblems(asked)
		delivered, catalogued = errors.Join(delivered, ofPrefixes), rest
	}
	return append(parts, partProblems{"Delivery", delivered}, partProblems{"Catalog", catalogued})
}

// checkMonitoring checks the props of the monitoring.
func (p PipelineProps) checkMonitoring(this *Pipeline) partProblems {
	if p.WithoutMonitoring {
		return partProblems{}
	}
	return partProblems{"Monitoring", orEmpty(p.Monitoring).check(this)}
}

// checkSource checks the props of the second source and of its backfill. Problems that the
// delivery has as well are its own.
func (p PipelineProps) checkSource(this *Pipeline, delivered error) []partProblems {
	if p.LogSource == nil {
		return nil
	}
	source := p.logSourceProps(nil).check(this)
	backfill := p.backfillProps(nil).check(this)
	return []partProblems{
		{"LogSource", without(exceptUnset(source, "IndexBucket", "OutputBucket"), delivered)},
		{"Backfill", exceptUnset(backfill, "Source")},
	}
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

// describe sets the format and the prefixes of the catalog's tables. A prefix that Firehose would
// reject is reported by the delivery, and is left out here.
func (p DeliveryProps) describe(catalog *CatalogProps) {
	catalog.Format = orDefault(p.Format, FormatJSON)
	if checkPrefix(p.Prefix) == nil {
		catalog.Prefix = p.Prefix
	}
	if checkPrefix(p.ParquetPrefix) == nil {
		catalog.ParquetPrefix = orDefault(p.ParquetPrefix, defaultParquetPrefix)
	}
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
