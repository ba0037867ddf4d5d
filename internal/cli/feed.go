package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/resolverwatch/resolverwatch/internal/sighting"
	"github.com/resolverwatch/resolverwatch/internal/term"
	"github.com/resolverwatch/resolverwatch/pkg/feed"
	"github.com/resolverwatch/resolverwatch/pkg/feed/column"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/list"
	"github.com/resolverwatch/resolverwatch/pkg/reach"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

func newFeed(std streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "feed",
		Short:   "Check lists before they are imported",
		Example: `  resolverwatch feed lint urlhaus.csv`,
		Args:    noCommand,
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
		Use:   "lint LIST...",
		Short: "Show what the importer would accept, drop or refuse",
		Long: `Lint reads lists with the code and the guards of the list. It shows which lines would
be rejected or dropped, and whether the list would be refused. The exit code is 1 if a list
would be refused. With --against, the list is also compared with the list that it replaces.
--protected, --shared and --top name the lists that are under guards/ in the list bucket. LIST is a
file, an https:// URL, or - for standard input.`,
		Example: `  resolverwatch feed lint urlhaus.csv
  resolverwatch feed lint --format hosts --all hosts.txt
  resolverwatch feed lint --against yesterday.txt --protected ours.txt today.txt
  resolverwatch feed lint https://lists.example/hosts.txt
  resolverwatch feed lint -o json *.txt | jq .refusals`,
		Args: argCount(1, anyNumber, "no list to read: name at least one LIST: a file, an https:// URL, or - for standard input"),
		RunE: func(cmd *cobra.Command, args []string) error { return o.run(cmd, std, args) },
	}
	flags := cmd.Flags()
	flags.StringVar(&o.wire.Format, "format", "", "`FORMAT` of the list (default: detected from the content)")
	flags.StringVar(&o.wire.Scope, "scope", "", "`SCOPE` of every name: name, subtree or under (default: depends on the format)")
	flags.StringVar(&o.wire.Column, "column", "", "`NAME` of the column with the names, in a CSV or JSON list")
	flags.BoolVar(&o.wire.Registrable, "registrable", false, "reduce names to their registrable domain")
	flags.BoolVar(&o.allow, "allow", false, "read as an allow list")
	flags.StringVar(&o.against, "against", "", "compare with `FILE`, the list that would be replaced")
	o.guards.register(cmd)
	registerForm(cmd, &o.form, "", formText, formJSON)
	flags.BoolVar(&o.all, "all", false, "show every line that is left out, including skipped lines")
	return cmd
}

func (o *lintOptions) run(cmd *cobra.Command, std streams, paths []string) error {

	read, err := list.NewOptions(o.wire)
	if err != nil {
		return usagef(cmd, "%w%s", err, mistyped(&o.wire))
	}
	if o.allow {
		read.Action = indicator.ActionAllow
	}
	guards, err := o.guards.load(cmd)
	if err != nil {
		return err
	}
	source := newListSource(std.in)
	before, err := o.readBefore(cmd.Context(), source, read, guards)
	if err != nil {
		return err
	}

	refused := false
	for _, path := range paths {
		l, err := o.lint(cmd.Context(), source, path, read, guards, before)
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

// maxFindings limits the lines that are shown for each file without --all.
const maxFindings = 25

// readBefore returns the list that would be replaced, or nil without --against. Refusals are
// ignored: the list is in use, so it was accepted once.
func (o *lintOptions) readBefore(ctx context.Context, source *listSource, read list.Options, guards list.Guards) (*list.List, error) {
	if o.against == "" {
		return nil, nil
	}
	file, err := source.open(ctx, o.against)
	if err != nil {
		return nil, fmt.Errorf("reading the list to compare with: %w", err)
	}
	defer func() { _ = file.Close() }() // only read
	entries, _, err := list.Read(file, read, guards, list.Hooks{})
	var refusals list.Refusals
	if errors.As(err, &refusals) && refusals.Overridable() {
		err = nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the list to compare with, %s: %w", o.against, err)
	}
	return &entries, nil
}

func (o *lintOptions) lint(
	ctx context.Context, source *listSource, path string, read list.Options, guards list.Guards, before *list.List,
) (*lintResult, error) {
	file, err := source.open(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("reading a list: %w", err)
	}
	defer func() { _ = file.Close() }() // only read
	l := &lintResult{File: path}

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
	if before != nil && l.Refusals.Overridable() { // the list could be read
		change := list.Compare(before, &entries, cmp.Or(read.Action, indicator.ActionBlock), time.Now())
		l.Change = &change
		l.Refusals = append(l.Refusals, guards.Compare(change)...)
	}
	l.setCounts(&report)
	l.countKinds(&entries)
	return l, nil
}

// lintResult is the result for one file.
type lintResult struct {
	File      string                  `json:"file"`
	Format    feed.Format             `json:"format"`
	Columns   []column.Reading        `json:"columns,omitempty"`
	Lines     int                     `json:"lines"`
	Entries   int                     `json:"entries"`
	Accepted  int                     `json:"taken"`
	Addresses int                     `json:"addresses"`
	Allowed   int                     `json:"allow_entries"`
	Reach     reach.Reach             `json:"reach"`
	Wide      int                     `json:"wide_blocks"`
	Change    *list.Change            `json:"change,omitempty"`
	Repeated  int                     `json:"repeated"`
	Expired   int                     `json:"expired"`
	Rejected  int                     `json:"rejected"`
	Dropped   map[list.DropReason]int `json:"dropped"`
	Skipped   map[string]int          `json:"skipped"`
	Types     map[string]int          `json:"skipped_types,omitempty"`
	Warning   string                  `json:"warning,omitempty"`
	Refusals  list.Refusals           `json:"refusals"`
	Findings  []finding               `json:"findings"`
	Omitted   int                     `json:"findings_omitted"`
}

// finding is a line that would be left out.
type finding struct {
	Line int    `json:"line"`
	Kind string `json:"kind"` // rejected, dropped or skipped
	Text string `json:"text"`
	Why  string `json:"why"`
}

func (l *lintResult) setCounts(report *list.Summary) {
	l.Format, l.Lines, l.Entries = report.Format, report.Lines, report.Entries
	l.Accepted = report.Names
	l.Repeated, l.Rejected, l.Dropped = report.Repeats, report.Rejected, report.Dropped
	l.Columns, l.Types = report.Columns, report.Types
	l.Expired, l.Warning = report.Expired, report.Warning()
	l.Reach, l.Wide = report.Reach, report.Wide
	l.Skipped = map[string]int{}
	for reason, count := range report.Skips {
		l.Skipped[reason.String()] = count
	}
}

// countKinds counts the accepted entries of each kind, after repeated ones were merged.
func (l *lintResult) countKinds(entries *list.List) {
	now := time.Now()
	for entry := range entries.All() {
		if !entry.ExpiresAt.IsZero() && entry.ExpiresAt.Before(now) {
			continue
		}
		if entry.Scope == indicator.ScopeCIDR {
			l.Addresses++
		}
		if entry.Action == indicator.ActionAllow {
			l.Allowed++
		}
	}
}

func (l *lintResult) write(out io.Writer, form string) error {
	if form == formJSON {
		return json.NewEncoder(out).Encode(l)
	}
	l.print(out)
	return nil
}

func (l *lintResult) print(out io.Writer) {
	fmt.Fprintf(out, "%s: %s, %d lines, %d entries", l.File, orUnknown(string(l.Format)), l.Lines, l.Entries)
	if l.Warning != "" {
		fmt.Fprintf(out, "; %s", l.Warning)
	}
	fmt.Fprintln(out)
	for _, line := range list.DescribeColumns(l.Columns) {
		fmt.Fprintf(out, "  %s\n", line)
	}
	fmt.Fprintf(out, "  %7d accepted (addresses: %d, allow entries: %d)\n", l.Accepted, l.Addresses, l.Allowed)
	l.printReach(out)
	if l.Repeated > 0 {
		fmt.Fprintf(out, "  %7d repeated\n", l.Repeated)
	}
	if l.Expired > 0 {
		fmt.Fprintf(out, "  %7d expired\n", l.Expired)
	}
	if l.Rejected > 0 {
		fmt.Fprintf(out, "  %7d rejected\n", l.Rejected)
	}
	for _, reason := range slices.Sorted(maps.Keys(l.Dropped)) {
		fmt.Fprintf(out, "  %7d dropped: %s\n", l.Dropped[reason], reason.Explain())
	}
	for _, reason := range slices.Sorted(maps.Keys(l.Skipped)) {
		fmt.Fprintf(out, "  %7d skipped: %s\n", l.Skipped[reason], reason)
	}
	if len(l.Types) > 0 {
		fmt.Fprintf(out, "          by type: %s\n", list.DescribeTypes(l.Types))
	}
	for _, f := range l.Findings {
		fmt.Fprintf(out, "  line %d: %s %s: %s\n", f.Line, f.Kind, sighting.Printable(f.Text), f.Why)
	}
	if l.Omitted > 0 {
		fmt.Fprintf(out, "  and %d more lines; use --all to see them\n", l.Omitted)
	}
	l.printDecision(out)
}

// printDecision prints whether the importer would accept the list.
func (l *lintResult) printDecision(out io.Writer) {
	if len(l.Refusals) == 0 {
		fmt.Fprintf(out, "  the importer would %s this list\n", term.ColorsOf(out).Good("accept"))
		return
	}
	fmt.Fprintf(out, "  the importer would %s this list:\n", term.ColorsOf(out).Bad("REFUSE"))
	for _, refusal := range l.Refusals {
		fmt.Fprintf(out, "  - %v\n", refusal)
	}
}

// printReach prints how much the blocks of the list cover, and how the list differs from the one
// that it would replace.
func (l *lintResult) printReach(out io.Writer) {
	if l.Reach != (reach.Reach{}) {
		fmt.Fprintf(out, "          reach: %s, wide blocks: %d\n", l.Reach, l.Wide)
	}
	if c := l.Change; c != nil {
		fmt.Fprintf(out, "          in effect: %d (before: %d): %d kept, %d gone, %d new\n", c.Now, c.Before, c.Kept, c.Gone, c.New)
	}
}

func orUnknown(text string) string {
	if text == "" {
		return "unknown format"
	}
	return text
}

// guardFlags are the flags for the settings of the guards: thresholds, and lists of the user.
type guardFlags struct {
	thresholds             string
	protected, shared, top []string
}

func (g *guardFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&g.thresholds, "guards", "{}", "thresholds that differ from the defaults, as `JSON`, such as {\"shrinkPercent\": 30}")
	flags.StringArrayVar(&g.protected, "protected", nil, "list of names that no feed may block, `FILE`; repeatable")
	flags.StringArrayVar(&g.shared, "shared", nil, "list of hosts that many unrelated parties share, `FILE`; repeatable")
	flags.StringArrayVar(&g.top, "top", nil, "list of the most popular names, `FILE`; repeatable")
}

func (g *guardFlags) load(cmd *cobra.Command) (list.Guards, error) {
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
