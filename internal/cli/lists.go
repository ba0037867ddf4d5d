package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/list"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// lists holds the flags that name lists, or an index file, for commands that look up names.
type lists struct {
	feeds, allows []string
	file          string
	force         string
	quiet         bool
}

func (l *lists) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringArrayVar(&l.feeds, "feed", nil, "list of malicious names, `LIST`: a file, an https:// URL, or - for standard input; repeatable")
	flags.StringArrayVar(&l.allows, "allow", nil, "list of allowed names, `LIST` as for --feed; vetoes every feed; repeatable")
	flags.StringVar(&l.force, "force", "", "accept lists that the guards refuse, if they can be read, for this `REASON`")
	flags.BoolVarP(&l.quiet, "quiet", "q", false, "print only errors")
}

// registerFile adds the flag for an index file.
func (l *lists) registerFile(cmd *cobra.Command) {
	cmd.Flags().StringVar(&l.file, "index", "", "index `FILE` from 'resolverwatch index build', instead of lists")
}

// areNamed reports whether a flag names a list or an index.
func (l *lists) areNamed() bool { return l.file != "" || len(l.feeds)+len(l.allows) > 0 }

// names returns what the flags name, for a report.
func (l *lists) names() []string {
	if l.file != "" {
		return []string{l.file}
	}
	var all []string
	for _, given := range [][]string{l.feeds, l.allows} {
		for _, text := range given {
			path, _, _ := strings.Cut(text, ",")
			all = append(all, path)
		}
	}
	return all
}

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

// bytes returns the index file that the flags name. It builds the index if they name lists.
func (l *lists) bytes(cmd *cobra.Command, messages io.Writer, o index.Options) ([]byte, error) {
	switch {
	case l.file != "" && len(l.feeds)+len(l.allows) > 0:
		return nil, usagef(cmd, "name either an index or lists, not both; 'resolverwatch index build' builds an index from lists")
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
	if err := checkStdin(cmd, arguments); err != nil {
		return nil, err
	}

	builder, source := index.NewBuilder(), newListSource(cmd.InOrStdin())
	for _, argument := range arguments {
		if err := argument.addTo(cmd.Context(), builder, source, messages, l); err != nil {
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
			argument, err := parseList(text, kind.action)
			switch {
			case err != nil:
				problems = append(problems, fmt.Errorf("list %q: %w", text, err))
			case seen[argument.id]:
				problems = append(problems, fmt.Errorf("list %q: another list has the feed id %s; set another id, as in other=%s", text, argument.id, argument.path))
			}
			seen[argument.id] = true
			all = append(all, argument)
		}
	}
	return all, errors.Join(problems...)
}

// listSyntax is the syntax of the flags --feed and --allow.
const listSyntax = "[ID=]PATH[,format=F][,scope=S][,column=C][,category=W][,severity=S][,confidence=N][,registrable=true]"

// listHelp explains listSyntax in the help of a command.
const listHelp = `LIST is
` + listSyntax + `.
PATH is a file, an https:// URL, or - for standard input.`

// listArgument is one list that a flag names.
type listArgument struct {
	id       indicator.FeedID
	path     string
	settings list.Options
}

// parseList parses the value of --feed or --allow. A path may contain commas and equal signs,
// as long as the text after them is not one of our options.
func parseList(text string, action indicator.Action) (listArgument, error) {
	argument := listArgument{}
	if name, path, found := strings.Cut(text, "="); found && !exists(text) {
		if id, err := indicator.NewFeedID(name); err == nil {
			argument.id, text = id, path
		}
	}

	var feed settings.Feed
	for {
		at := strings.LastIndexByte(text, ',')
		if at < 0 || exists(text) {
			break
		}
		if err := setOption(&feed, text[at+1:]); err != nil {
			return argument, err
		}
		text = text[:at]
	}

	var err error
	argument.path = text
	if argument.id == "" {
		argument.id = feedIDFromPath(text)
	}
	argument.settings, err = list.NewOptions(feed)
	argument.settings.Action = action
	if err != nil {
		err = fmt.Errorf("%w%s", err, mistyped(&feed))
	}
	return argument, err
}

// listOptions are the options of a list after its path.
var listOptions = []string{"format", "scope", "column", "category", "severity", "confidence", "registrable"}

// mistyped returns the end of a message about settings of a feed: the values that are close to them.
func mistyped(feed *settings.Feed) string {
	return didYouMean(feed.Format, formatNames()) + didYouMean(feed.Scope, scopes()) + didYouMean(feed.Severity, severities())
}

func setOption(feed *settings.Feed, option string) (err error) {
	name, value, _ := strings.Cut(option, "=")
	switch name {
	case "format":
		feed.Format = value
	case "scope":
		feed.Scope = value
	case "column":
		feed.Column = value
	case "category":
		feed.Category = value
	case "severity":
		feed.Severity = value
	case "confidence":
		var percent int
		if percent, err = strconv.Atoi(value); err != nil {
			return fmt.Errorf("confidence %q: must be a number in [0, 100]", value)
		}
		feed.Confidence = &percent
	case "registrable":
		if feed.Registrable, err = strconv.ParseBool(value); err != nil {
			return fmt.Errorf("registrable %q: must be true or false", value)
		}
	default:
		return fmt.Errorf("option %q: must be one of %s%s", option, strings.Join(listOptions, ", "), didYouMean(name, listOptions))
	}
	return nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// feedIDFromPath derives a feed id from a file name: "URLhaus online.csv.gz" becomes
// "urlhaus-online".
func feedIDFromPath(path string) indicator.FeedID {
	if strings.Contains(path, "://") {
		path, _, _ = strings.Cut(path, "?")
	}
	name := strings.ToLower(filepath.Base(path))
	for _, extension := range []string{".gz", ".zst", ".txt", ".csv", ".json", ".ndjson", ".stix2", ".conf", ".list"} {
		name = strings.TrimSuffix(name, extension)
	}
	name = strings.Trim(strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' || '0' <= r && r <= '9' || r == '.' || r == '_' {
			return r
		}
		return '-'
	}, name), "-._")
	id, err := indicator.NewFeedID(name[:min(len(name), 64)])
	if err != nil {
		return "list"
	}
	return id
}

// addTo reads the list, applies the guards of the importer, and adds the entries to builder.
// It prints how many entries were left out.
func (a listArgument) addTo(ctx context.Context, builder *index.Builder, source *listSource, messages io.Writer, l *lists) error {
	file, err := source.open(ctx, a.path)
	if err != nil {
		return fmt.Errorf("reading feed %s: %w", a.id, err)
	}
	defer func() { _ = file.Close() }() // only read
	builder.Feed(a.id, a.settings.Action == indicator.ActionAllow)
	names, err := builder.FeedNames(a.id)
	if err != nil {
		return err
	}

	report, err := list.Stream(file, a.settings, list.Guards{Guards: settings.DefaultGuards()}, list.Hooks{}, names, names.Add)
	var refusals list.Refusals
	switch {
	case errors.As(err, &refusals) && refusals.Overridable() && l.force != "":
		fmt.Fprintf(messages, "feed %s: accepted against the guards (%s): %v\n", a.id, l.force, refusals)
	case errors.As(err, &refusals):
		return fmt.Errorf("feed %s: %s is refused\n  %w\n  run 'resolverwatch feed lint %s' for details%s",
			a.id, a.path, refusals, a.path, forceHint(refusals))
	case err != nil:
		return fmt.Errorf("feed %s: %w", a.id, err)
	}
	if !l.quiet {
		fmt.Fprintf(messages, "feed %s: %s\n", a.id, describeList(&report, a.path))
	}
	return nil
}

func forceHint(refusals list.Refusals) string {
	if !refusals.Overridable() {
		return ""
	}
	return ", or accept the list with --force REASON"
}

// describeList describes in one line what was read from a list.
func describeList(report *list.Summary, path string) string {
	text := fmt.Sprintf("%d entries from %s (%s)", report.Names, path, report.Format)
	dropped := report.TotalDropped()
	for _, left := range []struct {
		count int
		why   string
	}{
		{report.Repeats, "repeated"}, {report.Rejected, "rejected"},
		{dropped, "dropped by the guards"}, {report.Skipped, "skipped"}, {report.Expired, "expired"},
	} {
		if left.count > 0 {
			text += fmt.Sprintf(", %d %s", left.count, left.why)
		}
	}
	if warning := report.Warning(); warning != "" {
		text += "; " + warning
	}
	return text
}
