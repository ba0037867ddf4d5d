package main

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
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
	if err := cyclonedx("false", "v1")(t.Context(), host, os.Args[0], filepath.Join(t.TempDir(), "sbom")); err == nil {
		t.Error("no error")
	}
}

// The bill of materials of a program is for its platform, not for that of the machine.
func TestCyclonedx_platform(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("skipped: the tool of this test is a shell script")
	}
	folder := t.TempDir()
	tool, file := filepath.Join(folder, "tool"), filepath.Join(folder, "sbom")
	script := "#!/bin/sh\nprintf '{\"metadata\":{\"tools\":[]},\"purl\":\"%s/%s\"}' $GOOS $GOARCH >\"$8\"\n"
	if err := os.WriteFile(tool, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := cyclonedx(tool, "v1")(t.Context(), platform{"windows", "arm64"}, "program.exe", file); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(file); err != nil || !strings.Contains(string(text), "windows/arm64") {
		t.Errorf("%s, %v", text, err)
	}
}
