// Package cli is the resolverwatch command: arguments and standard streams go in, an exit
// code comes out.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/spf13/cobra"
)

// Exit codes.
const (
	exitDone  = 0
	exitError = 1
	exitUsage = 2
	exitMatch = 3
)

// Main runs the command with the process's arguments and streams, and ends the process.
func Main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], streams{os.Stdin, os.Stdout, os.Stderr})
	stop()
	os.Exit(code)
}

// streams are the standard streams of a run.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// run is [Main] without the process around it.
func run(ctx context.Context, args []string, std streams) int {
	root := newRoot(std)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	var usage *usageError
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, errMatch):
		return exitMatch
	case errors.As(err, &usage):
		fmt.Fprintf(std.err, "resolverwatch: %v\nRun '%s --help' for usage.\n", err, usage.command)
		return exitUsage
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(std.err, "resolverwatch: interrupted; what was written so far is not the whole")
		return exitError
	case errors.Is(err, errReported):
		return exitError
	case errors.Is(err, syscall.EPIPE):
		return exitError // the reader of our output, such as head, has left: there is nobody to tell
	default:
		fmt.Fprintf(std.err, "resolverwatch: %v\n", err)
		return exitError
	}
}

// errMatch ends a command that was asked to fail on a match.
var errMatch = errors.New("a malicious name was found")

// errReported ends a command that has said on standard error what went wrong.
var errReported = errors.New("reported")

// usageError is a wrong call: exit code 2, and a pointer to the help of command.
type usageError struct {
	command string
	err     error
}

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

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

// anyNumber is as many arguments as there are.
const anyNumber = math.MaxInt

const noArguments = "only flags are expected here"

// argCount makes a check of the number of arguments. otherwise says what is wanted.
func argCount(least, most int, otherwise string) cobra.PositionalArgs {
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
