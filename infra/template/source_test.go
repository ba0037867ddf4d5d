//go:build !race

package template

import (
	"fmt"
	"slices"
	"strings"
	"testing"

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
		`{}`:                              {importer, transformer, notifier, hunter},
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
