package cli

import (
	"io"

	"github.com/spf13/cobra"

	"github.com/resolverwatch/resolverwatch/internal/term"
)

// registerColor adds the flag that says when text for people is colored. Data has no colors.
func registerColor(root *cobra.Command, out io.Writer) {
	when := root.PersistentFlags().String("color", string(term.Auto), "`WHEN` to color text: auto, always or never; auto honors NO_COLOR and CLICOLOR_FORCE")
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error {
		chosen := term.When(*when)
		if err := checkChoice(cmd, "color", *when, string(term.Auto), string(term.Always), string(term.Never)); err != nil {
			return err
		}
		if w, ok := out.(*term.Writer); ok {
			w.SetColors(chosen.HasColors(out))
		}
		return nil
	}
}
