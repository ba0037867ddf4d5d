package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	fastgzip "github.com/klauspost/compress/gzip"
	"golang.org/x/sync/errgroup"
)

const (
	scanFiles   = 4
	scanRecords = 200_000 // per file, some 90 MB of text
	scanRounds  = 3
	// scanEndlessBytes is how much is sent through standard input to check that memory does
	// not grow.
	scanEndlessBytes = 10 << 30
)

// benchScan measures the command as users run it: in its own process, from gzip files to
// marked NDJSON. The floor is gunzip alone, for the same files and on as many cores.
func benchScan(r *report) error {
	dir, err := os.MkdirTemp("", "bench-scan-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	command := filepath.Join(dir, "resolverwatch")
	if out, err := exec.Command("go", "build", "-o", command, "./cmd/resolverwatch").CombinedOutput(); err != nil {
		return fmt.Errorf("building the command: %w\n%s", err, out)
	}
	list, logs, err := scanInput(dir)
	if err != nil {
		return err
	}
	index := filepath.Join(dir, "lists.rwx")
	if out, err := exec.Command(command, "index", "build", "-q", "--feed", list, "-o", index).CombinedOutput(); err != nil {
		return fmt.Errorf("building the index: %w\n%s", err, out)
	}
	if err := benchScanFiles(r, command, index, logs); err != nil {
		return err
	}
	return benchScanMemory(r, command, index, logs[0])
}

func benchScanFiles(r *report, command, index string, logs []string) error {
	var gunzips, scans, gzips []float64
	for range scanRounds {
		for _, step := range []struct {
			seconds *[]float64
			run     func() error
		}{
			{&gunzips, func() error { return gunzipAll(logs) }},
			{&scans, func() error {
				return exec.Command(command, append([]string{"scan", "-q", "-o", "ndjson", "--index", index}, logs...)...).Run()
			}},
			{&gzips, func() error { return exec.Command("gzip", append([]string{"-dc"}, logs...)...).Run() }},
		} {
			start := time.Now()
			if err := step.run(); err != nil {
				return fmt.Errorf("scanning: %w", err)
			}
			*step.seconds = append(*step.seconds, time.Since(start).Seconds())
		}
	}
	scan := middle(scans)
	r.info("scan of gzip logs", scanFiles*scanRecords/scan/1e6, "M records/s")
	r.atMost("scan of gzip logs / gunzip alone, same library and cores", scan/middle(gunzips), "x", 2)
	r.atMost("scan of gzip logs / gzip -dc", scan/middle(gzips), "x", 2)
	return nil
}

func middle(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}

func gunzipAll(logs []string) error {
	var group errgroup.Group
	group.SetLimit(2)
	for _, path := range logs {
		group.Go(func() error {
			return gunzip(io.Discard, path)
		})
	}
	return group.Wait()
}

func gunzip(out io.Writer, path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	reader, err := fastgzip.NewReader(file)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, reader)
	return err
}

// benchScanMemory repeatedly sends the text of one log through standard input.
func benchScanMemory(r *report, command, index, log string) error {
	var text bytes.Buffer
	if err := gunzip(&text, log); err != nil {
		return err
	}
	scan := exec.Command(command, "scan", "-q", "-o", "ndjson", "--index", index, "-")
	in, err := scan.StdinPipe()
	if err != nil {
		return err
	}
	if err := scan.Start(); err != nil {
		return err
	}
	start, sent := time.Now(), 0
	for sent < scanEndlessBytes {
		n, err := in.Write(text.Bytes())
		if sent += n; err != nil {
			break // the command ended early; Wait returns the reason
		}
	}
	peak := peakMemory(scan.Process.Pid)
	in.Close()
	if err := scan.Wait(); err != nil {
		return fmt.Errorf("scanning standard input: %w", err)
	}
	name := fmt.Sprintf("scan of %.0f GiB on standard input", float64(sent)/(1<<30))
	r.info(name, float64(sent)/1e6/time.Since(start).Seconds(), "MB/s")
	if peak > 0 {
		r.atMost(name+", peak memory", peak/(1<<20), "MiB", 256)
	}
	return nil
}

// peakMemory returns the peak memory of a running process in bytes, or 0 if the system does
// not report it. The resource usage of a finished child cannot be used, because it includes
// this process as it was when the child was forked.
func peakMemory(pid int) (peak float64) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	_, line, _ := bytes.Cut(status, []byte("VmHWM:"))
	if _, err := fmt.Sscanf(string(line), "%f kB", &peak); err != nil {
		return 0
	}
	return peak * 1024
}

// scanInput writes a list of 200,000 generated names, and logs in which one record in a
// hundred asks for one of them.
func scanInput(dir string) (list string, logs []string, err error) {
	random := rand.New(rand.NewPCG(1, 2))
	var names bytes.Buffer
	listed := make([]string, 200_000)
	for i := range listed {
		listed[i] = fmt.Sprintf("%x.example", random.Uint64())
		fmt.Fprintln(&names, listed[i])
	}
	list = filepath.Join(dir, "names.txt")
	if err := os.WriteFile(list, names.Bytes(), 0o600); err != nil {
		return "", nil, err
	}
	for i := range scanFiles {
		path := filepath.Join(dir, fmt.Sprintf("%d.json.gz", i))
		logs = append(logs, path)
		if err := writeScanLog(path, random, listed); err != nil {
			return "", nil, err
		}
	}
	return list, logs, nil
}

func writeScanLog(path string, random *rand.Rand, listed []string) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer file.Close()
	out := gzip.NewWriter(file)
	hosts := make([]uint64, 5000)
	for i := range hosts {
		hosts[i] = random.Uint64() >> 4
	}
	for range scanRecords {
		name := scanName(random)
		if random.IntN(100) == 0 {
			name = "www." + listed[random.IntN(len(listed))]
		}
		fmt.Fprintf(out, `{"version":"1.100000","account_id":"123456789012","region":"eu-west-1","vpc_id":"vpc-0%015x",`+
			`"query_timestamp":"2026-01-01T%02d:%02d:%02dZ","query_name":"%s.","query_type":"A","query_class":"IN","rcode":"NOERROR",`+
			`"answers":[%s],"srcaddr":"10.%d.%d.%d","srcport":"%d","transport":"UDP","srcids":{"instance":"i-0%015x"}}`+"\n",
			hosts[random.IntN(20)], random.IntN(24), random.IntN(60), random.IntN(60), name, scanAnswers(random),
			random.IntN(4), random.IntN(256), random.IntN(256), random.IntN(1<<16), hosts[random.IntN(len(hosts))])
	}
	return out.Close()
}

// scanName and scanAnswers vary as much as real traffic does, so that the logs compress
// about as well as real ones, seven to one, because gunzip is the floor.
func scanName(random *rand.Rand) string {
	name := make([]byte, 4+random.IntN(12))
	for i := range name {
		name[i] = "abcdefghijklmnopqrstuvwxyz0123456789-"[random.IntN(37)]
	}
	return fmt.Sprintf("x%s.%s.test", name, []string{"s3.eu-west-1.cloud", "api.shop", "cdn", "sqs.cloud", "mail"}[random.IntN(5)])
}

func scanAnswers(random *rand.Rand) string {
	var answers bytes.Buffer
	for i := range 1 + random.IntN(3) {
		if i > 0 {
			answers.WriteByte(',')
		}
		fmt.Fprintf(&answers, `{"Rdata":"%d.%d.%d.%d","Type":"A","Class":"IN"}`,
			random.IntN(256), random.IntN(256), random.IntN(256), random.IntN(256))
	}
	return answers.String()
}
