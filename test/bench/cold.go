package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	fastgzip "github.com/klauspost/compress/gzip"
	"golang.org/x/sync/errgroup"
)

const (
	coldNames   = 1_000_000
	coldRecords = 1_000_000
	coldFiles   = 4
	coldRounds  = 3
	// coldLabels bounds the query names, because the SQL of DuckDB needs a join for each level.
	coldLabels = 6
)

// Goals for the cold scan, against the time of each peer.
const (
	goalColdDuckDB = 0.45
	goalColdChDB   = 0.85
	goalColdChDB2  = 0.8 // on two cores
)

// benchCold measures how long a user waits who has only logs and a list: the command marks a
// million gzip records with a list of a million names, and reading the list is part of it.
// The peers do the same with the same files. They write each record with a verdict, but they
// check only its question, and know no scopes, allow lists or guards. Each runs in its own
// process, and its start counts, for the peers also that of Python.
func benchCold(r *report) error {
	dir, err := os.MkdirTemp("", "bench-cold-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)

	b := &coldBench{dir: dir, cores: allowedCores()}
	if err := b.prepare(r); err != nil {
		return err
	}
	b.invitePeers(r)
	if err := b.compareHits(r); err != nil {
		return err
	}
	if err := b.raceOnOneCore(r); err != nil {
		return err
	}
	return b.raceOnTwoCores(r)
}

// coldBench holds the files of the job and who does it.
type coldBench struct {
	dir     string
	command string // the command of this project
	list    string
	logs    []string
	cores   []string // that this process may use; none if the system does not say

	ours   *contestant
	duckDB *contestant // this and the next two are nil without Python
	chDB   *contestant
	text   *contestant // chDB that looks for the query name without parsing JSON
}

// contestant does the job in a process of its own.
type contestant struct {
	name string
	// arguments returns the command for a number of threads. It writes the marked records to
	// /dev/null or, with show, to its standard output.
	arguments func(threads int, show bool) []string
}

// prepare writes the input and builds the command.
func (b *coldBench) prepare(r *report) error {
	if err := b.writeInput(r); err != nil {
		return err
	}
	b.command = filepath.Join(b.dir, "resolverwatch")
	if out, err := exec.Command("go", "build", "-o", b.command, "./cmd/resolverwatch").CombinedOutput(); err != nil {
		return fmt.Errorf("building the command: %w\n%s", err, out)
	}
	b.ours = &contestant{"resolverwatch", func(int, bool) []string {
		return append([]string{b.command, "scan", "-q", "-o", "ndjson", "--feed", b.list}, b.logs...)
	}}
	return nil
}

// invitePeers adds the peers if there is a Python that has them.
func (b *coldBench) invitePeers(r *report) {
	python := os.Getenv("BENCH_PYTHON")
	if python == "" {
		r.note("DuckDB and chDB are skipped: BENCH_PYTHON names no Python that has them; make bench sets it up")
		return
	}
	peer := func(name, script string, more ...string) *contestant {
		return &contestant{name, func(threads int, show bool) []string {
			out := map[bool]string{false: "/dev/null", true: "/dev/stdout"}[show]
			return append([]string{python, filepath.Join("test", "peers", script),
				fmt.Sprint(threads), out, b.list, filepath.Join(b.dir, "*.log.gz")}, more...)
		}}
	}
	b.duckDB = peer("DuckDB", "cold_duckdb.py")
	b.chDB = peer("chDB", "cold_chdb.py")
	b.text = peer("chDB that parses no JSON", "cold_chdb.py", "text")
}

// peers returns the contestants other than ours.
func (b *coldBench) peers() []*contestant {
	if b.duckDB == nil {
		return nil
	}
	return []*contestant{b.duckDB, b.chDB, b.text}
}

// writeInput writes a list and logs.
func (b *coldBench) writeInput(r *report) error {
	names, err := indexNames(r)
	if err != nil {
		return err
	}
	names.list = names.list[:min(len(names.list), coldNames)]
	b.list = filepath.Join(b.dir, "names.txt")
	if err := os.WriteFile(b.list, []byte(strings.Join(names.list, "\n")+"\n"), 0o600); err != nil {
		return err
	}

	var group errgroup.Group
	for i := range coldFiles {
		path := filepath.Join(b.dir, fmt.Sprintf("%d.log.gz", i))
		b.logs = append(b.logs, path)
		var text strings.Builder
		for range coldRecords / coldFiles {
			text.WriteString(names.shallowRecord())
			text.WriteByte('\n')
		}
		group.Go(func() error { return writeGzip(path, text.String()) })
	}
	r.info("names in the list", float64(len(names.list)), "")
	r.info("records in the logs", coldRecords, "")
	return group.Wait()
}

// shallowRecord returns a record whose query name has at most coldLabels labels.
func (c *indexCorpus) shallowRecord() string {
	for {
		record := c.record()
		if strings.Count(queryName(record), ".") < coldLabels {
			return record
		}
	}
}

// queryName returns the query name of a generated record, without the last dot.
func queryName(record string) string {
	_, rest, _ := strings.Cut(record, `"query_name":"`)
	name, _, _ := strings.Cut(rest, `."`)
	return name
}

func writeGzip(path, text string) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(file, 1<<20)
	packer := fastgzip.NewWriter(out)
	_, err = packer.Write([]byte(text))
	return errors.Join(err, packer.Close(), out.Flush(), file.Close())
}

// raceOnOneCore compares processor times on one core, which other work on the machine hardly
// changes. With one core, they are what a user waits for on a machine that does nothing else.
func (b *coldBench) raceOnOneCore(r *report) error {
	contestants := append([]*contestant{b.ours}, b.peers()...)
	cpu := make([][]float64, len(contestants))
	for range coldRounds {
		for i, c := range contestants {
			used, _, err := b.run(c, 1)
			if err != nil {
				return err
			}
			cpu[i] = append(cpu[i], used.Seconds())
		}
	}
	for i, c := range contestants {
		r.info("cold scan by "+c.name+", one core", median(cpu[i]), "s CPU")
	}
	if b.duckDB == nil {
		return nil
	}
	ours := median(cpu[0])
	r.atMost("cold scan / DuckDB, one core", ours/median(cpu[1]), "x", goalColdDuckDB)
	r.atMost("cold scan / chDB, one core", ours/median(cpu[2]), "x", goalColdChDB)
	r.info("cold scan / chDB that parses no JSON, one core", ours/median(cpu[3]), "x")
	return nil
}

// raceOnTwoCores compares elapsed times, because only they show what a second core gains. Other
// work on the machine changes them.
func (b *coldBench) raceOnTwoCores(r *report) error {
	if b.chDB == nil {
		return nil
	}
	if len(b.cores) == 1 {
		r.note("two cores are skipped: this process may use only one")
		return nil
	}
	var ours, theirs []float64
	for range coldRounds {
		_, elapsed, err := b.run(b.ours, 2)
		if err != nil {
			return err
		}
		ours = append(ours, elapsed.Seconds())
		if _, elapsed, err = b.run(b.chDB, 2); err != nil {
			return err
		}
		theirs = append(theirs, elapsed.Seconds())
	}
	r.info("cold scan by resolverwatch, two cores", median(ours), "s")
	r.info("cold scan by chDB, two cores", median(theirs), "s")
	r.atMost("cold scan / chDB, two cores", median(ours)/median(theirs), "x", goalColdChDB2)
	return nil
}

// run does the job once, and returns the processor time and the elapsed time.
func (b *coldBench) run(c *contestant, cores int) (cpu, elapsed time.Duration, err error) {
	start := time.Now()
	command := b.pinned(c.arguments(cores, false), cores)
	var messages bytes.Buffer
	command.Stderr = &messages
	if err := command.Run(); err != nil {
		return 0, 0, fmt.Errorf("scanning with %s: %w\n%s", c.name, err, messages.String())
	}
	state := command.ProcessState
	return state.UserTime() + state.SystemTime(), time.Since(start), nil
}

// pinned returns a command that uses that many cores. Without taskset it only sets how many
// threads run Go code at a time; the peers get the number as an argument.
func (b *coldBench) pinned(arguments []string, cores int) *exec.Cmd {
	if taskset, err := exec.LookPath("taskset"); err == nil && len(b.cores) >= cores {
		arguments = append([]string{taskset, "-c", strings.Join(b.cores[:cores], ",")}, arguments...)
	}
	command := exec.Command(arguments[0], arguments[1:]...)
	command.Env = append(os.Environ(), fmt.Sprintf("GOMAXPROCS=%d", cores))
	return command
}

// allowedCores returns the numbers of the cores that this process may use, or nothing if the
// system does not say.
func allowedCores() (cores []string) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return nil
	}
	_, rest, _ := strings.Cut(string(status), "Cpus_allowed_list:")
	list, _, _ := strings.Cut(rest, "\n")
	for _, part := range strings.Split(strings.TrimSpace(list), ",") {
		var first, last int
		if n, _ := fmt.Sscanf(part, "%d-%d", &first, &last); n < 2 {
			last = first
		}
		for core := first; core <= last; core++ {
			cores = append(cores, fmt.Sprint(core))
		}
	}
	return cores
}
