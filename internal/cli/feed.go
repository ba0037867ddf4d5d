package cli

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/resolverwatch/resolverwatch/pkg/feed"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/list"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

func newFeed(std streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "feed",
		Short:   "Look at lists before they are imported",
		Example: `  resolverwatch feed lint urlhaus.csv`,
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newLint(std))
	return cmd
}

// lintOptions are the flags of lint.
type lintOptions struct {
	wire    settings.Feed
	guards  guardFlags
	against string
	allow   bool
	form    string
	all     bool
}

func newLint(std streams) *cobra.Command {
	var o lintOptions
	cmd := &cobra.Command{
		Use:   "lint FILE...",
		Short: "Show what an import would take of a list, drop, and refuse",
		Long: `Lint reads lists by the same code and the same guards as the importer and shows, line
by line, what would be rejected and dropped, and whether the list would be refused.
The exit code is 1 if a list would be refused. With --against a list is compared with the
one that it is to replace, as an import does it. --protected, --shared and --top are the
lists that lie under guards/ in the list bucket.`,
		Example: `  resolverwatch feed lint urlhaus.csv
  resolverwatch feed lint --format hosts --all hosts.txt
  resolverwatch feed lint --against yesterday.txt --protected ours.txt today.txt
  resolverwatch feed lint -o json *.txt | jq .refusals`,
		Args: takes(1, many, "no list to read: name at least one FILE"),
		RunE: func(cmd *cobra.Command, args []string) error { return o.run(cmd, std, args) },
	}
	flags := cmd.Flags()
	flags.StringVar(&o.wire.Format, "format", "", "read as this `FORMAT` (default: by content)")
	flags.StringVar(&o.wire.Scope, "scope", "", "`SCOPE` of every name: name, subtree or under (default: the format's)")
	flags.StringVar(&o.wire.Column, "column", "", "`NAME` of the column of a CSV or JSON list")
	flags.BoolVar(&o.wire.Registrable, "registrable", false, "cut names to their registrable domain")
	flags.BoolVar(&o.allow, "allow", false, "read as an allow list")
	flags.StringVar(&o.against, "against", "", "compare with this `FILE`, the list that is to be replaced")
	o.guards.register(cmd)
	flags.StringVarP(&o.form, "output", "o", formText, "`FORM`: text, or json with one object a file")
	flags.BoolVar(&o.all, "all", false, "show every line that is not taken, skipped ones too")
	return cmd
}

func (o *lintOptions) run(cmd *cobra.Command, std streams, paths []string) error {
	if o.form != formText && o.form != formJSON {
		return usagef(cmd, "output %q: must be text or json", o.form)
	}
	read, err := list.NewOptions(o.wire)
	if err != nil {
		return usage(cmd, err)
	}
	if o.allow {
		read.Action = indicator.ActionAllow
	}
	guards, err := o.guards.guards(cmd)
	if err != nil {
		return err
	}
	before, err := o.before(read, guards)
	if err != nil {
		return err
	}
	refused := false
	for _, path := range paths {
		l, err := o.lint(path, read, guards, before)
		if err != nil {
			return err
		}
		refused = refused || len(l.Refusals) > 0
		if err := l.write(std.out, o.form); err != nil {
			return fmt.Errorf("writing the result: %w", err)
		}
	}
	if refused {
		return errReported
	}
	return nil
}

// maxFindings bounds what is shown of each file without --all.
const maxFindings = 25

// before returns how many entries the list has that is to be replaced, 0 without one. It
// serves, so it was taken, whatever the guards would say of it now.
func (o *lintOptions) before(read list.Options, guards list.Guards) (int, error) {
	if o.against == "" {
		return 0, nil
	}
	file, err := os.Open(o.against)
	if err != nil {
		return 0, fmt.Errorf("reading the list to compare with: %w", err)
	}
	defer func() { _ = file.Close() }() // only read
	entries, _, err := list.Read(file, read, guards, list.Hooks{})
	var refusals list.Refusals
	if errors.As(err, &refusals) && refusals.Overridable() {
		err = nil
	}
	if err != nil {
		return 0, fmt.Errorf("reading the list to compare with, %s: %w", o.against, err)
	}
	return entries.Len(), nil
}

func (o *lintOptions) lint(path string, read list.Options, guards list.Guards, before int) (*linted, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading a list: %w", err)
	}
	defer func() { _ = file.Close() }() // only read
	l := &linted{File: path}
	find := func(line int, kind, text, why string) {
		if len(l.Findings) >= maxFindings && !o.all {
			l.Omitted++
			return
		}
		l.Findings = append(l.Findings, finding{line, kind, text, why})
	}
	hooks := list.Hooks{
		OnReject: func(e feed.LineError) { find(e.Line, "rejected", e.Text, e.Err.Error()) },
		OnDrop:   func(d list.Drop) { find(d.Line, "dropped", d.Entry, d.Reason.Explain()) },
	}
	if o.all {
		hooks.OnSkip = func(s feed.SkippedLine) { find(s.Line, "skipped", s.Text, s.Why.String()) }
	}
	entries, report, err := list.Read(file, read, guards, hooks)
	if err != nil && !errors.As(err, &l.Refusals) {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if l.Refusals.Overridable() { // there is a list to compare
		l.Refusals = append(l.Refusals, guards.Compare(before, entries.Len())...)
	}
	l.take(&report)
	return l, nil
}
