//go:build !race

package template

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/resolverwatch/resolverwatch/infra/config"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// loggedBy returns the query logging configuration that the first VPC is associated with.
func loggedBy(t *testing.T, resources object) string {
	t.Helper()
	return fmt.Sprint(property(t, resources, associationType, "Vpc1", "ResolverQueryLogConfigId"))
}

// A template with both sources lets each deployment choose what its VPCs log to.
func TestSynthesize_sources(t *testing.T) {
	both := synthesize(t, object{"source": object{"s3": true}})
	for source, want := range map[string]string{"": "PipelineQueryLogging", sourceFirehose: "PipelineQueryLogging", sourceS3: "PipelineLogSource"} {
		parameters := map[string]string{"VpcId1": "vpc-0a1b2c3d"}
		if source != "" {
			parameters[parameterSource] = source
		}
		resources := deploy(t, both, parameters)
		if got := loggedBy(t, resources); !strings.Contains(got, want) {
			t.Errorf("%s=%q: the VPC logs to %s, want %s", parameterSource, source, got, want)
		}
		function := received(t, resources, "LogSourceFunction", settings.DecodeMarker)
		if function.Stack != "blue" || function.LogBucket == function.OutputBucket {
			t.Errorf("the marker receives %+v", function)
		}
	}
}

// With default settings, each deployment chooses the source. With S3 it has what a template for both
// sources has, and without it nothing of the second source is left.
func TestSynthesize_choosesSource(t *testing.T) {
	published, vpc := publishedTemplate(t), "vpc-0a1b2c3d"
	firehose := deploy(t, published, map[string]string{"VpcId1": vpc})
	text, _ := json.Marshal(firehose)
	for _, trace := range []string{"LogSource", "Backfill", "MarkerErrors", "LogObjectsStopped", "AWSLogDelivery"} {
		if strings.Contains(string(text), trace) {
			t.Errorf("with Firehose there is %s", trace)
		}
	}
	s3 := deploy(t, published, map[string]string{"VpcId1": vpc, parameterSource: sourceS3})
	both := deploy(t, synthesize(t, object{"source": object{"s3": true}}), map[string]string{"VpcId1": vpc, parameterSource: sourceS3})
	if diff := cmp.Diff(both, s3); diff != "" {
		t.Errorf("resources (-of a template for both +of the published one):\n%s", diff)
	}
	for source, want := range map[string]string{sourceFirehose: "PipelineQueryLogging", sourceS3: "PipelineLogSource"} {
		if got := loggedBy(t, deploy(t, published, map[string]string{"VpcId1": vpc, parameterSource: source})); !strings.Contains(got, want) {
			t.Errorf("%s: the VPC logs to %s, want %s", source, got, want)
		}
	}
	for name, value := range parse(t, published)["Outputs"].(object) {
		output := value.(object)
		text, _ := json.Marshal(output["Value"])
		if refers := strings.Contains(string(text), "PipelineLogSource") || strings.Contains(string(text), "PipelineBackfill"); refers && output["Condition"] != conditionS3 {
			t.Errorf("the output %s refers to a source that may not exist", name)
		}
	}
}

// The importer publishes no index that the marker cannot load, if there is one.
func TestSynthesize_choosesSource_memory(t *testing.T) {
	for source, want := range map[string]int{sourceFirehose: settings.MaxIndexBytes(4096), sourceS3: settings.MaxIndexBytes(1769)} {
		resources := deploy(t, publishedTemplate(t), map[string]string{parameterMemory: "4096", parameterSource: source})
		if got := received(t, resources, "ImporterFunction", settings.DecodeImporter).MaxIndexBytes; got != want {
			t.Errorf("%s: %d bytes, want %d", source, got, want)
		}
	}
}

// If the settings do not fit logs in S3, the template has no parameter for them.
func TestSynthesize_noChoice(t *testing.T) {
	for name, settings := range map[string]object{
		"Parquet":         {"delivery": object{"format": "PARQUET"}},
		"existing stream": {"delivery": object{"existingStream": "dns"}, "catalog": object{"enabled": false}, "hunts": object{"enabled": false}, "monitoring": object{"enabled": false}},
	} {
		text := synthesize(t, settings)
		if parse(t, text)["Parameters"].(object)[parameterSource] != nil || strings.Contains(string(text), "PipelineLogSource") {
			t.Errorf("%s: there is a second source", name)
		}
	}
}

// What cannot have a condition must not depend on the source.
func TestOfferS3_refuses(t *testing.T) {
	const firehose = `{"Conditions": {}, "Mappings": {"M": {"1": {"a": "1"}}}, "Parameters": {}, "Rules": {}, "Outputs": {},
		"Resources": {"A": {"Type": "T", "Properties": {"P": 1}}}}`
	for name, both := range map[string]string{
		"a mapping":                  `{"Mappings": {"M": {"1": {"a": "2"}}}, "Resources": {"A": {"Type": "T", "Properties": {"P": 1}}}}`,
		"a type":                     `{"Resources": {"A": {"Type": "U", "Properties": {"P": 1}}}}`,
		"a resource that is missing": `{"Resources": {}}`,
		"a second condition":         `{"Resources": {"A": {"Type": "T", "Properties": {"P": 1}}, "B": {"Type": "T", "Condition": "C"}}}`,
	} {
		if err := offerS3(parse(t, []byte(firehose)), parse(t, []byte(both))); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestMerge(t *testing.T) {
	const with, without = `{"a": 1, "b": [1, {"c": 2}], "d": {"Ref": "X"}, "e": 5, "f": [1]}`, `{"a": 1, "b": [1, {"c": 3}], "d": {"Ref": "Y"}, "g": 6, "f": [1, 2]}`
	const want = `{"a": 1, "b": [1, {"c": {"Fn::If": ["LogsToS3", 2, 3]}}], "d": {"Fn::If": ["LogsToS3", {"Ref": "X"}, {"Ref": "Y"}]},
		"e": {"Fn::If": ["LogsToS3", 5, {"Ref": "AWS::NoValue"}]}, "g": {"Fn::If": ["LogsToS3", {"Ref": "AWS::NoValue"}, 6]},
		"f": {"Fn::If": ["LogsToS3", [1], [1, 2]]}}`
	text, _ := json.Marshal(merge(parse(t, []byte(with)), parse(t, []byte(without))))
	if diff := cmp.Diff(parse(t, []byte(want)), parse(t, text)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// The view of compaction names the database, which only a deployment knows.
func TestSynthesize_compaction(t *testing.T) {
	parsed := parse(t, synthesize(t, object{"catalog": object{"compaction": true}}))
	for _, resource := range ofType(parsed["Resources"].(object), "AWS::Glue::Table") {
		input := resource["Properties"].(object)["TableInput"].(object)
		if input["TableType"] != "VIRTUAL_VIEW" {
			continue
		}
		encoded := input["ViewOriginalText"].(object)["Fn::Join"].([]any)[1].([]any)[1].(object)["Fn::Base64"]
		text, _ := json.Marshal(encoded)
		if !strings.Contains(string(text), `{"Ref":"GlueDatabaseName"}`) {
			t.Errorf("the view is %s", text)
		}
		return
	}
	t.Error("there is no view")
}

// With logs in S3 alone there is no parameter about Firehose or the transformer.
func TestSynthesize_onlyS3(t *testing.T) {
	text := synthesize(t, object{"source": object{"s3": true, "firehose": false}})
	resources := deploy(t, text, map[string]string{"VpcId1": "vpc-0a1b2c3d"})
	if got := loggedBy(t, resources); !strings.Contains(got, "PipelineLogSource") {
		t.Errorf("the VPC logs to %s", got)
	}
	declared := parse(t, text)["Parameters"].(object)
	for _, id := range []string{parameterSource, parameterMemory} {
		if declared[id] != nil {
			t.Errorf("there is a parameter %s", id)
		}
	}
}

// The importer does not publish an index that the marker cannot load.
func TestSynthesize_markerMemory(t *testing.T) {
	text := synthesize(t, object{"source": object{"s3": true, "marker": object{"memoryMiB": 512}}})
	for memory, want := range map[string]int64{"256": 80 << 20, "512": 208 << 20, "4096": 208 << 20} {
		resources := deploy(t, text, map[string]string{parameterMemory: memory})
		if got := received(t, resources, "ImporterFunction", settings.DecodeImporter).MaxIndexBytes; int64(got) != want {
			t.Errorf("%s MiB: %d bytes, want %d", memory, got, want)
		}
	}
}

// The bundle has the code of the functions that are deployed.
func TestFunctions_sources(t *testing.T) {
	for source, want := range map[string][]string{
		`{}`:                              {importer, transformer, marker, notifier, hunter},
		`{"s3": true}`:                    {importer, transformer, marker, notifier, hunter},
		`{"s3": true, "firehose": false}`: {importer, marker, notifier, hunter},
	} {
		deployment, err := config.Decode(contextOf(t, object{"source": parse(t, []byte(source))}))
		if err != nil {
			t.Fatal(err)
		}
		if got := functions(deployment); !slices.Equal(want, got) {
			t.Errorf("%s: functions %q, want %q", source, got, want)
		}
	}
}
