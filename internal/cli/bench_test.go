package cli

import (
	"io"
	"os"
	"strings"
	"testing"
)

// BenchmarkRun runs the command whose arguments, one on each line, are in RESOLVERWATCH_BENCH_ARGS.
// `make profile` profiles it, because the command itself has no flags for profiles.
func BenchmarkRun(b *testing.B) {
	args := os.Getenv("RESOLVERWATCH_BENCH_ARGS")
	if args == "" {
		b.Skip("RESOLVERWATCH_BENCH_ARGS is not set")
	}
	for b.Loop() {
		if code := run(b.Context(), strings.Split(args, "\n"), streams{strings.NewReader(""), io.Discard, os.Stderr}); code != exitDone {
			b.Fatalf("exit code %d", code)
		}
	}
}
