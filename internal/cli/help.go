package cli

import (
	"github.com/spf13/cobra"
)

// addBuiltIns adds the commands that Cobra makes, help and completion. They get examples, and the help of
// a command that does not exist is an error.
func addBuiltIns(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, cmd := range root.Commands() {
		switch cmd.Name() {
		case "help":
			cmd.Example = "  resolverwatch help scan"
			cmd.Run, cmd.RunE = nil, helpOf(root)
		case "completion":
			addCompletionExamples(cmd)
		}
	}
}

func addCompletionExamples(completion *cobra.Command) {
	completion.Args = noCommand
	completion.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	completion.Example = `  resolverwatch completion bash >/etc/bash_completion.d/resolverwatch
  resolverwatch completion zsh >"${fpath[1]}/_resolverwatch"`
	for _, shell := range completion.Commands() {
		shell.Example = "  " + shell.CommandPath() + " >FILE   # where " + shell.Name() + " looks for completions"
	}
}

// helpOf prints the help of a command.
func helpOf(root *cobra.Command) func(*cobra.Command, []string) error {
	return func(_ *cobra.Command, args []string) error {
		cmd, rest, err := root.Find(args)
		if err != nil || len(rest) > 0 {
			return usage(cmd, noCommand(cmd, rest))
		}
		cmd.InitDefaultHelpFlag()
		return cmd.Help()
	}
}
