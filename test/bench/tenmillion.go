package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/resolverwatch/resolverwatch/pkg/domainname"
	"github.com/resolverwatch/resolverwatch/pkg/index"
)

const (
	manyNames       = 10_000_000
	manyLists       = 2 // a list has at most eight million entries
	goalManyMiB     = 1382.4
	goalBytesAName  = 12.5
	goalWrongAnswer = 0
)

// benchTenMillion builds an index of ten million generated names, in a process of its own on one
// core, and then looks up every name and as many names that are not listed. It takes some
// minutes, so it runs only if it is asked for.
func benchTenMillion(r *report) error {
	dir, err := os.MkdirTemp("", "bench-ten-million-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	paths, err := writeManyNames(dir)
	if err != nil {
		return err
	}
	file := filepath.Join(dir, "index.rwx")
	f, err := buildInChild(file, paths)
	if err != nil {
		return err
	}
	r.info("names", manyNames, "")
	r.info("lists to index, one core", f.CPU, "s CPU")
	if f.PeakMiB > 0 { // 0 if the system does not report it
		r.atMost("lists to index, peak memory of the process", f.PeakMiB, "MiB", goalManyMiB)
	}

	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	r.atMost("size, with filters", float64(len(data))/manyNames, "bytes/name", goalBytesAName)
	return checkManyNames(r, data)
}

// checkManyNames looks up all names, half of them with one more label, and as many others.
func checkManyNames(r *report, data []byte) error {
	x, err := index.Open(data)
	if err != nil {
		return err
	}
	missed, misled := 0, 0
	var q domainname.Query
	var m index.Match
	for i := range 2 * manyNames {
		listed := manyName(i)
		name := listed
		if i%2 == 0 {
			name = "below." + listed
		}
		if err := q.Set([]byte(name)); err != nil {
			return fmt.Errorf("name %q: %w", name, err)
		}
		switch found := x.Match(&q, &m); {
		case i < manyNames && (!found || string(m.Indicator) != listed):
			missed++
		case i >= manyNames && found:
			misled++
		}
	}
	r.atMost("wrong answers for 10 million listed names", float64(missed), "", goalWrongAnswer)
	r.atMost("wrong answers for 10 million other names", float64(misled), "", goalWrongAnswer)
	return nil
}

// manyName returns the name with a number. Names have about the length of real ones, and most
// share their first octets with others. A code for the number makes each of them unique, so a
// name is listed if and only if its number is below manyNames.
func manyName(number int) string {
	const letters = "etaoinshrdlucmfwypvbgkjq"
	const codes = 24 * 24 * 24 * 24 * 24 * 24
	random := uint64(number) * 0x9e3779b97f4a7c15
	random ^= random >> 29

	label := make([]byte, 0, 16)
	for range random % 8 {
		random = random*0xbf58476d1ce4e5b9 + 1
		label = append(label, letters[random>>40%24])
	}
	code := number * 97_654_321 % codes // both have no common factor
	for range 6 {
		label = append(label, letters[code%24])
		code /= 24
	}
	name := string(label) + [...]string{".com", ".com", ".net", ".org", ".xyz", ".co.uk", ".ru", ".hosting.example"}[random>>50%8]
	if random>>55%10 < 3 {
		name = "www." + name
	}
	return name
}

func writeManyNames(dir string) (paths []string, err error) {
	for number := range manyLists {
		path := filepath.Join(dir, fmt.Sprintf("list-%d.txt", number))
		paths = append(paths, path)
		file, err := os.Create(path)
		if err != nil {
			return nil, err
		}
		lines := bufio.NewWriter(file)
		for i := number; i < manyNames; i += manyLists {
			fmt.Fprintln(lines, manyName(i))
		}
		if err := errors.Join(lines.Flush(), file.Close()); err != nil {
			return nil, err
		}
	}
	return paths, nil
}

// buildFigures are the results of a child process.
type buildFigures struct{ CPU, PeakMiB float64 }

// buildInChild builds an index file in another process, because memory that this process has used
// would count.
func buildInChild(file string, lists []string) (f buildFigures, err error) {
	executable, err := os.Executable()
	if err != nil {
		return f, err
	}
	child := exec.Command(executable, "-build", strings.Join(append([]string{file}, lists...), ","))
	child.Env = append(os.Environ(), "GOMAXPROCS=1")
	child.Stderr = os.Stderr
	out, err := child.Output()
	if err != nil {
		return f, fmt.Errorf("building in a child process: %w", err)
	}
	return f, json.NewDecoder(bytes.NewReader(out)).Decode(&f)
}

// buildAlone builds an index file of lists. files are the file to write and the lists.
func buildAlone(files string, out io.Writer) error {
	paths := strings.Split(files, ",")
	var lists []io.Reader
	for _, path := range paths[1:] {
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		defer file.Close()
		lists = append(lists, file)
	}

	var data []byte
	var err error
	seconds := cpuSeconds(func() { data, err = listsToIndex(lists...) })
	if err != nil {
		return err
	}
	figures := buildFigures{CPU: seconds, PeakMiB: peakMemory(os.Getpid()) / (1 << 20)}
	runtime.KeepAlive(data)
	if err := os.WriteFile(paths[0], data, 0o600); err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(figures)
}
