// Command mutants tests the tests of the parts that no fault may slip through: it changes one
// operator after the other, and looks whether a test fails. It prints a score for each part, and the
// changes that no test noticed.
//
// The changes are made by gremlins in a copy of the tree. Results are kept for each file, so a run
// that was ended continues where it was, and a file is tested again only if its package has changed.
// Changes that make no difference to what the code does are in testdata/explained.tsv with the
// reason; they do not count.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
)

// options say what to test.
type options struct {
	root, out string
	gremlins  string // the program
	only      []string
	workers   int
	report    bool // report the results that there are, and test nothing
	survivors bool // test only what survived before
}

// minimum is the share of changes, in percent, that tests must notice in each part.
const minimum = 85

var errTooFew = fmt.Errorf("the tests of a part notice less than %d %% of its changes", minimum)

func main() {
	o := options{root: "."}
	flag.StringVar(&o.gremlins, "gremlins", "gremlins", "the program")
	flag.StringVar(&o.out, "out", "build/mutants", "folder of the results")
	flag.IntVar(&o.workers, "workers", 2, "changes that are tested at once")
	flag.BoolVar(&o.report, "report", false, "report the results that there are, without testing")
	flag.BoolVar(&o.survivors, "survivors", false, "test again only the changes that no test noticed, after tests were added")
	only := flag.String("only", "", "parts or files to test, with spaces between them: marker pkg/index/match.go")
	flag.Parse()
	o.only = strings.Fields(*only)

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, &o); err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, o *options) error {
	chosen, err := choose(o.only)
	if err != nil {
		return err
	}
	explained, err := readExplained(o.root)
	if err != nil {
		return err
	}
	switch {
	case o.report:
	case o.survivors:
		err = retestAll(ctx, o, chosen, explained)
	default:
		err = testAll(ctx, o, chosen)
	}
	if err != nil {
		return err
	}

	tooFew := false
	for _, p := range chosen {
		s, err := scoreOf(o, &p, explained)
		if err != nil {
			return err
		}
		s.print(os.Stdout)
		tooFew = tooFew || s.percent() < minimum
	}
	if tooFew {
		return errTooFew
	}
	return nil
}
