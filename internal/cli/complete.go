package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/resolverwatch/resolverwatch/internal/plan"
	"github.com/resolverwatch/resolverwatch/internal/term"
	"github.com/resolverwatch/resolverwatch/pkg/feed"
	"github.com/resolverwatch/resolverwatch/pkg/namedquery"
)

// complete lets a shell complete the values of a flag.
func complete(cmd *cobra.Command, flag string, values func() []string) {
	completeFlag(cmd, flag, func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return values(), cobra.ShellCompDirectiveNoFileComp
	})
}

func completeFlag(cmd *cobra.Command, flag string, values cobra.CompletionFunc) {
	if err := cmd.RegisterFlagCompletionFunc(flag, values); err != nil {
		panic(err) // the flag does not exist
	}
}

// fixedValues are the values of flags that have only a few, by name or by command and name.
var fixedValues = map[string]func() []string{
	"color":       fixed(string(term.Auto), string(term.Always), string(term.Never)),
	"scope":       scopes,
	"severity":    severities,
	"lint format": formatNames,
	"replay what": fixed(replayFailed, replayUnknown),
	"replay to":   fixed(toStream, toObjects),
	"plan on":     partNames,
	"plan off":    partNames,
}

// scopes returns the scopes of a name.
func scopes() []string { return []string{"name", "subtree", "under"} }

func severities() []string { return []string{"low", "medium", "high", "critical"} }

func fixed(values ...string) func() []string { return func() []string { return values } }

func formatNames() (names []string) {
	for _, format := range feed.Formats() {
		names = append(names, string(format))
	}
	return names
}

// partNames returns the parts that plan can turn on and off, and their kinds.
func partNames() (names []string) {
	for _, line := range plan.New(plan.Volume{}) {
		kind, _, _ := strings.Cut(line.Part, "/")
		names = append(names, kind, line.Part)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// takeFiles are the commands whose arguments are files.
var takeFiles = []string{"scan", "lint", "inspect", "diff"}

// addCompletions adds completions to a command and its subcommands, where they have none of their own.
func addCompletions(cmd *cobra.Command) {
	cmd.LocalFlags().VisitAll(func(flag *pflag.Flag) {
		values := fixedValues[flag.Name]
		if own := fixedValues[cmd.Name()+" "+flag.Name]; own != nil {
			values = own
		}
		_, isComplete := cmd.GetFlagCompletionFunc(flag.Name)
		switch {
		case isComplete:
		case values != nil:
			complete(cmd, flag.Name, values)
		case !isFile(flag):
			completeFlag(cmd, flag.Name, cobra.NoFileCompletions)
		}
	})
	if cmd.ValidArgsFunction == nil && !cmd.HasSubCommands() && !slices.Contains(takeFiles, cmd.Name()) {
		cmd.ValidArgsFunction = cobra.NoFileCompletions
	}
	for _, child := range cmd.Commands() {
		addCompletions(child)
	}
}

// isFile reports whether the value of a flag is a file, by its name in the help.
func isFile(flag *pflag.Flag) bool {
	name, _ := pflag.UnquoteUsage(flag)
	return slices.Contains([]string{"FILE", "FOLDER", "LIST", "PATH"}, name)
}

// completeQuery completes the name of a query that this version deploys. It does not ask AWS.
func completeQuery(_ *cobra.Command, args []string, _ string) (names []string, _ cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	for _, named := range builtInQueries() {
		question := ""
		if query, err := namedquery.Parse(named.Text); err == nil {
			question = query.Question
		}
		names = append(names, cobra.CompletionWithDesc(named.Name, question))
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// completeParameter completes a parameter of the query that was named.
func completeParameter(_ *cobra.Command, args []string, _ string) (names []string, _ cobra.ShellCompDirective) {
	for _, named := range builtInQueries() {
		query, err := namedquery.Parse(named.Text)
		if err != nil || !slices.Contains(args, named.Name) {
			continue
		}
		for _, parameter := range query.Parameters {
			names = append(names, cobra.CompletionWithDesc(parameter.Name+"=", parameter.Description))
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}

// maxCompletion is how long a shell waits for AWS.
const maxCompletion = 2 * time.Second

// fromStack completes values that a deployed stack has. If it does not answer soon, for whatever reason,
// nothing is completed and nothing is said.
func fromStack(find func(ctx context.Context) ([]string, error)) cobra.CompletionFunc {
	return func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		ctx, cancel := context.WithTimeout(cmd.Context(), maxCompletion)
		defer cancel()
		found := make(chan []string, 1)
		go func() {
			values, _ := find(ctx) // an error means that there are no values
			found <- values
		}()
		select {
		case values := <-found:
			return values, cobra.ShellCompDirectiveNoFileComp
		case <-ctx.Done():
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
	}
}

// feedIDs finds the feeds of the stack.
func feedIDs(d *deployment) cobra.CompletionFunc {
	return fromStack(func(ctx context.Context) (ids []string, err error) {
		o, err := d.operator(ctx, d.needTable())
		if err != nil {
			return nil, err
		}
		rows, err := o.Feeds.Rows(ctx)
		for i := range rows {
			ids = append(ids, string(rows[i].ID))
		}
		slices.Sort(ids)
		return ids, err
	})
}

// olderGenerations finds the generations that the stack keeps, without the current one.
func olderGenerations(d *deployment) cobra.CompletionFunc {
	return fromStack(func(ctx context.Context) (numbers []string, err error) {
		o, err := d.operator(ctx, d.needIndex(), d.needTable())
		if err != nil {
			return nil, err
		}
		status, err := o.Status(ctx)
		for _, g := range status.Generations {
			if !g.IsCurrent {
				numbers = append(numbers, cobra.CompletionWithDesc(fmt.Sprint(g.Generation),
					fmt.Sprintf("%d entries, published %s", g.Entries, g.PublishedAt.UTC().Format(time.DateTime))))
			}
		}
		return numbers, err
	})
}
