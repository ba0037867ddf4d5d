package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/gzip"

	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/marker"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// Goals for a log object of 100 MB with an index of a million names, on one core: a function with
// the power of one processor marks it long before its limits of time and memory.
const (
	markObjectBytes = 100 << 20 // compressed
	markRecords     = 50_000    // different records, which the object repeats
	goalMarkMicros  = 3
	goalMarkMiB     = 150
)

// markFigures are the results of a child process.
type markFigures struct {
	Records     int
	CPU, MiB    float64
	OutputBytes int
}

// benchMarker measures the marking of one large log object, from its compressed bytes to those of
// the marked object. The buckets are files, so the time on the network is not part of it. It runs
// in its own process, on one core.
func benchMarker(r *report) error {
	names, err := indexNames(r)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "bench-marker-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	file, err := names.build()
	if err != nil {
		return err
	}
	indexPath, objectPath := filepath.Join(dir, "index"), filepath.Join(dir, "object.log.gz")
	if err := os.WriteFile(indexPath, file, 0o600); err != nil {
		return err
	}
	raw, err := writeLogObject(objectPath, names)
	if err != nil {
		return err
	}
	f, err := markInChild(objectPath, indexPath)
	if err != nil {
		return err
	}
	r.info("records", float64(f.Records), "")
	r.info("text of the object", float64(raw)/(1<<20), "MiB")
	r.atMost("log object to marked object, one core", 1e6*f.CPU/float64(f.Records), "us CPU/record", goalMarkMicros)
	r.info("marked object / log object", float64(f.OutputBytes)/markObjectBytes, "x")
	if f.MiB > 0 { // 0 if the system does not report it
		r.atMost("log object to marked object, peak memory of the process", f.MiB, "MiB", goalMarkMiB)
	}
	return nil
}

// writeLogObject writes an object of at least markObjectBytes. It returns the size of its text.
func writeLogObject(path string, names *indexCorpus) (raw int, err error) {
	var text strings.Builder
	for range markRecords {
		text.WriteString(names.record())
		text.WriteByte('\n')
	}
	file, err := os.Create(path)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	packer, err := gzip.NewWriterLevel(file, gzip.DefaultCompression)
	if err != nil {
		return 0, err
	}
	for {
		if _, err := io.WriteString(packer, text.String()); err != nil {
			return 0, err
		}
		raw += text.Len()
		if size, err := file.Seek(0, io.SeekCurrent); err != nil || size >= markObjectBytes {
			return raw, errors.Join(err, packer.Close())
		}
	}
}

// markInChild marks an object in a process of its own.
func markInChild(object, index string) (*markFigures, error) {
	executable, err := os.Executable()
	if err != nil {
		return nil, err
	}
	child := exec.Command(executable, "-mark", object+","+index)
	child.Env = append(os.Environ(), "GOMAXPROCS=1", settings.EnvMemoryLimit+"="+settings.MemoryLimit(256))
	child.Stderr = os.Stderr
	out, err := child.Output()
	if err != nil {
		return nil, fmt.Errorf("marking in a child process: %w", err)
	}
	f := &markFigures{}
	return f, json.Unmarshal(out, f)
}

// markAlone marks an object with an index, and prints the figures.
func markAlone(paths string, out io.Writer) error {
	object, indexPath, _ := strings.Cut(paths, ",")
	file, err := os.ReadFile(indexPath)
	if err != nil {
		return err
	}
	x, err := index.Open(file)
	if err != nil {
		return err
	}
	preset := settings.Default[settings.MarkerFunction]()
	layout, err := marker.NewLayout(preset.Delivery.Prefix, preset.Delivery.ErrorPrefix)
	if err != nil {
		return err
	}
	buckets := &markBuckets{object: object}
	m, err := marker.New(marker.Config{
		Index: &benchStore{file, x.Info()}, Logs: buckets, Output: buckets, Layout: layout, Metrics: buckets,
	})
	if err != nil {
		return err
	}
	const key = "AWSLogs/111122223333/vpcdnsquerylogs/vpc-0a1b/2026/11/30/vpc-0a1b_vpcdnsquerylogs_111122223333_20261130T1155Z_71584702.log.gz"
	task := marker.Task{Objects: []marker.Object{{Bucket: "logs", Key: key, ETag: "e"}}}
	var result *marker.TaskResult
	cpu := cpuSeconds(func() { result = m.MarkTask(context.Background(), &task) })
	if result.Marked != 1 {
		return fmt.Errorf("the object was not marked: %+v", result)
	}
	return json.NewEncoder(out).Encode(markFigures{buckets.records, cpu, peakMemory(os.Getpid()) / (1 << 20), buckets.bytes})
}

// markBuckets are a bucket with one log object, and one that counts what is written.
type markBuckets struct {
	object         string
	records, bytes int
}

func (b *markBuckets) Open(context.Context, *marker.Object) (io.ReadCloser, error) {
	return os.Open(b.object)
}

func (b *markBuckets) Exists(context.Context, string) (bool, error) { return false, nil }

func (b *markBuckets) Begin(_ context.Context, key string) marker.Upload {
	return &countedUpload{buckets: b, part: bufio.NewWriterSize(io.Discard, 8<<20)} // as large as a part of an upload
}

// Write reads the number of records out of the metrics.
func (b *markBuckets) Write(line []byte) (int, error) {
	var metrics map[string]any
	if err := json.Unmarshal(line, &metrics); err != nil {
		return 0, err
	}
	for _, name := range []string{"Malicious", "Allowed", "Clean", "Unknown"} {
		count, _ := metrics[name].(float64)
		b.records += int(count)
	}
	return len(line), nil
}

type countedUpload struct {
	buckets *markBuckets
	part    *bufio.Writer
}

func (u *countedUpload) Write(data []byte) (int, error) {
	u.buckets.bytes += len(data)
	return u.part.Write(data)
}

func (u *countedUpload) Complete(context.Context) error { return u.part.Flush() }
func (u *countedUpload) Abort(context.Context) error    { return nil }
