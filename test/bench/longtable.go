package main

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"runtime/metrics"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/feed"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

const (
	longTableBytes = 255 << 20 // just below the limit of an upload
	goalSampleMiB  = 32        // of memory, besides the temporary file
	goalSample     = 20        // seconds
)

// benchLongTable measures how long the choice of the column takes in the longest table that can
// be uploaded, and how much memory. The table is a stream, so it goes to a temporary file.
func benchLongTable(r *report) error {
	enough := errors.New("the columns are chosen")
	var err error
	peak := peakHeap(func() {
		seconds := cpuSeconds(func() {
			_, err = feed.Parse(&longTable{}, feed.Options{}, func(*indicator.Indicator) error { return enough })
		})
		r.atMost("sample and score a table of 255 MiB", seconds, "s CPU", goalSample)
	})
	if !errors.Is(err, enough) {
		return fmt.Errorf("choosing the column of a long table: %w", err)
	}
	r.atMost("sample and score a table of 255 MiB: peak memory", float64(peak)/(1<<20), "MiB", goalSampleMiB)

	var read feed.Report
	seconds := cpuSeconds(func() {
		read, err = feed.Parse(&longTable{}, feed.Options{}, func(*indicator.Indicator) error { return nil })
	})
	if err == nil && read.Accepted != read.Entries {
		err = fmt.Errorf("%d of %d rows were read", read.Accepted, read.Entries)
	}
	r.info("sample, score and read a table of 255 MiB", seconds, "s CPU")
	return err
}

// peakHeap returns the most memory that objects took while f ran, beyond what they took before.
func peakHeap(f func()) (peak uint64) {
	runtime.GC()
	before, done, result := heapBytes(), make(chan struct{}), make(chan uint64)
	go func() {
		most := before
		for {
			select {
			case <-done:
				result <- most
				return
			case <-time.After(time.Millisecond):
				most = max(most, heapBytes())
			}
		}
	}()
	f()
	close(done)
	return <-result - before
}

func heapBytes() uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// longTable is a table without known headings, as a stream.
type longTable struct {
	rows int
	size int
	rest []byte
}

func (t *longTable) Read(p []byte) (int, error) {
	if len(t.rest) == 0 {
		if t.size >= longTableBytes {
			return 0, io.EOF
		}
		if t.rows == 0 {
			t.rest = append(t.rest[:0], "nr,gezien,plek,bron\n"...)
		}
		for len(t.rest) < 64<<10 {
			t.rows++
			t.rest = fmt.Appendf(t.rest, "%d,2026-01-02 03:04:05,host%d.bench.example,https://blog.bench.example/report/%d\n", t.rows, t.rows, t.rows)
		}
		t.size += len(t.rest)
	}
	n := copy(p, t.rest)
	t.rest = t.rest[n:]
	return n, nil
}
