package cli

import (
	"runtime"
	"runtime/debug"
	"testing"
)

// The linker's values come first, then those that Go recorded.
func TestReadBuild(t *testing.T) {
	t.Parallel()
	recorded := &debug.BuildInfo{
		Main: debug.Module{Version: "v1.1.0"},
		Settings: []debug.BuildSetting{
			{Key: "vcs.revision", Value: "abc"}, {Key: "vcs.time", Value: "2026-11-01T00:00:00Z"}, {Key: "vcs.modified", Value: "true"},
		},
	}
	here := runtime.GOOS + "/" + runtime.GOARCH
	for name, test := range map[string]struct {
		stamped  build
		recorded *debug.BuildInfo
		want     build
	}{
		"a release": {
			build{Version: "v1.2.0", Commit: "def", Date: "2026-11-02T00:00:00Z"}, &debug.BuildInfo{Main: debug.Module{Version: "(devel)"}},
			build{"v1.2.0", "def", false, "2026-11-02T00:00:00Z", runtime.Version(), here},
		},
		"a build in a checkout":       {build{}, recorded, build{"v1.1.0", "abc", true, "2026-11-01T00:00:00Z", runtime.Version(), here}},
		"a build with nothing to say": {build{}, nil, build{"unknown", "unknown", false, "unknown", runtime.Version(), here}},
	} {
		if got := readBuild(test.stamped, test.recorded); got != test.want {
			t.Errorf("%s: %+v, want %+v", name, got, test.want)
		}
	}
}
