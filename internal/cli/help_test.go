package cli

import (
	"io"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// everyCommand returns a command and all commands below it.
func everyCommand(cmd *cobra.Command) []*cobra.Command {
	all := []*cobra.Command{cmd}
	for _, child := range cmd.Commands() {
		all = append(all, everyCommand(child)...)
	}
	return all
}

// The help of every command has an example that begins with the command.
func TestHelp_examples(t *testing.T) {
	t.Parallel()
	for _, cmd := range everyCommand(newRoot(streams{strings.NewReader(""), io.Discard, io.Discard})) {
		if !strings.Contains(cmd.Example, cmd.CommandPath()) {
			t.Errorf("%s has no example: %q", cmd.CommandPath(), cmd.Example)
		}
	}
}
