package cli

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

// lists are the flags by which a command gets its index: lists, or an index file.
type lists struct {
	feeds, allows []string
	file          string
	force         string
	quiet         bool
}

func (l *lists) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringArrayVar(&l.feeds, "feed", nil, "a list of malicious names, `LIST` = "+listSyntax+"; repeatable")
	flags.StringArrayVar(&l.allows, "allow", nil, "a list of names that are fine, `LIST` as for --feed; vetoes every feed; repeatable")
	flags.StringVar(&l.force, "force", "", "take lists that the guards refuse but could read, for this `REASON`")
	flags.BoolVarP(&l.quiet, "quiet", "q", false, "say only what went wrong")
}

// registerFile adds the flag for an index that is ready.
func (l *lists) registerFile(cmd *cobra.Command) {
	cmd.Flags().StringVar(&l.file, "index", "", "an index `FILE` that 'resolverwatch index build' made, instead of lists")
}

// areNamed reports whether a flag names a list or an index.
func (l *lists) areNamed() bool { return l.file != "" || len(l.feeds)+len(l.allows) > 0 }

// load returns the index that the flags name.
func (l *lists) load(cmd *cobra.Command, messages io.Writer) (*index.Index, error) {
	data, err := l.bytes(cmd, messages, index.Options{})
	if err != nil {
		return nil, err
	}
	x, err := index.Open(data)
	if err != nil {
		return nil, fmt.Errorf("opening the index %s: %w; build it again with 'resolverwatch index build'", l.file, err)
	}
	return x, nil
}

// bytes returns the index file that the flags name, built from lists if need be.
func (l *lists) bytes(cmd *cobra.Command, messages io.Writer, o index.Options) ([]byte, error) {
	switch {
	case l.file != "" && len(l.feeds)+len(l.allows) > 0:
		return nil, usagef(cmd, "an index and lists: name either, lists can be built into an index with 'resolverwatch index build'")
	case l.file == "" && len(l.feeds) == 0:
		return nil, usagef(cmd, "no list of malicious names: name one with --feed")
	case l.file != "":
		data, err := os.ReadFile(l.file)
		if err != nil {
			return nil, fmt.Errorf("reading the index: %w", err)
		}
		return data, nil
	}
	arguments, err := l.arguments()
	if err != nil {
		return nil, usage(cmd, err)
	}
	builder := index.NewBuilder()
	for _, list := range arguments {
		if err := list.addTo(builder, messages, l); err != nil {
			return nil, err
		}
	}
	return builder.Build(o)
}

func (l *lists) arguments() ([]listArgument, error) {
	var all []listArgument
	var problems []error
	seen := map[indicator.FeedID]bool{}
	for _, kind := range []struct {
		texts  []string
		action indicator.Action
	}{{l.feeds, indicator.ActionBlock}, {l.allows, indicator.ActionAllow}} {
		for _, text := range kind.texts {
			list, err := parseList(text, kind.action)
			switch {
			case err != nil:
				problems = append(problems, fmt.Errorf("list %q: %w", text, err))
			case seen[list.id]:
				problems = append(problems, fmt.Errorf("list %q: another list has the feed id %s: name one of them, as in other=%s", text, list.id, list.path))
			}
			seen[list.id] = true
			all = append(all, list)
		}
	}
	return all, errors.Join(problems...)
}
