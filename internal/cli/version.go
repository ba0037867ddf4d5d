package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// build describes how a binary was built.
type build struct {
	Version  string `json:"version"`
	Commit   string `json:"commit"`
	Modified bool   `json:"modified"` // files differed from the commit
	Date     string `json:"date"`     // of the commit, or of the release
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

// stamped is what the linker set in package main. Main sets it before anything else.
var stamped build

// readBuild returns what the linker set, and for the rest what Go recorded about the binary.
// Unknown parts say so.
func readBuild(stamped build, info *debug.BuildInfo) build {
	b := build{Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	if info != nil {
		b.Version = info.Main.Version
		for _, setting := range info.Settings {
			switch setting.Key {
			case "vcs.revision":
				b.Commit = setting.Value
			case "vcs.time":
				b.Date = setting.Value
			case "vcs.modified":
				b.Modified = setting.Value == "true"
			}
		}
	}
	b.Modified = b.Modified && stamped.Commit == "" // a release has the files of its commit
	for _, part := range []struct {
		value   *string
		stamped string
	}{{&b.Version, stamped.Version}, {&b.Commit, stamped.Commit}, {&b.Date, stamped.Date}} {
		if part.stamped != "" {
			*part.value = part.stamped
		}
		if *part.value == "" {
			*part.value = "unknown"
		}
	}
	return b
}

// thisBuild describes this binary.
func thisBuild() build {
	info, _ := debug.ReadBuildInfo()
	return readBuild(stamped, info)
}

// version returns the version of this binary.
func version() string { return thisBuild().Version }

func newVersion(std streams) *cobra.Command {
	var form string
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Show the version of this command, its commit and its date",
		Example: `  resolverwatch version
  resolverwatch version -o json | jq -r .commit`,
		Args: argCount(0, 0, noArguments),
		RunE: func(*cobra.Command, []string) error {
			b := thisBuild()
			return b.print(std.out, form)
		},
	}
	registerForm(cmd, &form, "", formText, formJSON)
	return cmd
}

func (b *build) print(out io.Writer, form string) error {
	if form == formJSON {
		return json.NewEncoder(out).Encode(b)
	}
	commit := b.Commit
	if b.Modified {
		commit += ", with changes"
	}
	_, err := fmt.Fprintf(out, "resolverwatch %s\n  commit    %s\n  date      %s\n  built by  %s for %s\n", b.Version, commit, b.Date, b.Go, b.Platform)
	return err
}
