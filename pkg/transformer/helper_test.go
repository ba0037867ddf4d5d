package transformer

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/domainname"
	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/loader"
)

// start is the time on the test clock at the start of each test.
var start = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// published is an index file with its pointer.
type published struct {
	current index.Current
	object  []byte
}

// publish builds an index in which the given names and everything under them are malicious.
func publish(t testing.TB, generation uint64, renewed time.Time, names ...string) published {
	t.Helper()
	b := index.NewBuilder()
	b.Feed("list", false)
	for _, text := range names {
		name, err := domainname.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Add("list", &indicator.Indicator{
			Name: name, Scope: indicator.ScopeSubtree, Action: indicator.ActionBlock,
			Severity: indicator.SeverityMedium, Confidence: 50,
		}); err != nil {
			t.Fatal(err)
		}
	}
	return seal(t, b, generation, renewed)
}

// seal returns the index of a builder with its pointer.
func seal(t testing.TB, b *index.Builder, generation uint64, renewed time.Time) published {
	t.Helper()
	object, err := b.Build(index.Options{Generation: generation, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	x, err := index.Open(object)
	if err != nil {
		t.Fatal(err)
	}
	info := x.Info()
	return published{index.Current{
		Generation: generation, Highest: generation, Hash: info.Checksum, ContentHash: info.ContentHash,
		Object: index.ObjectKey(generation, info.Checksum), RenewedAt: renewed,
	}, object}
}

// store is a [loader.Store] with one index. Each change of the pointer gives it a new
// version.
type store struct {
	mu      sync.Mutex
	now     published
	version int // 0 = no pointer
	// Errors that the methods return, nil for none.
	currentErr, objectErr error
	hang                  chan struct{} // if set, Current waits until this is closed
	polls, loads          atomic.Int64
}

func (s *store) set(p published) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = p
	s.version++
}

func (s *store) fail(current, object error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.currentErr, s.objectErr = current, object
}

func (s *store) Current(ctx context.Context, etag string) (index.Current, string, error) {
	s.polls.Add(1)
	s.mu.Lock()
	hang := s.hang
	s.mu.Unlock()
	if hang != nil {
		select {
		case <-hang:
		case <-ctx.Done():
			return index.Current{}, "", ctx.Err()
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	version := fmt.Sprint(s.version)
	switch {
	case s.currentErr != nil:
		return index.Current{}, "", s.currentErr
	case s.version == 0:
		return index.Current{}, "", loader.ErrNoIndex
	case etag == version:
		return index.Current{}, "", loader.ErrNotModified
	}
	return s.now.current, version, nil
}

func (s *store) Object(_ context.Context, key string) ([]byte, error) {
	s.loads.Add(1)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.objectErr != nil:
		return nil, s.objectErr
	case key != s.now.current.Object:
		return nil, fmt.Errorf("no object %s", key)
	}
	return bytes.Clone(s.now.object), nil
}

// clock is a clock that a test moves.
type clock struct{ offset atomic.Int64 }

func (c *clock) now() time.Time          { return start.Add(time.Duration(c.offset.Load())) }
func (c *clock) advance(d time.Duration) { c.offset.Add(int64(d)) }

// newTransformer returns a transformer with an index that lists evil.example, and its store
// and clock. change can modify the configuration.
func newTransformer(t testing.TB, change func(*Config)) (*Transformer, *store, *clock) {
	t.Helper()
	s, c := &store{}, &clock{}
	s.set(publish(t, 7, start, "evil.example"))
	config := Config{Store: s, clock: c.now}
	if change != nil {
		change(&config)
	}
	tr, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	return tr, s, c
}

// event returns a Firehose event with records that have the ids "0", "1", ...
func event(records ...string) []byte {
	var list []string
	for i, data := range records {
		list = append(list, fmt.Sprintf(`{"recordId":"%d","approximateArrivalTimestamp":1790000000000,"data":"%s"}`,
			i, base64.StdEncoding.EncodeToString([]byte(data))))
	}
	return []byte(`{"invocationId":"i","deliveryStreamArn":"arn:aws:firehose:eu-west-1:012345678901:deliverystream/s",` +
		`"region":"eu-west-1","records":[` + strings.Join(list, ",") + `]}`)
}

// answer is one record of a response.
type answer struct {
	RecordID *string `json:"recordId"`
	Result   *string `json:"result"`
	Data     *string `json:"data"`
	lines    string
}

// check checks that a response follows the contract of Firehose and returns its answers.
func check(t testing.TB, response []byte, ids ...string) []answer {
	t.Helper()
	if len(response) > 6_000_000 {
		t.Fatalf("response of %d bytes", len(response))
	}
	var got struct {
		Records []answer `json:"records"`
	}
	decoder := json.NewDecoder(bytes.NewReader(response))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&got); err != nil || decoder.More() || got.Records == nil {
		t.Fatalf("response is %.200q, error %v", response, err)
	}
	if len(got.Records) != len(ids) {
		t.Fatalf("got %d answers to %d records", len(got.Records), len(ids))
	}
	for i := range got.Records {
		a := &got.Records[i]
		if a.RecordID == nil || a.Result == nil || a.Data == nil {
			t.Fatalf("answer %d lacks a member: %.200q", i, response)
		}
		if *a.RecordID != ids[i] {
			t.Errorf("answer %d is for record %q, want %q", i, *a.RecordID, ids[i])
		}
		lines, err := base64.StdEncoding.Strict().DecodeString(*a.Data)
		if err != nil {
			t.Errorf("answer %d: %v", i, err)
		}
		a.lines = string(lines)
		switch *a.Result {
		case "Ok":
			if !strings.HasSuffix(a.lines, "}\n") {
				t.Errorf("answer %d does not end with a line end: %q", i, a.lines)
			}
		case "Dropped", "ProcessingFailed":
			if *a.Data != "" {
				t.Errorf("answer %d is %s but has data", i, *a.Result)
			}
		default:
			t.Errorf("answer %d has the unknown result %q", i, *a.Result)
		}
	}
	return got.Records
}

// invoke sends records and returns the answers.
func invoke(t testing.TB, tr *Transformer, records ...string) []answer {
	t.Helper()
	response, err := tr.Invoke(context.Background(), event(records...))
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for i := range records {
		ids = append(ids, fmt.Sprint(i))
	}
	return check(t, response, ids...)
}

// words summarises answers: each result or, for Ok, the verdicts of the objects with their
// reasons and generations.
func words(t testing.TB, answers []answer) string {
	t.Helper()
	var words []string
	for _, a := range answers {
		if *a.Result != "Ok" {
			words = append(words, *a.Result)
			continue
		}
		for line := range strings.Lines(a.lines) {
			var m struct {
				Verdict    string `json:"verdict"`
				Reason     string `json:"verdict_reason"`
				Generation int    `json:"index_generation"`
			}
			if err := json.Unmarshal([]byte(line), &m); err != nil {
				t.Fatalf("%v in %s", err, line)
			}
			word := m.Verdict
			if m.Reason != "" {
				word = m.Reason
			}
			if m.Generation != 0 {
				word += fmt.Sprintf("@%d", m.Generation)
			}
			words = append(words, word)
		}
	}
	return strings.Join(words, " ")
}

func compress(t testing.TB, text string) string {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}
