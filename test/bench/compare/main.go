// Command compare measures two commits with the bench and prints, for each figure, the two
// medians, their spreads, and whether they differ by more than the spread. It checks both
// commits out into a temporary folder, builds the bench of each, and runs the two in turn,
// because the speed of a shared machine changes over minutes.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// config says what is compared.
type config struct {
	repository string // a folder of the repository
	base, head string // commits
	runs       int    // of each side
	only       string // suites, comma-separated; "" means all
}

func main() {
	var c config
	flag.StringVar(&c.repository, "repository", ".", "a `folder` of the repository")
	flag.StringVar(&c.base, "base", "", "the `commit` to compare with, required")
	flag.StringVar(&c.head, "head", "HEAD", "the `commit` that is compared")
	flag.IntVar(&c.runs, "runs", 9, "how often each bench runs")
	flag.StringVar(&c.only, "only", "", "comma-separated suites to run; the default is all")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, c, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "bench-compare:", err)
		os.Exit(1)
	}
}

// run prints the comparison to out and the progress to log.
func run(ctx context.Context, c config, out, log io.Writer) (err error) {
	if c.base == "" {
		return errors.New("there is no base: make bench-compare BASE=COMMIT")
	}
	if c.runs < 1 {
		return fmt.Errorf("%d runs: there must be at least 1", c.runs)
	}
	folder, err := os.MkdirTemp("", "bench-compare")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()

	base := &side{name: "base", commit: c.base, folder: filepath.Join(folder, "base")}
	head := &side{name: "head", commit: c.head, folder: filepath.Join(folder, "head")}
	for _, s := range []*side{base, head} {
		if err := s.prepare(ctx, c.repository); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, s.remove(c.repository)) }()
		fmt.Fprintf(log, "%s is %s\n", s.name, s.commit)
	}

	for i := range c.runs {
		order := []*side{base, head}
		if i%2 == 1 {
			order = []*side{head, base} // neither is always the first of a pair
		}
		for _, s := range order {
			start := time.Now()
			if err := s.measure(ctx, c.only); err != nil {
				return fmt.Errorf("run %d of %s: %w", i+1, s.name, err)
			}
			fmt.Fprintf(log, "run %d of %d, %s: %.0f s\n", i+1, c.runs, s.name, time.Since(start).Seconds())
		}
	}
	printComparison(out, compare(base.figures, head.figures))
	return nil
}

// A side is one of the two commits.
type side struct {
	name    string
	commit  string // the full hash and the subject, after prepare
	folder  string // its files
	figures *figures
}

// prepare checks the commit out and builds its bench.
func (s *side) prepare(ctx context.Context, repository string) error {
	commit, err := command(ctx, repository, "git", "rev-parse", "--verify", "--quiet", s.commit+"^{commit}")
	if err != nil {
		return fmt.Errorf("%s: there is no commit %q", s.name, s.commit)
	}
	if _, err := command(ctx, repository, "git", "worktree", "add", "--quiet", "--detach", s.folder, commit); err != nil {
		return err
	}
	s.figures = newFigures()
	if s.commit, err = command(ctx, s.folder, "git", "log", "-1", "--format=%h %s"); err != nil {
		return errors.Join(err, s.remove(repository))
	}
	// -C builds it in its own module, if it has one.
	if _, err := command(ctx, s.folder, "go", "build", "-C", "test/bench", "-o", s.binary(), "."); err != nil {
		return errors.Join(fmt.Errorf("building the bench of %s: %w", s.name, err), s.remove(repository))
	}
	return nil
}

func (s *side) binary() string { return s.folder + ".bench" }

// remove removes the checkout from the repository, also after an interrupt.
func (s *side) remove(repository string) error {
	_, err := command(context.Background(), repository, "git", "worktree", "remove", "--force", s.folder)
	return err
}

// measure runs the bench once and adds its figures. The bench runs in the folder of its
// commit, because it builds the command from there.
func (s *side) measure(ctx context.Context, only string) error {
	path := s.folder + ".json"
	bench := exec.CommandContext(ctx, s.binary())
	if only != "" {
		bench.Args = append(bench.Args, "-only", only)
	}
	bench.Dir = s.folder
	bench.Env = append(os.Environ(), "BENCH_JSON="+path)
	if out, err := bench.CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, bytes.TrimSpace(out))
	}
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	return s.figures.add(file)
}

// command returns the output of a command, without the space around it.
func command(ctx context.Context, folder, name string, args ...string) (string, error) {
	c := exec.CommandContext(ctx, name, args...)
	c.Dir = folder
	var stderr bytes.Buffer
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, bytes.TrimSpace(stderr.Bytes()))
	}
	return strings.TrimSpace(string(out)), nil
}
