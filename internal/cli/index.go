package cli

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/resolverwatch/resolverwatch/internal/term"
	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/reach"
)

func newIndex(std streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "index",
		Short: "Build, inspect and compare index files",
		Example: `  resolverwatch index build --feed urlhaus.csv -o lists.rwx
  resolverwatch index inspect lists.rwx`,
		Args: noCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newIndexBuild(std), newIndexInspect(std), newIndexDiff(std))
	return cmd
}

func newIndexBuild(std streams) *cobra.Command {
	var l lists
	var out string
	var o index.Options
	cmd := &cobra.Command{
		Use:   "build --feed LIST [--allow LIST] -o FILE",
		Short: "Build an index file from lists",
		Long: `Build reads lists, applies the guards of the importer, and writes an index file, which the
transformer and 'scan --index' can load. ` + listHelp,
		Example: `  resolverwatch index build --feed urlhaus.csv --feed hosts.txt -o lists.rwx`,
		Args:    argCount(0, 0, noArguments),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if out == "" {
				return usagef(cmd, "no output file: name one with --output")
			}
			o.BuiltAt = time.Now()
			if o.Seed != 0 {
				o.BuiltAt = time.Time{} // a fixed seed must give the same file every time
			}
			data, err := l.bytes(cmd, std.err, o)
			if err != nil {
				return err
			}
			return writeIndex(data, out, term.Unwrapped(std.out), std.err, l.quiet)
		},
	}
	l.register(cmd)
	flags := cmd.Flags()
	flags.StringVarP(&out, "output", "o", "", "`FILE` to write, or - for standard output (required)")
	flags.Uint64Var(&o.Generation, "generation", 1, "`NUMBER` that becomes index_generation in marked records")
	flags.Uint64Var(&o.Seed, "seed", 0, "`SEED` of the hashes; the same lists and seed give the same file (default: random)")
	return cmd
}

// writeIndex verifies the index as the importer does, and writes it.
func writeIndex(data []byte, path string, out, messages io.Writer, quiet bool) error {
	const samples = 1000
	x, err := index.Open(data)
	if err != nil {
		return fmt.Errorf("checking the index: %w", err)
	}
	if err := x.SelfCheck(samples, reach.DefaultBounds()); err != nil {
		return fmt.Errorf("checking the index: %w", err)
	}

	if err := writeOutput(data, path, out); err != nil {
		return fmt.Errorf("writing the index: %w", err)
	}

	if !quiet {
		info := x.Info()
		fmt.Fprintf(messages, "%s: %d names, %d addresses and blocks, %d bytes\n", path, info.Names, info.Addresses, info.Bytes)
	}
	return nil
}

// writeOutput writes a file in one step, so that no reader sees a partial file. It follows links. It
// writes to devices and pipes directly, and to standard output if the path is "-".
func writeOutput(data []byte, path string, stdout io.Writer) error {
	if path == "-" {
		_, err := stdout.Write(data)
		return err
	}
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		file, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		_, err = file.Write(data)
		return errors.Join(err, file.Close())
	}

	file, err := os.CreateTemp(filepath.Dir(path), ".index-*")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name()) //nolint:errcheck // does not exist any more after the rename
	_, err = file.Write(data)
	const ownerWritesAllRead = 0o644
	err = errors.Join(err, file.Chmod(ownerWritesAllRead), file.Close())
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	return err
}

func newIndexInspect(std streams) *cobra.Command {
	var form string
	var entries bool
	cmd := &cobra.Command{
		Use:   "inspect FILE",
		Short: "Verify an index file and show its contents",
		Example: `  resolverwatch index inspect lists.rwx
  resolverwatch index inspect --entries lists.rwx | grep evil`,
		Args: argCount(1, 1, "name one index FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if form == formCSV && !entries {
				return usagef(cmd, "-o csv writes the entries of an index: add --entries")
			}
			x, err := openIndex(args[0])
			if err != nil {
				return err
			}
			switch {
			case entries:
				return writeEntries(std.out, x, form)
			case form == formJSON:
				return writeInfo(std.out, x.Info())
			}
			printInfo(std.out, args[0], x.Info())
			return nil
		},
	}
	registerForm(cmd, &form, "", formText, formJSON, formCSV)
	cmd.Flags().BoolVar(&entries, "entries", false, "write every entry, one on each line")
	return cmd
}

func openIndex(path string) (*index.Index, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the index: %w", err)
	}
	x, err := index.Open(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w; download it again, or build it with 'resolverwatch index build'", path, err)
	}
	return x, nil
}

func newIndexDiff(std streams) *cobra.Command {
	var d deployment
	var form string
	cmd := &cobra.Command{
		Use:   "diff OLD NEW",
		Short: "Compare the entries of two indexes",
		Long: `Diff compares two index files entry by entry: + was added, - was removed, ~ has a different
category, severity or confidence. The totals are printed to standard error.

With --stack or --index-bucket, OLD and NEW are the numbers of published generations.
'resolverwatch status' shows which generations are kept.
` + deploymentHelp,
		Example: `  resolverwatch index diff yesterday.rwx today.rwx
  resolverwatch index diff --stack Resolverwatch 41 42`,
		Args: argCount(2, 2, "name two indexes, OLD and NEW"),
		RunE: func(cmd *cobra.Command, args []string) error {
			before, after, err := openBoth(cmd, &d, args[0], args[1])
			if err != nil {
				return err
			}
			return writeDiff(std, before, after, form)
		},
	}
	d.registerIndex(cmd)
	registerForm(cmd, &form, "", formText, formJSON, formCSV)
	return cmd
}

// openBoth opens two index files, or two generations if a flag names a stack.
func openBoth(cmd *cobra.Command, d *deployment, first, second string) (before, after *index.Index, err error) {
	open := openIndex
	if d.isNamed(cmd) {
		if open, err = d.generations(cmd); err != nil {
			return nil, nil, err
		}
	}

	before, err = open(first)
	if _, numErr := strconv.ParseUint(first, 10, 64); numErr == nil && errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("%w; to compare generations of a stack, name the stack with --stack", err)
	}
	if err != nil {
		return nil, nil, err
	}
	after, err = open(second)
	return before, after, err
}

// generations returns a function that opens a published generation by its number.
func (d *deployment) generations(cmd *cobra.Command) (func(number string) (*index.Index, error), error) {
	o, err := d.operator(cmd.Context(), d.needIndex())
	return func(text string) (*index.Index, error) {
		number, err := strconv.ParseUint(text, 10, 64)
		if err != nil || number == 0 {
			return nil, usagef(cmd, "%q is not a generation: with --stack, name two generations by number", text)
		}
		return o.Open(cmd.Context(), number)
	}, err
}

func writeDiff(std streams, before, after *index.Index, form string) error {
	counts := map[index.ChangeKind]int{}
	out := bufio.NewWriter(std.out)
	writeStoredHeader(out, form)
	err := index.Diff(before, after, func(kind index.ChangeKind, s *index.Stored) error {
		counts[kind]++
		return newStoredLine(string(rune(kind)), s).write(out, form)
	})
	if err := errors.Join(err, out.Flush()); err != nil {
		return fmt.Errorf("comparing the indexes: %w", err)
	}
	fmt.Fprintf(std.err, "%d added, %d removed, %d changed\n",
		counts[index.Added], counts[index.Removed], counts[index.Rated])
	return nil
}

// storedLine is an entry in the output of diff and inspect.
type storedLine struct {
	Change     string             `json:"change,omitempty"`
	Value      string             `json:"indicator"`
	Scope      string             `json:"scope"`
	Action     string             `json:"action"`
	Feed       indicator.FeedID   `json:"feed"`
	Category   indicator.Category `json:"category"`
	Severity   string             `json:"severity"`
	Confidence uint8              `json:"confidence"`
}

func newStoredLine(change string, s *index.Stored) storedLine {
	return storedLine{
		Change:     change,
		Value:      s.Value(),
		Scope:      s.Scope.String(),
		Action:     s.Action.String(),
		Feed:       s.Feed,
		Category:   s.Category,
		Severity:   s.Severity.String(),
		Confidence: uint8(s.Confidence),
	}
}

func (l storedLine) write(out io.Writer, form string) error {
	switch form {
	case formJSON:
		return json.NewEncoder(out).Encode(l)
	case formCSV:
		_, err := out.Write(appendCSV(nil, changeWords[l.Change], l.Value, l.Scope, l.Action, string(l.Feed), string(l.Category), l.Severity,
			strconv.Itoa(int(l.Confidence))))
		return err
	}
	text := fmt.Sprintf("%s %s %s %s %s %s %d %s", l.Change, l.Value, l.Scope, l.Action, l.Feed, l.Severity, l.Confidence, l.Category)
	_, err := fmt.Fprintln(out, strings.TrimSpace(text))
	return err
}

// changeWords are the kinds of changes in CSV, where a sign would begin a formula.
var changeWords = map[string]string{string(index.Added): "added", string(index.Removed): "removed", string(index.Rated): "changed"}

// writeStoredHeader writes the names of the columns. For entries that did not change, change is empty.
func writeStoredHeader(out io.Writer, form string) {
	if form == formCSV {
		// An error comes back from the next write.
		_, _ = out.Write(appendCSV(nil, "change", "indicator", "scope", "action", "feed", "category", "severity", "confidence"))
	}
}

// writeEntries writes every entry of an index.
func writeEntries(to io.Writer, x *index.Index, form string) error {
	out := bufio.NewWriter(to)
	writeStoredHeader(out, form)
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
