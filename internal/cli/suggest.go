package cli

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// maxSuggestions limits what a message suggests.
const maxSuggestions = 3

// didYouMean returns the end of a message about a mistyped word: the known words that are close to it,
// or "". Cobra measures how close they are.
func didYouMean(typed string, known []string) string {
	const maxTypos = 2
	if len(typed) < maxTypos || slices.Contains(known, typed) {
		return ""
	}
	words := &cobra.Command{}
	for _, word := range known {
		words.AddCommand(&cobra.Command{Use: word, Run: func(*cobra.Command, []string) {}})
	}
	for words.SuggestionsMinimumDistance = 1; words.SuggestionsMinimumDistance <= maxTypos; words.SuggestionsMinimumDistance++ {
		if near := words.SuggestionsFor(typed); len(near) > 0 {
			return "; did you mean " + oneOf(near[:min(len(near), maxSuggestions)]) + "?"
		}
	}
	return ""
}

// noCommand is the check of the arguments of a command that has subcommands: every argument is a
// mistyped one.
func noCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var names []string
	for _, child := range cmd.Commands() {
		if child.IsAvailableCommand() {
			names = append(names, child.Name())
		}
	}
	return fmt.Errorf("there is no command %q%s", strings.TrimPrefix(cmd.CommandPath()+" "+args[0], "resolverwatch "), didYouMean(args[0], names))
}

// checkChoice returns a usage error if a value is not one of a few.
func checkChoice(cmd *cobra.Command, flag, value string, choices ...string) error {
	if slices.Contains(choices, value) {
		return nil
	}
	return usagef(cmd, "--%s %q: must be %s%s", flag, value, oneOf(choices), didYouMean(value, choices))
}

// flagError explains a flag that cannot be parsed.
func flagError(cmd *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	var noValue *pflag.ValueRequiredError
	var invalid *pflag.InvalidValueError
	switch {
	case errors.As(err, &unknown):
		err = unknownFlag(cmd, unknown)
	case errors.As(err, &noValue):
		flag := noValue.GetFlag()
		_, meaning := pflag.UnquoteUsage(flag)
		err = fmt.Errorf("--%s needs a value: %s", flag.Name, meaning)
	case errors.As(err, &invalid):
		err = fmt.Errorf("--%s %q: %w", invalid.GetFlag().Name, invalid.GetValue(), valueError(invalid))
	}
	return usage(cmd, err)
}

func unknownFlag(cmd *cobra.Command, unknown *pflag.NotExistError) error {
	name, group := unknown.GetSpecifiedName(), unknown.GetSpecifiedShortnames()
	if group == "" {
		var names []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, "--"+f.Name) })
		return fmt.Errorf("there is no flag --%s%s", name, didYouMean("--"+name, names))
	}
	if long := longName(cmd, group); long != "" {
		return fmt.Errorf("there is no flag -%s; did you mean --%s?", long, long)
	}
	return fmt.Errorf("there is no flag -%s", name)
}

// longName returns the flag that was typed with one hyphen, as in -feed. Its letters were read as flags
// of one letter, up to the first that does not exist; rest begins there.
func longName(cmd *cobra.Command, rest string) (long string) {
	rest, _, _ = strings.Cut(rest, "=")
	cmd.Flags().VisitAll(func(flag *pflag.Flag) {
		before, isEnd := strings.CutSuffix(flag.Name, rest)
		isRead := !strings.ContainsFunc(before, func(letter rune) bool { return cmd.Flags().ShorthandLookup(string(letter)) == nil })
		if isEnd && isRead && len(flag.Name) > 1 && long == "" {
			long = flag.Name
		}
	})
	return long
}

// valueError returns what a value must be, in place of the errors of package strconv.
func valueError(invalid *pflag.InvalidValueError) error {
	cause := errors.Unwrap(invalid)
	if errors.Is(cause, strconv.ErrRange) {
		return errors.New("is out of range")
	}
	switch invalid.GetFlag().Value.Type() {
	case "int":
		return errors.New("must be a whole number")
	case "uint64":
		return errors.New("must be a whole number, not below 0")
	case "float64":
		return errors.New("must be a number")
	case "bool":
		return errors.New("must be true or false")
	case "duration":
		return errors.New("must be a duration such as 30s, 5m or 2h")
	}
	return cause
}
