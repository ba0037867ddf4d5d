package athena_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"testing"
	"time"

	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	"github.com/resolverwatch/resolverwatch/internal/replay"
	"github.com/resolverwatch/resolverwatch/pkg/awsio/bucket"
	"github.com/resolverwatch/resolverwatch/pkg/backfill"
	"github.com/resolverwatch/resolverwatch/pkg/catalog"
	"github.com/resolverwatch/resolverwatch/pkg/keyprefix"
	"github.com/resolverwatch/resolverwatch/pkg/marker"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
	"github.com/resolverwatch/resolverwatch/pkg/storage"
	"github.com/resolverwatch/resolverwatch/pkg/verdict"
)

// sources is a deployment with both sources. The records of its hosts come in every way into the
// one table.
type sources struct {
	*rig
	output, raw string // buckets of the marked logs and of the logs of Resolver
	folder      string // of the table
	layout      *marker.Layout
}

// The records of both sources, those of a backfill and those that a replay brought back are in one
// table, and each counts once in every named query, however often an event, a task or a replay is
// repeated.
func TestQueries_sources(t *testing.T) {
	s := newSources(t)
	var all []query
	for _, q := range slices.Concat(ordinary(), extraordinary(), behaving()) {
		if !q.plain {
			all = append(all, q)
		}
	}
	index := verdict.NewMarker(october.index(t, firstGeneration), verdict.Options{})
	ways := map[host]func(*testing.T, []query){build: s.throughBucket, office: s.setAside, ipv6: s.backfilled}
	byWay := map[host][]query{}
	for _, q := range all {
		s.lines = append(s.lines, mark(t, map[time.Time]*verdict.Marker{{}: index}, &q))
		if ways[q.host] == nil {
			q.arrived = q.asked.Add(90 * time.Second)
			byWay[host{}] = append(byWay[host{}], q)
			continue
		}
		byWay[q.host] = append(byWay[q.host], q)
	}
	s.throughStream(t, byWay[host{}])
	for from, way := range ways {
		way(t, byWay[from])
	}
	s.markUnknown(t)

	for _, name := range slices.Sorted(maps.Keys(s.queries)) {
		got := s.ask(t, name, parametersOf(name))
		want := oracles[name](t, s.lines, parametersOf(name))
		if diff := cmp.Diff(asLines(want), asLines(got.Rows)); diff != "" {
			t.Errorf("%s: rows (-calculated in Go +returned by Trino):\n%s", name, diff)
		}
	}
}

func newSources(t *testing.T) *sources {
	t.Helper()
	s := &sources{rig: &rig{lab: open(t), way: wayJSON,
		deployment: deploy(t, map[string]any{"resolverwatch": map[string]any{"source": map[string]any{"s3": true}}})}}
	s.output, s.raw = s.bucket(t, nil), s.bucket(t, nil)
	s.folder = s.tables["dns_logs"].move(t, s.output)
	s.tables["indicators"].move(t, s.bucket(t, map[string][]byte{catalog.IndicatorKey: (october + added).published(t, secondGeneration)}))
	s.glue.put(s.tables["dns_logs"])
	s.glue.put(s.tables["indicators"])
	preset := settings.Default[settings.Delivery]()
	var err error
	if s.layout, err = marker.NewLayout(preset.Prefix, preset.ErrorPrefix); err != nil {
		t.Fatal(err)
	}
	return s
}

// noIndexUntil is when the first index was published. Earlier records are delivered as unknown.
var noIndexUntil = october2026(1, 6, 0, 0)

// throughStream delivers records as Firehose does.
func (s *sources) throughStream(t *testing.T, queries []query) {
	t.Helper()
	markers := map[time.Time]*verdict.Marker{
		{}:           verdict.NewMarker(nil, verdict.Options{}),
		noIndexUntil: verdict.NewMarker(october.index(t, firstGeneration), verdict.Options{}),
	}
	var lines []line
	for _, q := range queries {
		lines = append(lines, mark(t, markers, &q))
	}
	s.put(t, s.output, asGzip(t, delivered(s.folder, "2006/01/02", lines)))
}

// function returns the marker with its adapters, and an index if there was one at a time.
func (s *sources) function(t *testing.T, at time.Time) *backfill.Handler {
	t.Helper()
	var index map[string][]byte
	if !at.Before(noIndexUntil) {
		index = october.bucket(t, firstGeneration)
	}
	core, err := marker.New(marker.Config{
		Index: bucket.NewIndexReader(s.client, s.bucket(t, index), 1<<20), Logs: bucket.NewLogs(s.client),
		Output: bucket.NewMarked(s.client, s.output), Layout: s.layout, Settings: settings.Default[settings.MarkerFunction](),
	})
	if err != nil {
		t.Fatal(err)
	}
	output := bucket.NewListing(s.client, s.output)
	return &backfill.Handler{Marker: core, Planner: backfill.NewPlanner(backfill.Config{
		Logs: bucket.NewListing(s.client, s.raw), Output: output, Layout: s.layout, Manifests: output, Bucket: s.output})}
}

// written writes records into the log bucket, as Resolver does, and returns the keys with the times
// at which the objects began.
func (s *sources) written(t *testing.T, queries []query) map[string]time.Time {
	t.Helper()
	texts, began := map[string][]byte{}, map[string]time.Time{}
	for _, q := range queries {
		at := q.asked.Add(90 * time.Second).Truncate(time.Hour)
		if !q.arrived.IsZero() {
			at = q.arrived.Truncate(time.Hour)
		}
		key := fmt.Sprintf("AWSLogs/%s/vpcdnsquerylogs/%s/%s/%[2]s_vpcdnsquerylogs_%[1]s_%[4]s_0a.log.gz",
			q.host.account, q.host.vpc, at.Format("2006/01/02"), at.Format("20060102T1504Z"))
		texts[key], began[key] = append(append(texts[key], q.record(t)...), '\n'), at
	}
	packed := map[string][]byte{}
	for key, text := range texts {
		packed[key] = compress(t, text)
	}
	s.put(t, s.raw, packed)
	return began
}

// throughBucket marks records as they arrive in the log bucket. Each event comes twice.
func (s *sources) throughBucket(t *testing.T, queries []query) {
	t.Helper()
	early, later := s.function(t, time.Time{}), s.function(t, noIndexUntil)
	for key, began := range s.written(t, queries) {
		function, event := early, s.eventOf(t, key)
		if !began.Before(noIndexUntil) {
			function = later
		}
		for range 2 {
			if answer := s.invoke(t, function, event); answer != `{"batchItemFailures":[]}` {
				t.Fatalf("%s: the marker answers %s", key, answer)
			}
		}
	}
}

// eventOf returns the event of a queue about an object.
func (s *sources) eventOf(t *testing.T, key string) []byte {
	t.Helper()
	var etag string
	err := bucket.NewOutput(s.client, s.raw).List(t.Context(), key, func(o storage.Object) error { etag = o.ETag; return nil })
	if err != nil {
		t.Fatal(err)
	}
	body := encoded(t, map[string]any{"source": "aws.s3", "detail-type": "Object Created", "detail": map[string]any{
		"bucket": map[string]string{"name": s.raw}, "object": map[string]any{"key": key, "etag": etag, "size": 1}}})
	return encoded(t, map[string]any{"Records": []any{map[string]string{"messageId": "1", "body": string(body)}}})
}

func encoded(t *testing.T, value any) []byte {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func (s *sources) invoke(t *testing.T, function *backfill.Handler, event []byte) string {
	t.Helper()
	answer, err := function.Invoke(t.Context(), event)
	if err != nil {
		t.Fatal(err)
	}
	return string(answer)
}

// backfilled marks records that are in the log bucket already. Each task runs twice.
func (s *sources) backfilled(t *testing.T, queries []query) {
	t.Helper()
	n, function := len(s.written(t, queries)), s.function(t, noIndexUntil)
	request := encoded(t, backfill.Request{Action: backfill.ActionPlan, Run: "october", VPCs: []string{ipv6.vpc},
		From: october2026(1, 0, 0, 0), Until: october2026(32, 0, 0, 0)})
	var plan backfill.Plan
	if err := json.Unmarshal([]byte(s.invoke(t, function, request)), &plan); err != nil || plan.Objects != n {
		t.Fatalf("the plan is %+v for %d objects, error %v", plan, n, err)
	}
	manifest := s.content(t, plan.Manifest)
	for _, want := range []marker.TaskResult{{Marked: n}, {Skipped: n}} {
		var sum marker.TaskResult
		for task := range bytes.Lines(manifest) {
			var result marker.TaskResult
			if err := json.Unmarshal([]byte(s.invoke(t, function, task)), &result); err != nil {
				t.Fatal(err)
			}
			sum.Marked, sum.Skipped, sum.Failed = sum.Marked+result.Marked, sum.Skipped+result.Skipped, sum.Failed+result.Failed
		}
		if diff := cmp.Diff(want, sum); diff != "" {
			t.Errorf("the tasks of the backfill (-want +got):\n%s", diff)
		}
	}
}

// setAside writes records as Firehose sets them aside, and replays them as objects, twice.
func (s *sources) setAside(t *testing.T, queries []query) {
	t.Helper()
	objects := map[string][]byte{}
	for _, q := range queries {
		at := q.asked.Add(90 * time.Second)
		if !q.arrived.IsZero() {
			at = q.arrived
		}
		key := "delivery-failures/processing-failed/" + at.Format("2006/01/02/15") + "/failed"
		failed := encoded(t, map[string]any{"attemptsMade": 4, "arrivalTimestamp": at.UnixMilli(), "errorCode": "Lambda.FunctionError",
			"rawData": append(q.record(t), '\n')})
		objects[key] = append(append(objects[key], failed...), '\n')
	}
	s.put(t, s.output, objects)
	preset := settings.Default[settings.Delivery]()
	marked, _, err := keyprefix.Parse(preset.Prefix, preset.ErrorPrefix)
	if err != nil {
		t.Fatal(err)
	}
	config := replay.Config{Bucket: dated{bucket.NewOutput(s.client, s.output)}, Prefix: "delivery-failures/"}
	for _, want := range []int{len(queries), 0} {
		got, err := replay.ToObjects(t.Context(), config, october.index(t, firstGeneration), marked)
		if err != nil || got.Records != want || got.Quarantined > 0 {
			t.Errorf("the replay does %+v, want %d records; error %v", got, want, err)
		}
	}
}

// markUnknown marks the records again that came before the first index, twice.
func (s *sources) markUnknown(t *testing.T) {
	t.Helper()
	config := replay.Config{Bucket: bucket.NewOutput(s.client, s.output), Prefix: s.folder}
	for try := range 2 {
		got, err := replay.FromUnknown(t.Context(), config, october.index(t, firstGeneration))
		if err != nil || (got.Records > 0) != (try == 0) {
			t.Errorf("replay %d of unknown records does %+v, error %v", try, got, err)
		}
	}
}

// dated is the output bucket, with objects that were written in the hour in their keys.
type dated struct{ *bucket.Output }

var hourInKey = regexp.MustCompile(`\d{4}/\d\d/\d\d/\d\d`)

func (d dated) List(ctx context.Context, prefix string, each func(storage.Object) error) error {
	return d.Output.List(ctx, prefix, func(o storage.Object) error {
		if at, err := time.Parse("2006/01/02/15", hourInKey.FindString(o.Key)); err == nil {
			o.LastModified = at
		}
		return each(o)
	})
}

// content returns an object of the output bucket.
func (s *sources) content(t *testing.T, key string) []byte {
	t.Helper()
	out, err := s.client.GetObject(t.Context(), &awss3.GetObjectInput{Bucket: &s.output, Key: &key})
	if err != nil {
		t.Fatal(err)
	}
	defer out.Body.Close()
	text, err := io.ReadAll(out.Body)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
