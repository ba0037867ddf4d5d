package cli

import (
	"github.com/spf13/cobra"

	"github.com/resolverwatch/resolverwatch/internal/demo"
)

func newDemo(std streams) *cobra.Command {
	o := demo.Options{Stdout: std.out, Stderr: std.err}
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Run the whole pipeline on this machine, without an AWS account",
		Long: `Demo starts embedded S3, DynamoDB, SSM and Firehose endpoints on loopback, lets the real
importer import three sample lists, sends generated Resolver records through Firehose
into the real transformer, checks every record that comes out, and shows who asked for
what. Then a name leaves a list, and its verdict changes.

The two functions are those that 'make build' puts beside this command; without them they
are built, which needs Go and a checkout of the source to be in.

All names and addresses are reserved for documentation. Nothing leaves this machine.`,
		Example: `  resolverwatch demo
  resolverwatch demo --records 100000 --out ~/demo
  resolverwatch demo --keep   # and look around with the AWS CLI; Ctrl-C ends it`,
		Args: argCount(0, 0, noArguments),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.Records < 1 {
				return usagef(cmd, "records %d: must be at least 1", o.Records)
			}
			return demo.Run(cmd.Context(), o)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&o.Out, "out", demo.DefaultOut, "`FOLDER` for the files of the pipeline; those of an earlier demo are replaced")
	flags.IntVar(&o.Records, "records", demo.DefaultRecords, "how many records to send")
	flags.Uint64Var(&o.Seed, "seed", 0, "another `SEED` makes other records")
	flags.BoolVar(&o.Keep, "keep", false, "leave everything running until interrupted, and print the endpoints")
	flags.StringVar(&o.ImporterBinary, "importer", "", "`FILE` of the importer (default: beside this command, or built from source)")
	flags.StringVar(&o.TransformerBinary, "transformer", "", "`FILE` of the transformer (default: beside this command, or built from source)")
	return cmd
}
