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

	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

func newIndex(std streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "index",
		Short: "Make, describe and compare index files",
		Example: `  resolverwatch index build --feed urlhaus.csv -o lists.rwx
  resolverwatch index inspect lists.rwx`,
		Args: cobra.NoArgs,
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
		Short: "Make an index file of lists",
		Long: `Build reads lists through the importer's guards and writes the index that the
transformer and 'scan --index' load. LIST is ` + listSyntax + `.`,
		Example: `  resolverwatch index build --feed urlhaus.csv --feed hosts.txt -o lists.rwx`,
		Args:    argCount(0, 0, noArguments),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if out == "" {
				return usagef(cmd, "no file to write: name one with --output")
			}
			o.BuiltAt = time.Now()
			if o.Seed != 0 {
				o.BuiltAt = time.Time{} // a seed is given to get the same file again
			}
			data, err := l.bytes(cmd, std.err, o)
			if err != nil {
				return err
			}
			return writeIndex(data, out, std.err, l.quiet)
		},
	}
	l.register(cmd)
	flags := cmd.Flags()
	flags.StringVarP(&out, "output", "o", "", "`FILE` to write (required)")
	flags.Uint64Var(&o.Generation, "generation", 1, "`NUMBER` that marked records carry as index_generation")
	flags.Uint64Var(&o.Seed, "seed", 0, "`SEED` of the hashes; the same lists and seed give the same bytes (default: random)")
	return cmd
}

// writeIndex checks the index as a publisher does and puts it into its place in one
// step, so that no reader ever opens half of it.
func writeIndex(data []byte, path string, messages io.Writer, quiet bool) error {
	const samples = 1000
	x, err := index.Open(data)
	if err != nil {
		return fmt.Errorf("checking the index: %w", err)
	}
	if err := x.SelfCheck(samples); err != nil {
		return fmt.Errorf("checking the index: %w", err)
	}
	file, err := os.CreateTemp(filepath.Dir(path), ".index-*")
	if err != nil {
		return fmt.Errorf("writing the index: %w", err)
	}
	defer os.Remove(file.Name()) //nolint:errcheck // gone already, once it is renamed
	_, err = file.Write(data)
	const ownerWritesAllRead = 0o644
	err = errors.Join(err, file.Chmod(ownerWritesAllRead), file.Close())
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("writing the index: %w", err)
	}
	if !quiet {
		info := x.Info()
		fmt.Fprintf(messages, "%s: %d names, %d addresses and blocks, %d bytes\n", path, info.Names, info.Addresses, info.Bytes)
	}
	return nil
}

func newIndexInspect(std streams) *cobra.Command {
	var form string
	var entries bool
	cmd := &cobra.Command{
		Use:   "inspect FILE",
		Short: "Verify an index file and say what is in it",
		Example: `  resolverwatch index inspect lists.rwx
  resolverwatch index inspect --entries lists.rwx | grep evil`,
		Args: argCount(1, 1, "name one index FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if form != formText && form != formJSON {
				return usagef(cmd, "output %q: must be text or json", form)
			}
			x, err := openIndex(args[0])
			if err != nil {
				return err
			}
			switch {
			case entries:
				return writeEntries(std.out, x, form)
			case form == formJSON:
				return json.NewEncoder(std.out).Encode(x.Info())
			}
			printInfo(std.out, args[0], x.Info())
			return nil
		},
	}
	cmd.Flags().StringVarP(&form, "output", "o", formText, "`FORM`: text or json")
	cmd.Flags().BoolVar(&entries, "entries", false, "write every entry, one a line")
	return cmd
}

func openIndex(path string) (*index.Index, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the index: %w", err)
	}
	x, err := index.Open(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w; fetch it again, or build it with 'resolverwatch index build'", path, err)
	}
	return x, nil
}

func printInfo(out io.Writer, path string, info index.Info) {
	built := "not said"
	if !info.BuiltAt.IsZero() {
		built = info.BuiltAt.UTC().Format(time.RFC3339)
	}
	fmt.Fprintf(out, "%s: index format %d, verified\n", path, info.FormatVersion)
	fmt.Fprintf(out, "  generation   %d\n  built        %s\n", info.Generation, built)
	fmt.Fprintf(out, "  names        %d\n  addresses    %d\n", info.Names, info.Addresses)
	fmt.Fprintf(out, "  bytes        %d", info.Bytes)
	if info.Names > 0 {
		fmt.Fprintf(out, " (%.2f a name)", float64(info.Bytes)/float64(info.Names))
	}
	fmt.Fprintf(out, "\n  content      %s\n  checksum     %s\n", info.ContentHash, info.Checksum)
	for _, f := range info.Feeds {
		kind := "block"
		if f.VetoesAll {
			kind = "allow"
		}
		fmt.Fprintf(out, "  feed         %s (%s): %d names, %d addresses\n", f.ID, kind, f.Names, f.Addresses)
	}
	for _, s := range info.Sections {
		fmt.Fprintf(out, "  section      %-16s %d bytes\n", s.Name, s.Bytes)
	}
}

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
		Args: argCount(2, 2, "name two indexes, OLD and NEW"),
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
