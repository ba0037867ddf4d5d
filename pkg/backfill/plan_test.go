package backfill

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/marker"
	"github.com/resolverwatch/resolverwatch/pkg/storage"
)

var midnight = time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC)

// bucket is a bucket of objects in memory.
type bucket struct {
	keys      []string // sorted
	sizes     int64
	manifests map[string][]byte
}

func (b *bucket) Folders(_ context.Context, prefix string) (folders []string, _ error) {
	for _, key := range b.keys {
		rest, under := strings.CutPrefix(key, prefix)
		if name, _, nested := strings.Cut(rest, "/"); under && nested && !slices.Contains(folders, prefix+name+"/") {
			folders = append(folders, prefix+name+"/")
		}
	}
	return folders, nil
}

func (b *bucket) Objects(_ context.Context, prefix, after string, each func(marker.Object) error) error {
	for _, key := range b.keys {
		if strings.HasPrefix(key, prefix) && key > after {
			if err := each(marker.Object{Bucket: "logs", Key: key, ETag: `"` + key[len(key)-20:] + `"`, Size: b.sizes}); err != nil {
				return err
			}
		}
	}
	return nil
}

func (b *bucket) Write(_ context.Context, key string, body []byte) error {
	b.manifests[key] = body
	return nil
}

func (b *bucket) Read(_ context.Context, key string) (io.ReadCloser, error) {
	body, found := b.manifests[key]
	if !found {
		return nil, storage.ErrNotFound
	}
	return io.NopCloser(bytes.NewReader(body)), nil
}

// logKey returns the key of a log object that began at a time.
func logKey(account, vpc string, at time.Time) string {
	return fmt.Sprintf("org/AWSLogs/%s/vpcdnsquerylogs/%s/%s/%s_vpcdnsquerylogs_%s_%s_%08x.log.gz",
		account, vpc, at.Format("2006/01/02"), vpc, account, at.Format("20060102T1504Z"), at.Unix())
}

// newPlanner returns a planner of a bucket with an object every hour of four days in three VPCs
// of two accounts, and some objects that are not logs.
func newPlanner(t *testing.T) (*Planner, *bucket, *bucket) {
	t.Helper()
	logs := &bucket{sizes: 1 << 20, manifests: map[string][]byte{}}
	for hour := -48; hour < 48; hour++ {
		at := midnight.Add(time.Duration(hour) * time.Hour)
		logs.keys = append(logs.keys, logKey("111122223333", "vpc-0a", at), logKey("111122223333", "vpc-0b", at), logKey("222233334444", "vpc-0c", at))
	}
	logs.keys = append(logs.keys, "org/AWSLogs/111122223333/vpcdnsquerylogs/vpc-0a/2026/11/30/notes.txt", "org/AWSLogs/aws-logs-write-test")
	slices.Sort(logs.keys)
	layout, err := marker.NewLayout("dns/!{timestamp:yyyy/MM/dd}/", "failed/!{firehose:error-output-type}/")
	if err != nil {
		t.Fatal(err)
	}
	output := &bucket{}
	return NewPlanner(Config{
		Logs: logs, LogPrefix: "org/", Output: output, Layout: layout, Manifests: logs, Bucket: "out",
	}), logs, output
}

func day() *Request {
	return &Request{Action: ActionPlan, Run: "r1", From: midnight, Until: midnight.Add(24 * time.Hour)}
}

// tasks reads a manifest.
func tasks(t *testing.T, manifest []byte) (all []marker.Task) {
	t.Helper()
	for line := range bytes.Lines(manifest) {
		var task marker.Task
		if err := json.Unmarshal(line, &task); err != nil {
			t.Fatal(err)
		}
		all = append(all, task)
	}
	return all
}

func TestPlanner_Plan(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		change  func(*Request)
		objects int
	}{
		{"a day", func(*Request) {}, 72},
		{"an hour", func(r *Request) { r.Until = r.From.Add(time.Hour) }, 3},
		{"half an hour without objects", func(r *Request) { r.From, r.Until = r.From.Add(10*time.Minute), r.From.Add(40*time.Minute) }, 0},
		{"a VPC", func(r *Request) { r.VPCs = []string{"vpc-0b"} }, 24},
		{"a VPC without logs", func(r *Request) { r.VPCs = []string{"vpc-0d"} }, 0},
		{"all", func(r *Request) { r.From, r.Until = r.From.Add(-time.Hour*48), r.Until.Add(time.Hour*24) }, 288},
		{"a day without logs", func(r *Request) { r.From, r.Until = r.From.AddDate(1, 0, 0), r.Until.AddDate(1, 0, 0) }, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p, logs, _ := newPlanner(t)
			request := day()
			tt.change(request)
			plan, err := p.plan(t.Context(), request)
			if err != nil {
				t.Fatal(err)
			}
			if plan.Objects != tt.objects || plan.Bytes != int64(tt.objects)<<20 || plan.Continue != "" {
				t.Errorf("got %+v, want %d objects", plan, tt.objects)
			}
			count := 0
			for _, task := range tasks(t, logs.manifests[plan.Manifest]) {
				count += len(task.Objects)
				if len(task.Objects) > maxTaskBytes>>20 || task.Run != "r1" {
					t.Errorf("task with %d objects of run %q", len(task.Objects), task.Run)
				}
			}
			if count != tt.objects || (plan.Manifest == "") != (tt.objects == 0) {
				t.Errorf("%d objects in the manifest %q", count, plan.Manifest)
			}
		})
	}
}

// A dry run counts the same and writes nothing.
func TestPlanner_Plan_dryRun(t *testing.T) {
	t.Parallel()
	p, logs, _ := newPlanner(t)
	request := day()
	request.DryRun = true
	plan, err := p.plan(t.Context(), request)
	if err != nil || plan.Objects != 72 || plan.NotLogs != 1 || plan.Manifest != "" || len(logs.manifests) != 0 {
		t.Errorf("got %+v, error %v and %d manifests", plan, err, len(logs.manifests))
	}
}

// What is marked already is left out.
func TestPlanner_Plan_marked(t *testing.T) {
	t.Parallel()
	p, logs, output := newPlanner(t)
	first, err := p.plan(t.Context(), day())
	if err != nil {
		t.Fatal(err)
	}
	for _, task := range tasks(t, logs.manifests[first.Manifest])[:1] {
		for _, o := range task.Objects {
			name, err := marker.ParseKey(o.Key)
			if err != nil {
				t.Fatal(err)
			}
			output.keys = append(output.keys, p.Layout.Keys(&o, name).Marked, "dns/2026/11/30/stream-1-2026-11-30-00-00-00-a.gz")
		}
	}
	slices.Sort(output.keys)
	plan, err := p.plan(t.Context(), day())
	if err != nil || plan.Marked != 64 || plan.Objects != 8 {
		t.Errorf("got %+v and error %v", plan, err)
	}
}

// A plan that is too large for one manifest goes on, and the manifests together have each object
// once.
func TestPlanner_Plan_continues(t *testing.T) {
	t.Parallel()
	p, logs, _ := newPlanner(t)
	p.maxTasks = 1
	seen := map[string]int{}
	request := day()
	for part := 1; ; part++ {
		plan, err := p.plan(t.Context(), request)
		if err != nil || plan.Part != part || part > 9 {
			t.Fatalf("got %+v and error %v", plan, err)
		}
		for _, task := range tasks(t, logs.manifests[plan.Manifest]) {
			for _, o := range task.Objects {
				seen[o.Key]++
			}
		}
		if (plan.Next == nil) != (plan.Continue == "") {
			t.Fatalf("the next request is %+v, but the plan continues at %q", plan.Next, plan.Continue)
		}
		if plan.Next == nil {
			if plan.Tally.Objects != 72 {
				t.Errorf("the last plan counts %d objects", plan.Tally.Objects)
			}
			break
		}
		request = plan.Next
	}
	if len(seen) != 72 || len(logs.manifests) < 2 {
		t.Errorf("%d objects in %d manifests", len(seen), len(logs.manifests))
	}
	for key, count := range seen {
		if count != 1 {
			t.Errorf("%s is %d times in the manifests", key, count)
		}
	}
}

func TestPlanner_Plan_refusals(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*Request){
		"action":            func(r *Request) { r.Action = "mark" },
		"no run":            func(r *Request) { r.Run = "" },
		"run with a slash":  func(r *Request) { r.Run = "../index" },
		"no from":           func(r *Request) { r.From = time.Time{} },
		"no until":          func(r *Request) { r.Until = time.Time{} },
		"until before from": func(r *Request) { r.Until = r.From },
		"a century":         func(r *Request) { r.Until = r.From.AddDate(100, 0, 0) },
		"not a VPC":         func(r *Request) { r.VPCs = []string{"vpc-0a", "subnet-1"} },
		"negative part":     func(r *Request) { r.Part = -1 },
	} {
		p, logs, _ := newPlanner(t)
		request := day()
		change(request)
		if plan, err := p.plan(t.Context(), request); err == nil || len(logs.manifests) > 0 {
			t.Errorf("%s: got %+v", name, plan)
		}
	}
}
