//go:build e2e

package machine

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/resolverwatch/resolverwatch/pkg/awsio/bucket"
	"github.com/resolverwatch/resolverwatch/pkg/backfill"
	"github.com/resolverwatch/resolverwatch/pkg/marker"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
	"github.com/resolverwatch/resolverwatch/pkg/storage"
)

const (
	// perTask is the number of objects in a task if each has objectBytes: a task has 64 MiB.
	perTask     = 25
	objectBytes = 64 << 20 / perTask
	tasks       = objects / perTask
)

// world is a state machine with a function and a bucket of marked logs.
type world struct {
	*emulator
	*function
	machine *machine
	output  string // the bucket of the marked logs
}

// newWorld returns a world with a name.
func newWorld(t *testing.T, name string) *world {
	t.Helper()
	w := &world{emulator: theEmulator(t), function: &function{t: t, limit: 20}, output: "marked-" + name}
	if err := w.create(w.output); err != nil {
		t.Fatal(err)
	}
	w.handler = w.newHandler(t)
	w.machine = w.createMachine(t, name, w.function)
	return w
}

// newHandler wires the function like its main.
func (w *world) newHandler(t *testing.T) *backfill.Handler {
	t.Helper()
	s := settings.Default[settings.MarkerFunction]()
	layout, err := marker.NewLayout(s.Delivery.Prefix, s.Delivery.ErrorPrefix)
	if err != nil {
		t.Fatal(err)
	}
	core, err := marker.New(marker.Config{
		Index: bucket.NewIndexReader(w.objects, indexBucket, 1<<20), Logs: bucket.NewLogs(w.objects),
		Output: bucket.NewMarked(w.objects, w.output), Layout: layout, Settings: s,
	})
	if err != nil {
		t.Fatal(err)
	}
	output := bucket.NewListing(w.objects, w.output)
	return &backfill.Handler{Marker: core, Planner: backfill.NewPlanner(backfill.Config{
		Logs: largeObjects{bucket.NewListing(w.objects, logBucket)}, Output: output,
		Layout: layout, Manifests: output, Bucket: w.output, Now: w.now,
	})}
}

// largeObjects says that each log object has objectBytes, so that there are more tasks.
type largeObjects struct{ backfill.Lister }

func (l largeObjects) Objects(ctx context.Context, prefix, after string, each func(marker.Object) error) error {
	return l.Lister.Objects(ctx, prefix, after, func(o marker.Object) error {
		o.Size = objectBytes
		return each(o)
	})
}

// checkMarked fails the test if the records of these log objects are not marked exactly once, or
// if others are marked.
func (w *world) checkMarked(t *testing.T, marked func(number int) bool) {
	t.Helper()
	verdicts := w.verdicts(t)
	for number := range w.keys {
		var want []string
		switch {
		case !marked(number):
		case number%10 == 0:
			want = []string{"malicious"}
		default:
			want = []string{"clean"}
		}
		if got := verdicts[query(number)]; !slices.Equal(got, want) {
			t.Errorf("%s has the verdicts %q, want %q", w.keys[number], got, want)
		}
		delete(verdicts, query(number))
	}
	if len(verdicts) > 0 {
		t.Errorf("records that were never logged: %v", verdicts)
	}
}

// verdicts returns the verdicts of all marked records, by name.
func (w *world) verdicts(t *testing.T) map[string][]string {
	t.Helper()
	found, output := map[string][]string{}, bucket.NewOutput(w.objects, w.output)
	err := output.List(t.Context(), "", func(o storage.Object) error {
		if strings.HasPrefix(o.Key, settings.BackfillPrefix) {
			return nil
		}
		body, err := output.Open(t.Context(), o.Key, o.ETag)
		if err != nil {
			return err
		}
		defer body.Close()
		unpacked, err := gzip.NewReader(body)
		if err != nil {
			return err
		}
		lines := bufio.NewScanner(unpacked)
		for lines.Scan() {
			var record struct {
				Name    string `json:"query_name"`
				Verdict string `json:"verdict"`
			}
			if err := json.Unmarshal(lines.Bytes(), &record); err != nil {
				return err
			}
			found[record.Name] = append(found[record.Name], record.Verdict)
		}
		return lines.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
