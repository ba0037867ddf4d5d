package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestWithoutToolHashes(t *testing.T) {
	t.Parallel()
	got, err := withoutToolHashes([]byte(`{"specVersion":"1.6","metadata":{"tools":[{"name":"t","hashes":[{"alg":"MD5"}]}],"component":{"hashes":[1]}}}`))
	if err != nil {
		t.Fatal(err)
	}
	const want = `{
  "metadata": {
    "component": {
      "hashes": [
        1
      ]
    },
    "tools": [
      {
        "name": "t"
      }
    ]
  },
  "specVersion": "1.6"
}
`
	if string(got) != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	for _, bad := range []string{"", "{}", `{"metadata":{}}`} {
		if got, err := withoutToolHashes([]byte(bad)); err == nil {
			t.Errorf("%q became %s", bad, got)
		}
	}
}

// A tool that fails ends the release.
func TestCyclonedx_fails(t *testing.T) {
	t.Parallel()
	if err := cyclonedx("false", "v1")(t.Context(), os.Args[0], filepath.Join(t.TempDir(), "sbom")); err == nil {
		t.Error("no error")
	}
}
