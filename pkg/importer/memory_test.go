package importer_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// Lists of the largest size, each expensive in one way. Every row has 20 random octets, so that
// the list does not compress like a bomb.
var largeLists = map[string]struct {
	header string
	rows   int
	row    func(i int, random string) string
}{
	"names": {"domain", 3_000_000, func(i int, random string) string { return fmt.Sprintf("%s%d.example", random[:8], i) }},
	"categories": {"domain,category", 1_000_000, func(i int, random string) string {
		return fmt.Sprintf("a%d.example,%s%d%s", i, random, i, strings.Repeat("x", 14))
	}},
	"ratings": {"domain,confidence,severity,category", 1_000_000, func(i int, random string) string {
		return fmt.Sprintf("%s%d.example,%d,%s,c%d", random[:8], i, i%101, []string{"low", "medium", "high"}[i/101%3], i/303)
	}},
	"references": {"domain,reference", 2_000_000, func(i int, random string) string {
		return fmt.Sprintf("a%d.example,https://r.example/%s%s", i, random, strings.Repeat("x", 420))
	}},
}

const (
	largeListVariable = "RESOLVERWATCH_TEST_LARGE_LIST"
	importerMiB       = 1024 // the default memory of the importer
)

// Importing a list of the largest size takes no more memory than the importer has. Each one is imported by a process of its own, with the limits of
// the function. Its peak includes the buckets and the table, which are in its memory.
func TestImporter_Handle_peakMemory(t *testing.T) {
	if list := os.Getenv(largeListVariable); list != "" {
		importLargeList(t, list)
		return
	}
	if !proof || runtime.GOOS != "linux" {
		t.Skip("run it with RESOLVERWATCH_PROOF=1 on Linux: it imports lists of up to 1 GB")
	}
	for list := range largeLists {
		cmd := exec.CommandContext(context.Background(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
		cmd.Env = append(os.Environ(), largeListVariable+"="+list, settings.EnvMemoryLimit+"="+settings.MemoryLimit(importerMiB))
		out, err := cmd.CombinedOutput()
		figures := false
		for line := range strings.Lines(string(out)) {
			if strings.Contains(line, "peak") {
				t.Log(strings.TrimSpace(line))
				figures = true
			}
		}
		if err != nil || !figures {
			t.Errorf("%s: %v\n%.2000s", list, err, out)
		}
	}
}

func importLargeList(t *testing.T, name string) {
	t.Helper()
	shape := largeLists[name]
	var upload bytes.Buffer
	compressed := gzip.NewWriter(&upload)
	lines := bufio.NewWriter(compressed)
	random := rand.New(rand.NewPCG(1, 2))
	fmt.Fprintln(lines, shape.header)
	for i := range shape.rows {
		fmt.Fprintln(lines, shape.row(i, fmt.Sprintf("%016x%016x%08x", random.Uint64(), random.Uint64(), random.Uint32())))
	}
	if err := lines.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := compressed.Close(); err != nil {
		t.Fatal(err)
	}
	w := newWorld()
	w.guards.Memory = importerMiB << 20
	w.maxBytes = settings.MaxIndexBytes(256)
	w.put("feeds/good/list.txt", "evil.example\n")
	w.put("feeds/large/list.csv.gz", upload.String())
	size := upload.Len()
	upload, lines, compressed = bytes.Buffer{}, nil, nil
	debug.FreeOSMemory()
	before := statusOf(t, "VmRSS")

	w.noTable = true
	w.handle(t, keys("feeds/good/list.txt", "feeds/large/list.csv.gz")...)
	peak := statusOf(t, "VmHWM")
	last := w.state["large"].Last
	t.Logf("%-10s %d rows, %d MiB compressed: %s %s; peak %d MiB, %d of them before the import; the importer has %d",
		name, shape.rows, size>>20, last.Outcome, last.Reason, peak>>20, before>>20, importerMiB)
	if peak > importerMiB<<20 {
		t.Errorf("the peak is %d MiB", peak>>20)
	}
	if !strings.Contains(w.served(t), "good block subtree evil.example") {
		t.Error("the other feed is not published")
	}
}

// statusOf returns a value of the process in bytes.
func statusOf(t *testing.T, name string) (bytes int64) {
	t.Helper()
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if value, found := strings.CutPrefix(line, name+":"); found {
			if _, err := fmt.Sscan(value, &bytes); err != nil {
				t.Fatal(err)
			}
		}
	}
	return bytes << 10
}
