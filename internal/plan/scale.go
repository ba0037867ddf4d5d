package plan

import (
	"fmt"
	"math"

	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// Load is what a deployment handles in a second.
type Load struct {
	Queries float64 // logged queries a second, on average
	Peak    float64 // queries in the busiest second / Queries
	Names   float64 // names on all lists together
	HitRate float64 // share of the queries that are malicious
}

// Volume returns the volume of a month with this load.
func (l Load) Volume() Volume {
	return Volume{Queries: l.Queries * hours * 3600, Names: l.Names, HitRate: l.HitRate}
}

// Fit says whether a need is within its limit.
type Fit string

// The fits.
const (
	fits     Fit = "ok"
	fitsSome Fit = "some Regions" // only those with the higher quotas of Firehose
	raise    Fit = "raise"        // a setting or a quota has to be raised
	exceeds  Fit = "too much"     // there is no more to get
	noLimit  Fit = "-"            // nothing limits it
)

// Need is what a load takes of a resource.
type Need struct {
	Part  string  `json:"part"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
	// Limit is the quota of most Regions, or a default of a setting. It is 0 if there is no limit.
	Limit  float64 `json:"limit"`
	Fit    Fit     `json:"fit"`
	Advice string  `json:"advice"`
}

// Source is where the logs of a load should come from.
type Source string

// The sources.
const (
	SourceFirehose Source = "firehose"
	SourceS3       Source = "s3"
)

// peakShare is the share of the quota of a stream that the busiest second may take. A stream that
// is throttled grows slowly, and Resolver does not say how long it repeats.
const peakShare = 0.8

// Source returns the source that AWS advises for the load: S3 if the busiest second comes near to
// what a stream takes in most Regions.
func (l Load) Source() Source {
	if l.peakMiB() > peakShare*streamBytes.limit {
		return SourceS3
	}
	return SourceFirehose
}

// peakMiB returns the log text of the busiest second.
func (l Load) peakMiB() float64 { return l.Queries * l.Peak * recordBytes / (1 << 20) }

// Needs returns what the load takes of each resource.
func (l Load) Needs() []Need {
	var needs []Need
	needs = append(needs, l.stream()...)
	needs = append(needs, l.functions()...)
	needs = append(needs, l.lists()...)
	needs = append(needs, l.matches()...)
	return append(needs, l.logs()...)
}

// stream returns the needs of a Firehose stream, for the busiest second.
func (l Load) stream() []Need {
	peak := l.Queries * l.Peak
	bytes := needOf("firehose/data", l.peakMiB(), streamBytes)
	if l.Source() == SourceS3 {
		bytes.Advice = "take the logs from S3: source.s3"
	}
	requests := needOf("firehose/requests", math.Ceil(peak/batchRequest), streamRequests)
	requests.Advice = "at least: AWS does not say how many records Resolver puts into a request"
	return []Need{bytes, needOf("firehose/records", peak, streamRecords), requests}
}

// Estimates of functions. `make bench` measures the times and the bytes.
const (
	batchRequest = 500   // records of a request at most
	batchSeconds = 0.005 // of an invocation, besides the marks
	nameBytes    = 12.7  // a name in the index
	importBytes  = 196   // a name in the memory of the importer, as its guard counts
	importBase   = 64    // MiB of the importer without lists
	parquetBytes = 55    // a marked record in a Parquet file
	clientBytes  = 9     // the columns of a query for hosts and names
)

// functions returns the needs of the transformer and of the marker.
func (l Load) functions() []Need {
	peak := l.Queries * l.Peak
	batches := peak * recordBytes / (settings.ProcessorBufferMiB << 20)
	transformers := needOf("transformer/concurrency", math.Ceil(peak*markSeconds+batches*batchSeconds), invocations)

	marker := settings.Default[settings.Marker]()
	markers := Need{
		Part: "marker/concurrency", Value: math.Ceil(l.Queries * l.Peak * markerSeconds), Limit: float64(marker.MaxConcurrency),
		Fit: fits, Advice: "if the logs come from S3",
	}
	if markers.Value > markers.Limit {
		markers.Fit, markers.Advice = raise, fmt.Sprintf("source.marker.maxConcurrency = %.0f", markers.Value)
	}
	return []Need{transformers, markers, l.indexMemory()}
}

// indexMemory returns the memory of the transformer: two indexes must fit.
func (l Load) indexMemory() Need {
	f := settings.Default[settings.Transformer]()
	index := l.Names * nameBytes
	need := memoryNeed("transformer/memory", "transformer.memoryMiB", f.MemoryMiB, func(mib int) bool {
		return float64(settings.MaxIndexBytes(mib)) >= index
	})
	if need.Fit == fits {
		need.Advice = fmt.Sprintf("an index of %s MB", Number(math.Round(index/million)))
	}
	return need
}

// memoryNeed returns the least memory of a function that is enough, as a multiple of 64 MiB.
func memoryNeed(part, setting string, preset int, enough func(mib int) bool) Need {
	const step = 64
	need := Need{Part: part, Unit: "MiB", Limit: float64(preset), Fit: exceeds, Advice: "more than a function can have: take fewer lists"}
	for mib := 2 * step; mib <= int(functionMemory.limit); mib += step {
		if !enough(mib) {
			continue
		}
		need.Value, need.Fit, need.Advice = float64(mib), fits, ""
		if mib > preset {
			need.Fit, need.Advice = raise, fmt.Sprintf("%s = %d", setting, mib)
		}
		return need
	}
	need.Value = functionMemory.limit
	return need
}

// lists returns the needs of the importer.
func (l Load) lists() []Need {
	f := settings.Default[settings.Importer]()
	memory := memoryNeed("importer/memory", "importer.memoryMiB", f.MemoryMiB, func(mib int) bool {
		return float64((mib-importBase)<<20) >= l.Names*importBytes
	})
	seconds := l.Names / tableWrites.limit
	limit := settings.ImporterTimeout.Seconds()
	first := Need{Part: "importer/first import", Value: math.Ceil(seconds), Unit: "s", Limit: limit, Fit: fits}
	first.Advice = "a new table takes 4,000 rows a second; the index is published before"
	if seconds > limit {
		first.Advice = fmt.Sprintf("the rows take %.0f runs; the index is published in the first", math.Ceil(seconds/limit))
	}
	return []Need{memory, first}
}

// matches returns the needs of alerts.
func (l Load) matches() []Need {
	rows := l.Queries * l.HitRate
	writes := needOf("alerts/writes", 2*rows, tableWrites)
	events := Need{Part: "alerts/events", Value: min(rows*eventSlot, capped), Unit: "in 5 min", Limit: capped, Fit: fits}
	if rows*eventSlot > capped {
		events.Advice = "the rest becomes storm events, with counts"
	}
	return []Need{writes, events}
}

// eventSlot is the time, in seconds, in which the notifier sends at most [capped] single events.
const eventSlot = 300

// logs returns the size of one day's logs in each format, and the cost of a query over a month.
func (l Load) logs() []Need {
	day := l.Queries * 24 * 3600
	query := func(bytes float64) string {
		return fmt.Sprintf("a query over 30 days reads %s GB, $%.2f", Number(day*bytes*days/gb), max(day*bytes*days, minScan)/tb*athenaScan.usd)
	}
	return []Need{
		{Part: "athena/JSON", Value: day * markedBytes / gb, Unit: "GB a day", Fit: noLimit, Advice: query(markedBytes)},
		{Part: "athena/Parquet", Value: day * parquetBytes / gb, Unit: "GB a day", Fit: noLimit, Advice: query(clientBytes) + l.parquetFrom()},
	}
}

// parquetFrom says how logs become Parquet, if their source does not write it.
func (l Load) parquetFrom() string {
	if l.Source() == SourceS3 {
		return "; needs catalog.compaction"
	}
	return ""
}

// needOf compares a need with a quota.
func needOf(part string, value float64, q quota) Need {
	need := Need{Part: part, Value: value, Unit: q.unit, Limit: q.limit, Fit: fits}
	switch {
	case value <= q.limit:
	case value <= q.large:
		need.Fit = fitsSome
	default:
		need.Fit, need.Advice = raise, q.raise
	}
	return need
}
