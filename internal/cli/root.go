// Package cli implements the resolverwatch command. Arguments and standard streams go in, an
// exit code comes out. Each command has a file with its flags and its output.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/resolverwatch/resolverwatch/internal/operator/stack"
	"github.com/resolverwatch/resolverwatch/internal/term"
)

// Exit codes.
const (
	exitDone  = 0
	exitError = 1
	exitUsage = 2
	exitMatch = 3

	// A process that a signal ended has 128 and the number of the signal, so that a shell ends its
	// loop as well.
	exitSignal = 128
)

// Main runs the command with the arguments and streams of the process, and exits. The arguments
// describe the build; each may be empty.
func Main(version, commit, date string) {
	stamped = build{Version: version, Commit: commit, Date: date}
	code := run(untilSignal(), os.Args[1:], streams{os.Stdin, os.Stdout, os.Stderr})
	os.Exit(code)
}

// signalError is the cause of a context that a signal ended.
type signalError struct{ syscall.Signal }

func (e signalError) Error() string { return "interrupted by the signal " + e.String() }

// untilSignal returns a context that ends with the first interrupt or termination. A second one
// ends the process.
func untilSignal() context.Context {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		received := <-signals
		signal.Stop(signals)
		number, _ := received.(syscall.Signal)
		cancel(signalError{number})
	}()
	return ctx
}

// exitCodeOf returns the code of a command that did not reach its end.
func exitCodeOf(ctx context.Context) int {
	var interrupted signalError
	if errors.As(context.Cause(ctx), &interrupted) {
		return exitSignal + int(interrupted.Signal)
	}
	if ctx.Err() != nil {
		return exitSignal + int(syscall.SIGINT)
	}
	return exitError
}

// streams are the standard streams of a run.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// run runs the command and returns its exit code. Nothing that a terminal obeys passes its
// streams but our own colors, whether it is part of a file name, a list, a log or an error.
func run(ctx context.Context, args []string, std streams) int {
	out, messages := term.NewWriter(std.out), term.NewWriter(std.err)
	code := execute(ctx, args, streams{std.in, out, messages})
	_ = errors.Join(out.Close(), messages.Close()) // half a rune cannot be written
	return code
}

func execute(ctx context.Context, args []string, std streams) int {
	root := newRoot(std)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	var usage *usageError
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, errMatch), errors.Is(err, errUnhealthy):
		return exitMatch
	case errors.As(err, &usage):
		fmt.Fprintf(std.err, "resolverwatch: %v\nRun '%s --help' for usage.\n", err, usage.command)
		return exitUsage
	case errors.Is(err, errStopped):
		return exitCodeOf(ctx)
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(std.err, "resolverwatch: interrupted; the output is incomplete")
		return exitCodeOf(ctx)
	case errors.Is(err, errReported):
		return exitCodeOf(ctx)
	case errors.Is(err, syscall.EPIPE):
		return exitError // the reader of our output, such as head, has exited
	default:
		fmt.Fprintf(std.err, "resolverwatch: %v\n", stack.Explain(err))
		return exitError
	}
}

// errMatch is returned by a command that was asked to fail on a match.
var errMatch = errors.New("a malicious name was found")

// errUnhealthy is returned by a command that was asked to fail if something is wrong.
var errUnhealthy = errors.New("the stack is not healthy")

// errReported is returned by a command that has already printed its error.
var errReported = errors.New("reported")

// usageError is an error in the arguments: the exit code is 2, and the message points to the
// help of command.
type usageError struct {
	command string
	err     error
}

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func newRoot(std streams) *cobra.Command {
	root := &cobra.Command{
		Use:   "resolverwatch",
		Short: "Find out which of your machines asked for a malicious name",
		Long: `Resolverwatch marks Route 53 Resolver query logs using lists of malicious names.

Start with 'resolverwatch demo'. It runs the whole pipeline on this machine, without an
AWS account. Then mark your own logs with your own lists: 'resolverwatch scan'.`,
		Example: `  resolverwatch demo
  resolverwatch scan --feed badnames.txt vpcdnsquerylogs/
  resolverwatch check --feed badnames.txt www.evil.example`,
		Version:       version(),
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          noCommand,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetIn(std.in)
	root.SetOut(std.out)
	root.SetErr(std.err)
	root.SetFlagErrorFunc(flagError)
	registerColor(root, std.out)
	root.AddCommand(newDemo(std), newScan(std), newCheck(std), newFeed(std), newIndex(std),
		newStatus(std), newAllow(std), newRollback(std), newPublish(std), newQuery(std), newHunt(std),
		newAlert(std), newTail(std), newPlan(std), newReplay(std), newBackfill(std), newVersion(std))
	addBuiltIns(root)
	wrapArgErrors(root)
	addCompletions(root)
	return root
}

// wrapArgErrors makes the argument checks of a command and its subcommands return usage errors.
func wrapArgErrors(cmd *cobra.Command) {
	if check := cmd.Args; check != nil {
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			if err := check(cmd, args); err != nil {
				return usage(cmd, err)
			}
			return nil
		}
	}
	for _, child := range cmd.Commands() {
		wrapArgErrors(child)
	}
}

// anyNumber means that the number of arguments has no upper limit.
const anyNumber = math.MaxInt

const noArguments = "this command takes only flags"

// argCount returns a check of the number of arguments. hint says what the command expects.
func argCount(least, most int, hint string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		switch {
		case len(args) < least:
			return errors.New(hint)
		case len(args) > most:
			return fmt.Errorf("argument %q: %s", args[most], hint)
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
