package cli

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

func newIndexDiff(std streams) *cobra.Command {
	var d deployment
	var form string
	cmd := &cobra.Command{
		Use:   "diff OLD NEW",
		Short: "Show what one index has and another has not",
		Long: `Diff compares two index files entry by entry: + is new, - is gone, ~ has another
category, severity or confidence. The counts go to standard error.

With --stack or --index-bucket, OLD and NEW are numbers of published generations;
'resolverwatch status' shows which are kept.
` + deploymentHelp,
		Example: `  resolverwatch index diff yesterday.rwx today.rwx
  resolverwatch index diff --stack Resolverwatch 41 42`,
		Args: takes(2, 2, "name two indexes, OLD and NEW"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkForm(cmd, form); err != nil {
				return err
			}
			open := openIndex
			if d.isNamed(cmd) {
				var err error
				if open, err = d.generations(cmd); err != nil {
					return err
				}
			}
			before, err := open(args[0])
			if _, notNumber := strconv.ParseUint(args[0], 10, 64); notNumber == nil && errors.Is(err, fs.ErrNotExist) {
				err = fmt.Errorf("%w; if generations of a stack are meant, name it with --stack", err)
			}
			if err != nil {
				return err
			}
			after, err := open(args[1])
			if err != nil {
				return err
			}
			return writeDiff(std, before, after, form)
		},
	}
	d.registerIndex(cmd)
	cmd.Flags().StringVarP(&form, "output", "o", formText, "`FORM`: text, or json with one object a line")
	return cmd
}

// generations returns how to open a published generation by its number.
func (d *deployment) generations(cmd *cobra.Command) (func(number string) (*index.Index, error), error) {
	o, err := d.operator(cmd.Context(), d.needIndex())
	return func(text string) (*index.Index, error) {
		number, err := strconv.ParseUint(text, 10, 64)
		if err != nil || number == 0 {
			return nil, usagef(cmd, "%q is no generation: of a stack, name two by their numbers", text)
		}
		return o.Open(cmd.Context(), number)
	}, err
}

func writeDiff(std streams, before, after *index.Index, form string) error {
	counts := map[index.ChangeKind]int{}
	out := bufio.NewWriter(std.out)
	err := index.Diff(before, after, func(kind index.ChangeKind, s *index.Stored) error {
		counts[kind]++
		return newStoredLine(string(rune(kind)), s).write(out, form)
	})
	if err := errors.Join(err, out.Flush()); err != nil {
		return fmt.Errorf("comparing: %w", err)
	}
	fmt.Fprintf(std.err, "%d added, %d removed, %d changed\n",
		counts[index.Added], counts[index.Removed], counts[index.Rated])
	return nil
}

// storedLine is an entry as the command writes it.
type storedLine struct {
	Sign       string             `json:"change,omitempty"`
	Value      string             `json:"indicator"`
	Scope      string             `json:"scope"`
	Action     string             `json:"action"`
	Feed       indicator.FeedID   `json:"feed"`
	Category   indicator.Category `json:"category"`
	Severity   string             `json:"severity"`
	Confidence uint8              `json:"confidence"`
}

func newStoredLine(sign string, s *index.Stored) storedLine {
	return storedLine{
		sign, s.Value(), s.Scope.String(), s.Action.String(), s.Feed,
		s.Category, s.Severity.String(), uint8(s.Confidence),
	}
}

func (l storedLine) write(out io.Writer, form string) error {
	if form == formJSON {
		return json.NewEncoder(out).Encode(l)
	}
	text := fmt.Sprintf("%s %s %s %s %s %s %d %s", l.Sign, l.Value, l.Scope, l.Action, l.Feed, l.Severity, l.Confidence, l.Category)
	_, err := fmt.Fprintln(out, strings.TrimSpace(text))
	return err
}

// writeEntries writes every entry of an index.
func writeEntries(to io.Writer, x *index.Index, form string) error {
	out := bufio.NewWriter(to)
	for stored, err := range x.All() {
		if err == nil {
			err = newStoredLine("", &stored).write(out, form)
		}
		if err != nil {
			return fmt.Errorf("writing entries: %w", err)
		}
	}
	return out.Flush()
}
