package plan

import (
	"cmp"
	"fmt"
	"strings"
	"testing"
)

// docLoads are the loads of the table in docs/scale.md.
func docLoads() (loads []Load) {
	for _, queries := range []float64{100, 1_000, 10_000, 100_000} {
		loads = append(loads, Load{Queries: queries, Peak: 3, Names: 1e6, HitRate: DefaultHitRate})
	}
	return loads
}

// needsTable has a row for each resource and a column for each load.
func needsTable() string {
	var out strings.Builder
	loads := docLoads()
	out.WriteString("| | limit |")
	for _, load := range loads {
		fmt.Fprintf(&out, " %s/s |", Number(load.Queries))
	}
	out.WriteString("\n| --- | ---: |" + strings.Repeat(" ---: |", len(loads)) + "\n| source | |")
	for _, load := range loads {
		fmt.Fprintf(&out, " %s |", load.Source())
	}
	out.WriteString("\n")
	for i, row := range loads[0].Needs() {
		limit := ""
		if row.Limit > 0 {
			limit = Number(row.Limit)
		}
		fmt.Fprintf(&out, "| `%s`, %s | %s |", row.Part, cmp.Or(row.Unit, "at once"), limit)
		for _, load := range loads {
			need := load.Needs()[i]
			fmt.Fprintf(&out, " %s", Number(need.Value))
			if need.Fit != fits && need.Fit != noLimit {
				fmt.Fprintf(&out, " (%s)", need.Fit)
			}
			out.WriteString(" |")
		}
		out.WriteString("\n")
	}
	return out.String()
}

func quotaTable() string {
	var out strings.Builder
	out.WriteString("| quota | most Regions | us-east-1, us-west-2, eu-west-1 | more | page |\n| --- | ---: | ---: | --- | --- |\n")
	for _, q := range allQuotas() {
		large := q.large
		if large == 0 {
			large = q.limit
		}
		unit := strings.TrimSpace(" " + q.unit)
		fmt.Fprintf(&out, "| %s | %s %s | %s %s | %s | %s |\n", q.name, Number(q.limit), unit, Number(large), unit, q.raise, q.source)
	}
	return strings.ReplaceAll(out.String(), "  |", " |")
}

// The tables of docs/scale.md are those that the command prints. -update rewrites them.
func TestDocs_scale(t *testing.T) {
	checkTables(t, "../../docs/scale.md", map[string]string{"needs": needsTable(), "quotas": quotaTable()})
}

// need returns the need of a part.
func need(t *testing.T, l Load, part string) Need {
	t.Helper()
	for _, n := range l.Needs() {
		if n.Part == part {
			return n
		}
	}
	t.Fatalf("no need %s", part)
	return Need{}
}

// A stream of most Regions takes 2,097 records of 500 bytes a second. S3 is advised before the
// busiest second gets there.
func TestLoad_Source(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		queries, peak float64
		want          Source
		fit           Fit
	}{
		{0, 3, SourceFirehose, fits},
		{500, 3, SourceFirehose, fits},
		{600, 3, SourceS3, fits},
		{1_600, 1, SourceFirehose, fits},
		{2_000, 1, SourceS3, fits},
		{2_100, 1, SourceS3, fitsSome},
		{10_000, 1, SourceS3, fitsSome},
		{11_000, 1, SourceS3, raise},
	} {
		load := Load{Queries: tt.queries, Peak: tt.peak}
		if got := load.Source(); got != tt.want {
			t.Errorf("%v queries, peak %v: source %s, want %s", tt.queries, tt.peak, got, tt.want)
		}
		if got := need(t, load, "firehose/data").Fit; got != tt.fit {
			t.Errorf("%v queries, peak %v: data %s, want %s", tt.queries, tt.peak, got, tt.fit)
		}
	}
}

// The memory of a need is enough for its names, and 64 MiB less are not.
func TestLoad_Needs_memory(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		part, setting string
		names, want   float64
		fit           Fit
	}{
		{"transformer/memory", "", 0, 128, fits},
		{"transformer/memory", "", 6e6, 256, fits},
		{"transformer/memory", "transformer.memoryMiB = 384", 1e7, 384, raise},
		{"transformer/memory", "more than a function can have: take fewer lists", 1e9, 10_240, exceeds},
		{"importer/memory", "", 1e6, 256, fits},
		{"importer/memory", "importer.memoryMiB = 1984", 1e7, 1_984, raise},
		{"importer/memory", "more than a function can have: take fewer lists", 1e8, 10_240, exceeds},
	} {
		got := need(t, Load{Names: tt.names}, tt.part)
		if got.Value != tt.want || got.Fit != tt.fit || tt.fit != fits && got.Advice != tt.setting {
			t.Errorf("%s with %v names: got %+v, want %v MiB, %s, %q", tt.part, tt.names, got, tt.want, tt.fit, tt.setting)
		}
	}
}

// Needs grow with the load, and none is negative or missing.
func TestLoad_Needs_grow(t *testing.T) {
	t.Parallel()
	var before []Need
	for _, queries := range []float64{0, 1, 1e3, 1e5, 1e8} {
		needs := Load{Queries: queries, Peak: 3, Names: queries * 100, HitRate: 1}.Needs()
		for i, n := range needs {
			if n.Value < 0 || before != nil && n.Value < before[i].Value {
				t.Errorf("%v queries: %s needs %v", queries, n.Part, n.Value)
			}
		}
		before = needs
	}
}

// With S3 there are no costs of Firehose and its transformer.
func TestUseS3(t *testing.T) {
	t.Parallel()
	lines := New(aBillion)
	UseS3(lines)
	for part, on := range map[string]bool{"pipeline/s3Source": true, "pipeline/firehose": false, "pipeline/marking": false, "pipeline/delivery": true} {
		if got := find(t, lines, part); got.On != on {
			t.Errorf("%s is on: %v", part, got.On)
		}
	}
}
