//go:build !race

package upgrade_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// releases are deployments whose templates are recorded at each release. An update from the
// last release to this version is tested like any other change.
var releases = []struct {
	name string
	now  side
}{
	{"default", byDefault},
	{"parquet", deployed(`{
		"createKey": true,
		"store": {"readCapacity": 500},
		"feeds": {"urlhaus": {"url": "https://example.com/list.txt"}},
		"delivery": {"format": "PARQUET", "markedLogRetentionDays": 400},
		"queryLogging": {"vpcIds": ["vpc-0a1b2c3d4e5f60001"]}
	}`)},
}

// lastRelease returns the deployment of some settings with the last release.
func lastRelease(name string) side {
	return side{key: "release " + name, recorded: releaseFile(name)}
}

// release returns the deployment that is recorded under a name, with this version.
func release(name string) side {
	for _, release := range releases {
		if release.name == name {
			return release.now
		}
	}
	panic("no release has the name " + name)
}

func releaseFile(name string) string { return filepath.Join("testdata", "release", name+".json") }

// recordReleases records the templates of this version, without resources that no pair
// checks.
func recordReleases(t *testing.T) {
	t.Helper()
	for _, release := range releases {
		done := release.now.synthesize(t)
		resources := parse(t, done.template)
		for id, resource := range resources {
			if resource.name() == "" && resource.owner() == "" && resource.Type != "AWS::Lambda::Function" {
				delete(resources, id)
			}
			delete(resource.Properties, "Code")
			resource.Metadata = map[string]any{"aws:cdk:path": resource.Metadata["aws:cdk:path"]}
		}
		text, err := json.MarshalIndent(recording{done.stack, resources}, "", " ")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(releaseFile(release.name), append(text, '\n'), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// recording is the file of a deployment.
type recording struct {
	Stack     string
	Resources map[string]*resource
}

// readRecording returns a recorded deployment.
func readRecording(t *testing.T, file string) deployment {
	t.Helper()
	var recorded recording
	read(t, file, &recorded)
	return deployment{stack: recorded.Stack, template: encode(t, recorded.Resources)}
}
