//go:build e2e

package e2e_test

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/resolverwatch/resolverwatch/internal/localaws/sample"
)

// troubled brings log objects and events in all the ways in which S3 may bring them.
type troubled struct {
	*machine
	generator *sample.Generator
	ledger    *sample.Ledger
}

// markTroubled has troubled objects marked, and returns a summary.
func (m *machine) markTroubled(t *testing.T, generator *sample.Generator, ledger *sample.Ledger) string {
	t.Helper()
	s := &troubled{m, generator, ledger}
	s.repeatEvents(t)
	s.overwrite(t)
	s.remove(t)
	s.overwriteVersions(t)
	dead := s.breakObjects(t)
	m.audit(t, ledger)
	return fmt.Sprintf("%d log objects so far; in the dead-letter queue: %s", m.logs.made, strings.Join(dead, ", "))
}

// listed returns a record that was reported before.
func (s *troubled) listed() sample.Record {
	return s.generator.Ask("www."+legacyName+".", sample.Want{
		Verdict: sample.Malicious, Indicator: legacyName, Part: "query_name", Feeds: []string{"default"}})
}

// write writes a record into an object.
func (s *troubled) write(t *testing.T, key string, record sample.Record) *s3.PutObjectOutput {
	t.Helper()
	return s.put(t, key, pack(t, []sample.Record{record}))
}

// mark has the marker mark what is new. It must give back some messages.
func (s *troubled) mark(t *testing.T, back int) {
	t.Helper()
	if got := s.poll(t); got != back {
		t.Errorf("the marker gives back %d messages, want %d: see its log", got, back)
	}
}

// repeatEvents tells of an object in both spellings of S3, several times at once and once more
// after it was marked.
func (s *troubled) repeatEvents(t *testing.T) {
	t.Helper()
	key, record := s.newKey(bucketVPC, time.Now()), s.listed()
	s.ledger.Add(&record)
	etag := strings.Trim(*s.write(t, key, record).ETag, `"`)
	notification := map[string]any{"Records": []any{map[string]any{"s3": map[string]any{
		"bucket": map[string]string{"name": s.logs.name}, "object": map[string]any{"key": url.QueryEscape(key), "eTag": etag, "size": 1}}}}}
	s.tell(t, s.eventOf(key, etag, ""))
	s.tell(t, notification)
	s.tell(t, map[string]string{"Event": "s3:TestEvent", "Bucket": s.logs.name})
	s.mark(t, 0)
	s.tell(t, notification)
	s.tell(t, s.eventOf(key, etag, ""))
	s.mark(t, 0)
}

// overwrite writes an object again: after it was marked, so that the records of both count, and
// before, so that the first ones are gone.
func (s *troubled) overwrite(t *testing.T) {
	t.Helper()
	key := s.newKey(bucketVPC, time.Now())
	for range 2 {
		record := s.listed()
		s.ledger.Add(&record)
		s.write(t, key, record)
		s.mark(t, 0)
	}
	key = s.newKey(bucketVPC, time.Now())
	s.write(t, key, s.generator.Ask("overwritten.example.", sample.Want{Verdict: sample.Clean}))
	record := s.listed()
	s.ledger.Add(&record)
	s.write(t, key, record)
	s.mark(t, 0)
}

// remove removes an object before it is marked.
func (s *troubled) remove(t *testing.T) {
	t.Helper()
	key := s.newKey(bucketVPC, time.Now())
	s.write(t, key, s.generator.Ask("removed.example.", sample.Want{Verdict: sample.Clean}))
	_, err := s3Client(s.e).DeleteObject(context.Background(), &s3.DeleteObjectInput{Bucket: &s.logs.name, Key: &key})
	check(t, err)
	s.mark(t, 0)
}

// overwriteVersions turns versions on, and writes an object twice before it is marked. Nothing is
// gone then.
func (s *troubled) overwriteVersions(t *testing.T) {
	t.Helper()
	_, err := s3Client(s.e).PutBucketVersioning(context.Background(), &s3.PutBucketVersioningInput{Bucket: &s.logs.name,
		VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled}})
	check(t, err)
	key := s.newKey(bucketVPC, time.Now())
	for range 2 {
		record := s.listed()
		s.ledger.Add(&record)
		s.write(t, key, record)
	}
	s.mark(t, 0)
}

// breakObjects writes objects that cannot be marked, and a good one. The good one is marked at
// once, and the others are alone in the dead-letter queue after five attempts. It returns what is
// wrong with these.
func (s *troubled) breakObjects(t *testing.T) (kinds []string) {
	t.Helper()
	record := s.listed()
	s.ledger.Add(&record)
	whole := pack(t, []sample.Record{record})
	broken := map[string]string{} // what is wrong, by key
	for kind, body := range map[string][]byte{"not gzip": record.Data, "cut off": whole[:len(whole)-6], "empty": nil} {
		key := s.newKey(bucketVPC, time.Now())
		s.put(t, key, body)
		broken[key] = kind
	}
	other := s.logs.prefix + "AWSLogs/" + account + "/vpcdnsquerylogs/" + bucketVPC + "/notes.log.gz"
	s.put(t, other, whole)
	broken[other] = "not a log"
	s.put(t, s.newKey(bucketVPC, time.Now()), whole)
	for range 5 {
		s.mark(t, len(broken))
	}
	s.mark(t, 0)
	for _, dead := range s.receive(t, s.logs.dead, 10) {
		var event struct {
			Detail struct{ Object struct{ Key string } }
		}
		decode(t, dead.body, &event)
		kind, known := broken[event.Detail.Object.Key]
		if !known {
			t.Errorf("in the dead-letter queue: %s", dead.body)
		}
		kinds = append(kinds, kind)
	}
	if slices.Sort(kinds); len(kinds) != len(broken) {
		t.Errorf("in the dead-letter queue: %q, want one of each of %v", kinds, broken)
	}
	return kinds
}
