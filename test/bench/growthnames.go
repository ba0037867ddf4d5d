package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/domainname"
	"github.com/resolverwatch/resolverwatch/pkg/index"
)

// growthName returns a name for each number, which is different from all others. Names with an
// even number are listed; no other name is below one of them.
func growthName(to []byte, number uint64) []byte {
	// An odd factor makes a permutation of the numbers below 2^35. Seven digits are always
	// enough, and never too many, so labels do not repeat.
	const sevenDigits = 36 * 36 * 36 * 36 * 36 * 36
	mixed := number * 0x9E3779B97F4A7C15
	random := mixed >> 40
	if random%10 < 3 {
		to = append(to, "www."...)
	}
	to = append(to, 'a'+byte(random%26))
	to = strconv.AppendUint(to, sevenDigits+mixed&(1<<35-1), 36)
	for range random / 26 % 8 {
		to = append(to, 'a'+byte(random%23))
	}
	to = append(to, '.')
	return append(to, []string{"com", "net", "org", "info", "xyz", "top", "ru", "co.uk"}[random/208%8]...)
}

func listedName(to []byte, n int) []byte   { return growthName(to, 2*uint64(n)) }
func unlistedName(to []byte, n int) []byte { return growthName(to, 2*uint64(n)+1) }

// growthFigures are the results of a build: processor time and size per name, and peak memory.
type growthFigures struct{ micros, bytes, mebibytes float64 }

// growthPart is how many names are in a file. A list may have eight million.
const growthPart = 5_000_000

// build builds an index of the first names with the command, from lists that all have them.
func (b *growthBench) build(names, lists int) (f growthFigures, x *index.Index, err error) {
	file := filepath.Join(b.dir, "lists.rwx")
	arguments := []string{"index", "build", "-q", "--seed", "42", "-o", file}
	for first := 0; first < names; first += growthPart {
		path := filepath.Join(b.dir, fmt.Sprintf("names-%d.txt", first))
		if err := writeGrowthList(path, first, min(names, first+growthPart)); err != nil {
			return f, nil, err
		}
		for n := range lists {
			arguments = append(arguments, "--feed", fmt.Sprintf("list-%d-%d=%s", n, first, path))
		}
	}
	f, err = b.measureBuild(arguments, names)
	if err != nil {
		return f, nil, err
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return f, nil, err
	}
	f.bytes = float64(len(data)) / float64(names)
	x, err = index.Open(data)
	return f, x, err
}

// measureBuild runs the command, and returns all figures but the size.
func (b *growthBench) measureBuild(arguments []string, names int) (f growthFigures, err error) {
	command := exec.Command(b.command, arguments...)
	command.Env = append(os.Environ(), "GOMAXPROCS=1")
	var messages bytes.Buffer
	command.Stderr = &messages
	if err := command.Start(); err != nil {
		return f, err
	}
	peak := watchMemory(command.Process.Pid)
	err = command.Wait()
	f.mebibytes = peak() / (1 << 20)
	if err != nil {
		return f, fmt.Errorf("building an index of %d names: %w\n%s", names, err, messages.String())
	}
	cpu := command.ProcessState.UserTime() + command.ProcessState.SystemTime()
	f.micros = cpu.Seconds() * 1e6 / float64(names)
	return f, nil
}

// watchMemory reads the peak memory of a process until it ends or the returned function is
// called, which returns the highest value. It misses what is allocated in the last milliseconds.
func watchMemory(pid int) (stop func() float64) {
	done, result := make(chan struct{}), make(chan float64)
	go func() {
		peak := 0.0
		for {
			select {
			case <-done:
				result <- peak
				return
			case <-time.After(2 * time.Millisecond):
				peak = max(peak, peakMemory(pid))
			}
		}
	}()
	return func() float64 {
		close(done)
		return <-result
	}
}

func writeGrowthList(path string, first, end int) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(file, 1<<20)
	var line []byte
	for n := first; n < end; n++ {
		line = append(listedName(line[:0], n), '\n')
		if _, err := out.Write(line); err != nil {
			return errors.Join(err, file.Close())
		}
	}
	return errors.Join(out.Flush(), file.Close())
}

const (
	growthQueries = 300_000
	growthRounds  = 3
)

// growthLookUps returns the time of a look-up of a name that is not listed, and of one that is,
// in nanoseconds. Names are looked up in a random order. A wrong answer is an error.
func growthLookUps(x *index.Index, names int) (miss, hit float64, err error) {
	queries := func(name func([]byte, int) []byte) []string {
		list := make([]string, growthQueries)
		for i := range list {
			list[i] = string(name(nil, int(uint64(i)*0x9E3779B97F4A7C15>>20%uint64(names))))
		}
		return list
	}
	listed, others := queries(listedName), queries(unlistedName)
	var match index.Match
	look := func(q *domainname.Query) bool { return x.Match(q, &match) }
	var misses, hits []float64
	for range growthRounds {
		parsing, _ := indexPass(others, func(*domainname.Query) bool { return false })
		a, wrong := indexPass(others, look)
		parsingListed, _ := indexPass(listed, func(*domainname.Query) bool { return false })
		b, right := indexPass(listed, look)
		if wrong > 0 || right < len(listed) {
			return 0, 0, fmt.Errorf("%d of %d names that are not listed match, and %d of %d listed ones",
				wrong, len(others), right, len(listed))
		}
		misses, hits = append(misses, a-parsing), append(hits, b-parsingListed)
	}
	return median(misses), median(hits), nil
}
