package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// goalMatcher is how many times as fast as the matcher look-ups of names that are not listed are.
const goalMatcher = 4

// benchMatcher compares an index with the matcher of V2Ray, which routes by domain names, on the
// names and queries of the index suite. The module test/peers does that, because nothing else
// shall depend on the matcher.
func benchMatcher(r *report) error {
	names, err := indexNames(r)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "bench-matcher-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)

	mixes := names.mixes(names.peer())
	paths := []string{filepath.Join(dir, "names")}
	err = writeLines(paths[0], names.list)
	for i, mix := range mixes {
		paths = append(paths, filepath.Join(dir, fmt.Sprint(i)))
		err = errors.Join(err, writeLines(paths[i+1], mix.queries))
	}
	if err != nil {
		return err
	}

	child := exec.Command("go", append([]string{"run", "-C", filepath.Join("test", "peers"), "."}, paths...)...)
	child.Stderr = os.Stderr
	out, err := child.Output()
	if err != nil {
		return fmt.Errorf("comparing with the matcher: %w", err)
	}
	return printMatcher(r, out, mixes)
}

func writeLines(path string, lines []string) error {
	return os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o600)
}

// matcherFigures is a line of the comparison: nanoseconds and bytes of a name for the builds,
// and nanoseconds of a look-up for each mix.
type matcherFigures struct {
	Ours, Theirs, OursBytes, TheirsBytes, Ratio float64
}

func printMatcher(r *report, out []byte, mixes []indexMix) error {
	decoder := json.NewDecoder(bytes.NewReader(out))
	var f matcherFigures
	if err := decoder.Decode(&f); err != nil {
		return fmt.Errorf("reading the comparison: %w", err)
	}
	r.info("V2Ray's matcher, build", f.Theirs, "ns/name")
	r.info("index, build", f.Ours, "ns/name")
	r.info("V2Ray's matcher, size", f.TheirsBytes, "bytes/name")
	r.info("V2Ray's matcher, size / index", f.TheirsBytes/f.OursBytes, "x")
	for _, mix := range mixes {
		f = matcherFigures{}
		if err := decoder.Decode(&f); errors.Is(err, io.EOF) {
			return errors.New("the comparison has too few lines")
		} else if err != nil {
			return fmt.Errorf("reading the comparison: %w", err)
		}
		r.info(mix.name+", V2Ray's matcher", f.Theirs, "ns")
		r.info(mix.name+", index", f.Ours, "ns")
		if mix.hits {
			r.info(mix.name+", times faster than V2Ray's matcher", f.Ratio, "x")
			continue
		}
		r.atLeast(mix.name+", times faster than V2Ray's matcher", f.Ratio, "x", goalMatcher)
	}
	return nil
}
