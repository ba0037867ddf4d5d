// Package cli is the resolverwatch command: arguments and standard streams go in, an exit
// code comes out.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
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
