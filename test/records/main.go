// Command records streams generated records through the transformer binary, with faults of its
// index store and without, and checks every answer with a checker that shares no code with the
// transformer. It stops at the first wrong answer and exits with status 1.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

func main() {
	options := Options{Rounds: rounds}
	flag.StringVar(&options.Binary, "binary", "", "transformer to test (default: built from lambdas/transformer)")
	flag.IntVar(&options.Count, "count", 10_000_000, "number of records")
	flag.Uint64Var(&options.Seed, "seed", uint64(time.Now().UnixNano()), "seed of the records")
	flag.Uint64Var(&options.First, "from", 1, "number of the first record: at the end of its id")
	out := flag.String("json", "", "file that gets the report as JSON")
	flag.Parse()

	if err := start(context.Background(), options, *out); err != nil {
		fmt.Fprintln(os.Stderr, "records:", err)
		os.Exit(1)
	}
}

func start(ctx context.Context, options Options, out string) error {
	fmt.Printf("seed %d\n", options.Seed)
	if options.Binary == "" {
		folder, err := os.MkdirTemp("", "records")
		if err != nil {
			return err
		}
		defer func() { _ = os.RemoveAll(folder) }() // a temporary folder
		options.Binary = filepath.Join(folder, "bootstrap")
		if err := buildTransformer(ctx, options.Binary); err != nil {
			return err
		}
	}

	report, err := run(ctx, options)
	report.print(os.Stdout)
	if out != "" {
		text, encodeErr := json.MarshalIndent(report, "", "  ")
		if encodeErr != nil {
			return encodeErr
		}
		if writeErr := os.WriteFile(out, append(text, '\n'), 0o600); writeErr != nil {
			return writeErr
		}
	}
	if err == nil {
		fmt.Println("every record came back once, with its bytes and the right verdict")
	}
	return err
}

// buildTransformer builds the transformer as it is deployed, but for this machine.
func buildTransformer(ctx context.Context, binary string) error {
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-tags=lambda.norpc", "-o", binary,
		"github.com/resolverwatch/resolverwatch/lambdas/transformer")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	build.Stderr = os.Stderr
	return build.Run()
}
