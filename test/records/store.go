package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/resolverwatch/resolverwatch/internal/localaws/s3"
	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/test/records/check"
	"github.com/resolverwatch/resolverwatch/test/records/generate"
)

const indexBucket = "index"

// fault answers a request to the index store instead of the store.
type fault func(w http.ResponseWriter, r *http.Request)

// store is the index bucket and the queue of alerts, with faults.
type store struct {
	url    string
	server *http.Server
	client http.Client

	mu     sync.Mutex
	fault  fault         // nil: there is none
	ended  chan struct{} // closed when the fault ends
	faulty atomic.Int64  // requests that met a fault
	alerts alertQueue
}

// startStore starts an empty bucket.
func startStore(ctx context.Context) (*store, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}

	s := &store{url: "http://" + listener.Addr().String(), ended: make(chan struct{})}
	objects := s3.New(s3.Config{})
	s.server = &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Amz-Target") == alertTarget {
			s.alerts.ServeHTTP(w, r)
			return
		}
		s.mu.Lock()
		fault := s.fault
		s.mu.Unlock()
		if fault == nil || r.Method != http.MethodGet {
			objects.ServeHTTP(w, r)
			return
		}
		s.faulty.Add(1)
		fault(w, r)
	})}
	go func() { _ = s.server.Serve(listener) }() // returns ErrServerClosed after stop

	return s, s.put(ctx, "", nil)
}

func (s *store) stop() {
	s.setFault(nil)
	_ = s.server.Close() // nothing else uses it
}

// put writes an object, or creates the bucket if key is empty.
func (s *store) put(ctx context.Context, key string, body []byte) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPut, s.url+"/"+indexBucket+"/"+key, bytes.NewReader(body))
	if err != nil {
		return err
	}
	response, err := s.client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(response.Body) // the status says enough
		return fmt.Errorf("writing %q: %s: %s", key, response.Status, text)
	}
	return nil
}

// setFault begins or, with nil, ends a fault.
func (s *store) setFault(f fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.ended)
	s.ended = make(chan struct{})
	s.fault = f
	s.faulty.Store(0)
}

// hang answers nothing until the fault ends or the client gives up.
func (s *store) hang(_ http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	ended := s.ended
	s.mu.Unlock()
	select {
	case <-ended:
	case <-r.Context().Done():
	}
}

// published is an index with its pointer.
type published struct {
	current index.Current
	object  []byte
	lists   *check.Lists
}

// build builds the index of a generation from the same entries as the maps of the checker.
func build(seed, generation uint64) (*published, error) {
	entries := generate.Lists(seed, generation)
	lists, err := check.NewLists(generation, entries, generate.AllowFeed)
	if err != nil {
		return nil, err
	}

	b := index.NewBuilder()
	for _, id := range generate.Feeds {
		b.Feed(indicator.FeedID(id), id == generate.AllowFeed)
	}
	for i := range entries {
		one, err := convert(&entries[i])
		if err != nil {
			return nil, err
		}
		if err := b.Add(indicator.FeedID(entries[i].Feed), &one); err != nil {
			return nil, err
		}
	}

	object, err := b.Build(index.Options{Generation: generation, Seed: seed, BuiltAt: time.Now()})
	if err != nil {
		return nil, err
	}
	opened, err := index.Open(object)
	if err != nil {
		return nil, err
	}
	info := opened.Info()
	return &published{lists: lists, object: object, current: index.Current{
		Generation:  generation,
		Highest:     generation,
		Hash:        info.Checksum,
		ContentHash: info.ContentHash,
		Object:      index.ObjectKey(generation, info.Checksum),
	}}, nil
}

// convert returns an entry as the importer would have it.
func convert(e *check.Entry) (i indicator.Indicator, err error) {
	i = indicator.Indicator{
		Action:     indicator.ActionBlock,
		Confidence: indicator.Confidence(e.Confidence),
		Category:   indicator.Category(e.Category),
	}
	if e.Allow {
		i.Action = indicator.ActionAllow
	}
	if i.Severity, err = indicator.ParseSeverity(e.Severity); err != nil {
		return i, err
	}
	if i.Scope, err = indicator.ParseAnyScope(e.Scope); err != nil {
		return i, err
	}
	return i, i.SetValue(e.Value)
}

// publish writes an index and moves the pointer to it, as if a publish had renewed it then.
func (s *store) publish(ctx context.Context, p *published, renewed time.Time) error {
	if err := s.put(ctx, p.current.Object, p.object); err != nil {
		return err
	}
	current := p.current
	current.RenewedAt = renewed
	text, err := current.Encode()
	if err != nil {
		return err
	}
	return s.put(ctx, index.CurrentKey, text)
}
