package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

func newIndexDiff(std streams) *cobra.Command {
	var form string
	cmd := &cobra.Command{
		Use:   "diff OLD NEW",
		Short: "Show what one index has and another has not",
		Long: `Diff compares two index files entry by entry: + is new, - is gone, ~ has another
category, severity or confidence. The counts go to standard error.`,
		Example: `  resolverwatch index diff yesterday.rwx today.rwx`,
		Args:    cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if form != formText && form != formJSON {
				return usagef(cmd, "output %q: must be text or json", form)
			}
			before, err := openIndex(args[0])
			if err != nil {
				return err
			}
			after, err := openIndex(args[1])
			if err != nil {
				return err
			}
			counts := map[string]int{}
			out := bufio.NewWriter(std.out)
			err = diff(before, after, func(sign string, s *index.Stored) error {
				counts[sign]++
				return newStoredLine(sign, s).write(out, form)
			})
			if err := errors.Join(err, out.Flush()); err != nil {
				return fmt.Errorf("comparing: %w", err)
			}
			fmt.Fprintf(std.err, "%d added, %d removed, %d changed\n", counts["+"], counts["-"], counts["~"])
			return nil
		},
	}
	cmd.Flags().StringVarP(&form, "output", "o", formText, "`FORM`: text, or json with one object a line")
	return cmd
}

// diff walks two indexes side by side; both yield their entries in the same order.
func diff(before, after *index.Index, report func(sign string, s *index.Stored) error) error {
	nextOld, stopOld := iter.Pull2(before.All())
	defer stopOld()
	nextNew, stopNew := iter.Pull2(after.All())
	defer stopNew()
	was, err, moreOld := nextOld()
	is, errNew, moreNew := nextNew()
	for err = errors.Join(err, errNew); err == nil && (moreOld || moreNew); err = errors.Join(err, errNew) {
		order := compareStored(&was, &is)
		takeOld := moreOld && (!moreNew || order <= 0)
		takeNew := moreNew && (!moreOld || order >= 0)
		switch {
		case takeOld && takeNew && rated(&was) != rated(&is):
			err = report("~", &is)
		case takeOld && !takeNew:
			err = report("-", &was)
		case takeNew && !takeOld:
			err = report("+", &is)
		}
		if err != nil {
			return err
		}
		if takeOld {
			was, err, moreOld = nextOld()
		}
		if takeNew {
			is, errNew, moreNew = nextNew()
		}
	}
	return err
}

// compareStored is the order of [index.Index.All].
func compareStored(a, b *index.Stored) int {
	return cmp.Or(
		cmp.Compare(kindOf(a), kindOf(b)),
		slices.Compare(reversedLabels(a), reversedLabels(b)),
		cmp.Compare(a.Block.Bits(), b.Block.Bits()),
		a.Block.Addr().Compare(b.Block.Addr()),
		cmp.Compare(a.Feed, b.Feed),
		cmp.Compare(a.Action, b.Action),
		cmp.Compare(a.Scope, b.Scope),
	)
}

// kindOf orders names before IPv4 before IPv6.
func kindOf(s *index.Stored) int {
	switch {
	case !s.Block.IsValid():
		return 0
	case s.Block.Addr().Is4():
		return 1
	default:
		return 2
	}
}

func reversedLabels(s *index.Stored) []string {
	if s.Name.IsZero() {
		return nil
	}
	labels := strings.Split(s.Name.String(), ".")
	slices.Reverse(labels)
	return labels
}

// rating is what may change in an entry that stays.
type rating struct {
	category   indicator.Category
	severity   indicator.Severity
	confidence indicator.Confidence
}

func rated(s *index.Stored) rating { return rating{s.Category, s.Severity, s.Confidence} }

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
