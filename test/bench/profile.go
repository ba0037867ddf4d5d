package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"strings"
)

const (
	profileTop     = "20" // functions that are printed
	profileEvents  = 300  // that the transformer handles
	profileMemRate = 16 << 10
)

var (
	profileFolder = flag.String("profile", "",
		"profile scans, the transformer and the importer, instead of the suites, and write the profiles into a `folder`")
	profileTask = flag.String("profiled", "", "do `folder,work,list` in this process and write its profiles; used by -profile")
)

// writeProfiles writes profiles of processor time and of allocations into a folder, and prints
// the functions that lead each. All work is done on one core: the command scans with a list and
// with an index, and the cores of the transformer and the importer run in processes of their own.
func writeProfiles(folder string) error {
	folder, err := filepath.Abs(folder)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "bench-profile-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)

	r, err := newReport(os.Stdout, "")
	if err != nil {
		return err
	}
	b := &coldBench{dir: dir}
	if err := b.prepare(r); err != nil {
		return err
	}
	index := filepath.Join(dir, "lists.rwx")
	if out, err := exec.Command(b.command, "index", "build", "-q", "--feed", b.list, "-o", index).CombinedOutput(); err != nil {
		return fmt.Errorf("building the index: %w\n%s", err, out)
	}

	scan := func(flag, path string) []string {
		return append([]string{"scan", "-q", "-o", "ndjson", flag, path}, b.logs...)
	}
	binary := filepath.Join(dir, "cli.test")
	return errors.Join(
		profileCommand(folder, "cold-scan", binary, scan("--feed", b.list)),
		profileCommand(folder, "scan-with-index", binary, scan("--index", index)),
		profileInChild(folder, "transformer", ""),
		profileInChild(folder, "importer", b.list))
}

// profileCommand profiles the command, which a benchmark of its package runs.
func profileCommand(folder, name, binary string, args []string) error {
	test := exec.Command("go", "test", "./internal/cli", "-run=^$", "-bench=^BenchmarkRun$", "-benchtime=1x",
		"-o="+binary,
		"-cpuprofile="+cpuProfile(folder, name), "-memprofile="+memoryProfile(folder, name), "-memprofilerate="+fmt.Sprint(profileMemRate))
	test.Env = append(profileEnv(), "RESOLVERWATCH_BENCH_ARGS="+strings.Join(args, "\n"))
	if out, err := test.CombinedOutput(); err != nil {
		return fmt.Errorf("profiling %s: %w\n%s", name, err, out)
	}
	return printProfiles(folder, name)
}

// profileEnv returns the environment of profiled work. On a busy machine, many samples fall into
// the runtime's preemption of goroutines, which hides the functions that it interrupts.
func profileEnv() []string {
	return append(os.Environ(), "GOMAXPROCS=1", "GODEBUG=asyncpreemptoff=1")
}

func cpuProfile(folder, name string) string    { return filepath.Join(folder, name+".cpu.pprof") }
func memoryProfile(folder, name string) string { return filepath.Join(folder, name+".allocs.pprof") }

// profileInChild profiles work of this program.
func profileInChild(folder, name, list string) error {
	executable, err := os.Executable()
	if err != nil {
		return err
	}
	child := exec.Command(executable, "-profiled", strings.Join([]string{folder, name, list}, ","))
	child.Env = profileEnv()
	if out, err := child.CombinedOutput(); err != nil {
		return fmt.Errorf("profiling %s: %w\n%s", name, err, out)
	}
	return printProfiles(folder, name)
}

// profileAlone does the named work in this process and writes its profiles.
func profileAlone(task string) (err error) {
	folder, rest, _ := strings.Cut(task, ",")
	name, list, _ := strings.Cut(rest, ",")
	work := func() error { return importAlone(list, os.Stdout) }
	runtime.MemProfileRate = 0 // what prepares the work is not profiled
	if name == "transformer" {
		if work, err = transformerWork(); err != nil {
			return err
		}
	}

	cpu, err := os.Create(cpuProfile(folder, name))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, cpu.Close()) }()
	memory, err := os.Create(memoryProfile(folder, name))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, memory.Close()) }()

	runtime.MemProfileRate = profileMemRate
	if err := pprof.StartCPUProfile(cpu); err != nil {
		return err
	}
	err = work()
	pprof.StopCPUProfile()
	runtime.GC() // completes the profile of allocations
	return errors.Join(err, pprof.Lookup("allocs").WriteTo(memory, 0))
}

// transformerWork returns work that handles an event many times.
func transformerWork() (func() error, error) {
	r, err := newReport(os.Stdout, "")
	if err != nil {
		return nil, err
	}
	b, err := newTransformBench(r)
	if err != nil {
		return nil, err
	}
	return func() error {
		for range profileEvents {
			b.append()
		}
		return b.err
	}, nil
}

// printProfiles prints the functions that lead the two profiles.
func printProfiles(folder, name string) error {
	for _, profile := range []struct{ what, path, sample string }{
		{"processor time", cpuProfile(folder, name), "cpu"},
		{"allocated bytes", memoryProfile(folder, name), "alloc_space"},
	} {
		fmt.Printf("\n%s, %s (%s)\n", name, profile.what, profile.path)
		top := exec.Command("go", "tool", "pprof", "-top", "-nodecount="+profileTop, "-sample_index="+profile.sample, profile.path)
		top.Stdout, top.Stderr = os.Stdout, os.Stderr
		if err := top.Run(); err != nil {
			return fmt.Errorf("printing the profile %s: %w", profile.path, err)
		}
	}
	return nil
}
