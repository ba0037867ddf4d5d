package cli

import (
	"errors"
	"fmt"
	"math"
	"runtime/debug"

	"github.com/spf13/cobra"
)

func newRoot(std streams) *cobra.Command {
	root := &cobra.Command{
		Use:   "resolverwatch",
		Short: "Which of your machines asked for a malicious name?",
		Long: `Resolverwatch marks Route 53 Resolver query logs against lists of malicious names.

Start with 'resolverwatch demo': it runs the whole pipeline on this machine, without
an AWS account. Then 'resolverwatch scan' marks your own logs against your own lists.`,
		Example: `  resolverwatch demo
  resolverwatch scan --feed badnames.txt vpcdnsquerylogs/
  resolverwatch check --feed badnames.txt www.evil.example`,
		Version:       version(),
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetIn(std.in)
	root.SetOut(std.out)
	root.SetErr(std.err)
	root.SetFlagErrorFunc(usage)
	root.AddCommand(newDemo(std), newScan(std), newCheck(std), newFeed(std), newIndex(std),
		newStatus(std), newAllow(std), newRollback(std), newPublish(std), newQuery(std), newHunt(std))
	markUsage(root)
	return root
}

// markUsage makes errors about a command's arguments count as wrong usage.
func markUsage(cmd *cobra.Command) {
	if check := cmd.Args; check != nil {
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			if err := check(cmd, args); err != nil {
				return usage(cmd, err)
			}
			return nil
		}
	}
	for _, child := range cmd.Commands() {
		markUsage(child)
	}
}

// many is as many arguments as there are.
const many = math.MaxInt

const noArguments = "only flags are expected here"

// takes makes a check of the number of arguments. otherwise says what is wanted.
func takes(least, most int, otherwise string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		switch {
		case len(args) < least:
			return errors.New(otherwise)
		case len(args) > most:
			return fmt.Errorf("argument %q: %s", args[most], otherwise)
		}
		return nil
	}
}

func usage(cmd *cobra.Command, err error) error {
	return &usageError{command: cmd.CommandPath(), err: err}
}

func usagef(cmd *cobra.Command, format string, args ...any) error {
	return usage(cmd, fmt.Errorf(format, args...))
}

// version is the module's version where the command was installed by its path, and
// the commit where it was built in a checkout.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	return info.Main.Version
}
