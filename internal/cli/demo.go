package cli

import (
	"github.com/spf13/cobra"

	"github.com/resolverwatch/resolverwatch/internal/demo"
)

func newDemo(std streams) *cobra.Command {
	o := demo.Options{Stdout: std.out, Stderr: std.err, Report: reportOnMarked}
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Run the whole pipeline on this machine, without an AWS account",
		Long: `Demo starts embedded S3, DynamoDB, SSM and Firehose endpoints on loopback. The real importer
imports three sample lists, and generated Resolver records of eight days go through Firehose
to the real transformer. Demo shows which hosts asked for malicious names. Then a name enters
a list, and demo hunts for the host that asked for it in the days before. At last a name
leaves a list, and its verdict changes. Demo writes a page about what was found, and fails if
a record came out otherwise than it must.

Demo runs the two functions that 'make build' puts next to this command. If they are
missing, demo builds them, which needs Go and a checkout as the working directory.

All names and addresses are reserved for documentation. Nothing leaves this machine.`,
		Example: `  resolverwatch demo
  resolverwatch demo --records 100000 --out ~/demo
  resolverwatch demo --keep   # explore with the AWS CLI, then press Ctrl-C`,
		Args: argCount(0, 0, noArguments),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.Records < 1 {
				return usagef(cmd, "--records %d: must be at least 1", o.Records)
			}
			return demo.Run(cmd.Context(), o)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&o.Out, "out", demo.DefaultOut, "`FOLDER` for the files of the pipeline; replaces the files of an earlier demo")
	flags.IntVar(&o.Records, "records", demo.DefaultRecords, "how many records to send")
	flags.Uint64Var(&o.Seed, "seed", 0, "`SEED` of the generated records")
	flags.BoolVar(&o.Keep, "keep", false, "keep everything running until interrupted, and print the endpoints")
	flags.StringVar(&o.ImporterBinary, "importer", "", "importer binary, `FILE` (default: next to this command, or built from source)")
	flags.StringVar(&o.TransformerBinary, "transformer", "", "transformer binary, `FILE` (default: next to this command, or built from source)")
	return cmd
}
