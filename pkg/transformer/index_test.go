package transformer

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/loader"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

var errStore = errors.New("access denied")

// logTo returns a configuration change that writes the log to a buffer.
func logTo(log *bytes.Buffer) func(*Config) {
	return func(c *Config) { c.Log = slog.New(slog.NewTextHandler(log, nil)) }
}

func TestTransformer_index_polling(t *testing.T) {
	t.Parallel()
	tr, s, c := newTransformer(t, nil)
	step := func(name, want string, polls, loads int64) {
		t.Helper()
		if got := words(t, invoke(t, tr, `{"query_name":"new.example"}`)); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
		if s.polls.Load() != polls || s.loads.Load() != loads {
			t.Errorf("%s: got %d polls and %d loads, want %d and %d", name, s.polls.Load(), s.loads.Load(), polls, loads)
		}
	}
	step("first", "clean@7", 1, 1)
	s.set(publish(t, 8, start, "new.example"))
	c.advance(59 * time.Second)
	step("within the poll interval", "clean@7", 1, 1)
	c.advance(time.Second)
	step("after the poll interval", "malicious@8", 2, 2)
	c.advance(time.Minute)
	step("not modified", "malicious@8", 3, 2)
	renewed := publish(t, 8, c.now(), "new.example")
	s.set(renewed)
	c.advance(time.Minute)
	step("renewed only", "malicious@8", 4, 2)
	s.set(publish(t, 7, c.now(), "old.example"))
	c.advance(time.Minute)
	step("rolled back", "clean@7", 5, 3)
}

func TestTransformer_index_stale(t *testing.T) {
	t.Parallel()
	tr, s, c := newTransformer(t, func(c *Config) { c.Settings.MaxIndexAge = settings.Duration(24 * time.Hour) })
	for _, tt := range []struct {
		after time.Duration
		want  string
	}{
		{24 * time.Hour, "malicious@7 clean@7"},
		{time.Second, "malicious@7 stale_index@7"},
	} {
		c.advance(tt.after)
		if got := words(t, invoke(t, tr, evil, clean)); got != tt.want {
			t.Errorf("got %s, want %s", got, tt.want)
		}
	}
	s.set(publish(t, 7, c.now(), "evil.example"))
	c.advance(time.Minute)
	if got, want := words(t, invoke(t, tr, evil, clean)), "malicious@7 clean@7"; got != want {
		t.Errorf("renewed: got %s, want %s", got, want)
	}
}

// Until there is an index, records are unknown and the store is polled again: after a second,
// then after longer and longer pauses up to the poll interval.
func TestTransformer_index_none(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	tr, s, c := newTransformer(t, logTo(&log))
	first := s.now
	s.version = 0
	for _, tt := range []struct {
		after time.Duration
		polls int64
	}{
		{0, 1},
		{999 * time.Millisecond, 1},
		{time.Millisecond, 2},
		{time.Second, 2},
		{time.Second, 3},
		{4 * time.Second, 4},
		{time.Hour, 5},
		{time.Hour, 6},
		{time.Hour, 7},
		{59 * time.Second, 7},
		{time.Second, 8},
	} {
		c.advance(tt.after)
		if got := words(t, invoke(t, tr, evil)); got != "no_index" || s.polls.Load() != tt.polls {
			t.Errorf("got %s after %d polls, want %d polls", got, s.polls.Load(), tt.polls)
		}
	}
	s.set(first)
	c.advance(time.Minute)
	if got := words(t, invoke(t, tr, evil)); got != "malicious@7" {
		t.Errorf("published: got %s", got)
	}
	if log.Len() > 0 { // a store without an index is not a failure
		t.Errorf("log: %s", &log)
	}
}

func TestTransformer_index_failWithout(t *testing.T) {
	t.Parallel()
	tr, s, c := newTransformer(t, func(c *Config) { c.Settings.FailureMode = settings.FailureModeFail })
	s.fail(errStore, nil)
	for range 2 {
		if got, err := tr.Invoke(context.Background(), event(clean)); !errors.Is(err, errNotReady) {
			t.Errorf("response %s, error %v", got, err)
		}
	}
	s.fail(nil, nil)
	c.advance(time.Second)
	if got := words(t, invoke(t, tr, evil)); got != "malicious@7" {
		t.Errorf("got %s", got)
	}
	s.fail(errStore, nil)
	c.advance(time.Hour)
	if got := words(t, invoke(t, tr, evil)); got != "malicious@7" {
		t.Errorf("with an index that cannot be renewed: got %s", got)
	}
}

// If a new index is bad in any way, the old index stays in service, the failure is logged
// once per poll, and a good index is loaded as soon as there is one.
func TestTransformer_index_failures(t *testing.T) {
	t.Parallel()
	good := publish(t, 8, start, "new.example")
	changed := func(change func(*published)) published {
		p := good
		p.object = bytes.Clone(p.object)
		change(&p)
		return p
	}
	for _, tt := range []struct {
		name       string
		next       published
		currentErr error
		objectErr  error
		log        string
	}{
		{"no access to the pointer", good, errStore, nil, "reading the index pointer: access denied"},
		{"pointer deleted", good, loader.ErrNoIndex, nil, "reading the index pointer: it was deleted"},
		{"object deleted", good, nil, errStore, "access denied"},
		{"empty", changed(func(p *published) { p.object = nil }), nil, nil, "opening an index"},
		{"truncated", changed(func(p *published) { p.object = p.object[:len(p.object)/2] }), nil, nil, "opening an index"},
		{"flipped bit", changed(func(p *published) { p.object[len(p.object)/2] ^= 1 }), nil, nil, "opening an index"},
		{"another index", changed(func(p *published) { p.object = publish(t, 8, start, "other.example").object }), nil, nil, "the pointer says"},
		{"another generation", changed(func(p *published) { p.object = publish(t, 9, start, "new.example").object }), nil, nil, "the pointer says"},
		{"a top-level domain", publish(t, 8, start, "com"), nil, nil, "canary com"},
		{"renewed in the future", publish(t, 8, start.Add(10*time.Minute), "new.example"), nil, nil, "renewed_at 2026-11-23T12:10:00Z: is in the future"},
		{"a generation that no reader of JSON has", publish(t, 1<<53, start, "new.example"), nil, nil, "must not be above 9007199254740991"},
		{"blocks that cover too much", publishBlocks(t, 257), nil, nil, "feed \\\"list\\\" cover 16842752 IPv4 addresses"},
		{"all of AWS", publish(t, 8, start, "amazonaws.com"), nil, nil, ".amazonaws.com is malicious because of entry amazonaws.com"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			tr, s, c := newTransformer(t, logTo(&log))
			invoke(t, tr, clean)

			s.set(tt.next)
			s.fail(tt.currentErr, tt.objectErr)
			c.advance(time.Minute)
			for range 3 {
				if got := words(t, invoke(t, tr, evil)); got != "malicious@7" {
					t.Errorf("with the bad index: got %s", got)
				}
			}
			if text := log.String(); strings.Count(text, "\n") != 1 || !strings.Contains(text, tt.log) {
				t.Errorf("got log %q, want one line with %q", text, tt.log)
			}

			s.set(good)
			s.fail(nil, nil)
			c.advance(time.Second)
			if got := words(t, invoke(t, tr, `{"query_name":"new.example"}`)); got != "malicious@8" {
				t.Errorf("with a good index: got %s", got)
			}
		})
	}
}

// publishBlocks publishes an index in which n blocks of 16 bits are malicious.
func publishBlocks(t testing.TB, n int) published {
	t.Helper()
	b := index.NewBuilder()
	b.Feed("list", false)
	for i := range n {
		if err := b.Add("list", &indicator.Indicator{
			Block: netip.PrefixFrom(netip.AddrFrom4([4]byte{byte(11 + i>>8), byte(i), 0, 0}), 16),
			Scope: indicator.ScopeCIDR, Action: indicator.ActionBlock, Severity: indicator.SeverityMedium, Confidence: 50,
		}); err != nil {
			t.Fatal(err)
		}
	}
	return seal(t, b, 8, start)
}

// The bounds for address blocks are settings, which the importer has too.
func TestTransformer_index_reachSettings(t *testing.T) {
	t.Parallel()
	record := `{"query_name":"a.test","answers":[{"Type":"A","Rdata":"11.1.2.3"}]}`
	for _, tt := range []struct {
		name   string
		change func(*settings.TransformerFunction)
		want   string
	}{
		{"the default", func(*settings.TransformerFunction) {}, "clean@7"},
		{"raised", func(s *settings.TransformerFunction) { s.MaxFeedIPv4 = 257 << 16 }, "malicious@8"},
		{"raised, but not for all feeds", func(s *settings.TransformerFunction) { s.MaxFeedIPv4, s.MaxTotalIPv4 = 257<<16, 1<<24 }, "clean@7"},
		{"lowered", func(s *settings.TransformerFunction) { s.MaxFeedIPv4 = 1 }, "clean@7"},
	} {
		tr, s, c := newTransformer(t, func(config *Config) { tt.change(&config.Settings) })
		invoke(t, tr, clean)
		s.set(publishBlocks(t, 257))
		c.advance(time.Minute)
		if got := words(t, invoke(t, tr, record)); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
}

// An index that lists the fixed canaries of earlier versions must load, because otherwise
// someone who puts one on a list could keep all newer indexes out.
func TestTransformer_index_listedCanary(t *testing.T) {
	t.Parallel()
	tr, s, c := newTransformer(t, nil)
	invoke(t, tr, clean)
	s.set(publish(t, 8, start, "resolverwatch-canary.com", "resolverwatch-canary.invalid", "new.example"))
	c.advance(time.Minute)
	if got := words(t, invoke(t, tr, `{"query_name":"new.example"}`)); got != "malicious@8" {
		t.Errorf("with the new index: got %s", got)
	}
}

// If the store hangs, only the first invocations wait, and the result of the poll is used
// when it arrives.
func TestTransformer_index_hangs(t *testing.T) {
	t.Parallel()
	const wait, invocations = 500 * time.Millisecond, 10
	tr, s, _ := newTransformer(t, func(c *Config) { c.Settings.ColdStartWait = settings.Duration(wait) })
	hang := make(chan struct{})
	s.hang = hang
	began := time.Now()
	for range invocations {
		if got := words(t, invoke(t, tr, evil)); got != "no_index" {
			t.Errorf("got %s", got)
		}
	}
	if took := time.Since(began); took < wait || took > invocations/2*wait {
		t.Errorf("%d invocations took %v", invocations, took)
	}
	if s.polls.Load() != 1 {
		t.Errorf("got %d concurrent polls", s.polls.Load())
	}
	close(hang)
	for began := time.Now(); words(t, invoke(t, tr, evil)) != "malicious@7"; time.Sleep(time.Millisecond) {
		if time.Since(began) > 5*time.Second {
			t.Fatal("the index never came into service")
		}
	}
}

// Waiting for an index takes only a share of the remaining time.
func TestTransformer_index_hangsWithLittleTime(t *testing.T) {
	t.Parallel()
	s := &store{hang: make(chan struct{})}
	defer close(s.hang)
	tr, err := New(Config{Store: s, Settings: settings.TransformerFunction{Marking: settings.Marking{ColdStartWait: settings.Duration(time.Minute)}}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	response, err := tr.Invoke(ctx, event(evil))
	if err != nil || ctx.Err() != nil {
		t.Fatalf("error %v, context %v", err, ctx.Err())
	}
	if got := words(t, check(t, response, "0")); got != "no_index" {
		t.Errorf("got %s", got)
	}
}

// panicking is a store that panics.
type panicking struct{ store }

func (p *panicking) Object(context.Context, string) ([]byte, error) { panic("broken store") }

func TestTransformer_index_panic(t *testing.T) {
	t.Parallel()
	p := &panicking{}
	p.set(publish(t, 7, start, "evil.example"))
	var log bytes.Buffer
	config := Config{Store: p}
	logTo(&log)(&config)
	tr, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	if got := words(t, invoke(t, tr, evil)); got != "no_index" || !strings.Contains(log.String(), "panic: broken store") {
		t.Errorf("got %s, log %s", got, &log)
	}
}
