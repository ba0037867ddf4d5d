package cli

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/resolverwatch/resolverwatch/pkg/list"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// guardFlags are the flags that set what a deployment sets: thresholds, and the user's
// own lists.
type guardFlags struct {
	thresholds             string
	protected, shared, top []string
}

func (g *guardFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&g.thresholds, "guards", "{}", "thresholds that differ from the defaults, as `JSON`: {\"shrinkPercent\": 30}")
	flags.StringArrayVar(&g.protected, "protected", nil, "a list of what no feed may block, `FILE`; repeatable")
	flags.StringArrayVar(&g.shared, "shared", nil, "a list of hosts that strangers share, `FILE`; repeatable")
	flags.StringArrayVar(&g.top, "top", nil, "a list of the most popular names, `FILE`; repeatable")
}

func (g *guardFlags) guards(cmd *cobra.Command) (list.Guards, error) {
	thresholds, err := settings.DecodeGuards([]byte(g.thresholds))
	if err != nil {
		return list.Guards{}, usagef(cmd, "--guards: %w", err)
	}
	guards, err := list.NewGuards(thresholds, nil)
	if err != nil {
		return guards, err
	}
	for _, kind := range []struct {
		paths []string
		read  func(io.Reader) error
	}{{g.protected, guards.ReadProtected}, {g.shared, guards.ReadShared}, {g.top, guards.ReadTop}} {
		for _, path := range kind.paths {
			if err := readFile(path, kind.read); err != nil {
				return guards, fmt.Errorf("reading a list for the guards, %s: %w", path, err)
			}
		}
	}
	return guards, nil
}

func readFile(path string, read func(io.Reader) error) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // only read
	return read(file)
}
