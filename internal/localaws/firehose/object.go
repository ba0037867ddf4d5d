package firehose

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"time"

	"github.com/google/uuid"
)

// maxDeliveryDelay ends the doubling of pauses between tries of an object.
const maxDeliveryDelay = 30 * time.Second

// streamVersion is part of keys; it counts the changes of a stream's configuration,
// which here never changes.
const streamVersion = 1

// object is what is stored under one key.
type object struct {
	target target
	oldest time.Time // arrival of its oldest record
	body   []byte
	items  []output // that are in it
}

// write delivers items as one object, in the background, as often as it takes.
func (s *Stream) write(to target, items []output) {
	s.objects.Go(func() { s.store(object{to, oldestOf(items), join(items), items}) })
}

func join(items []output) []byte {
	var content bytes.Buffer
	for _, item := range items {
		content.Write(item.data)
	}
	return content.Bytes()
}

func oldestOf(items []output) time.Time {
	oldest := items[0].arrival
	for _, item := range items {
		if item.arrival.Before(oldest) {
			oldest = item.arrival
		}
	}
	return oldest
}

// store puts an object and counts what is in it, unless the stream was closed before it
// could.
func (s *Stream) store(o object) {
	if o.target.gzip {
		o.body = compress(o.body)
	}
	key := fmt.Sprintf("%s%s-%d-%s-%s%s", o.target.prefix.evaluate(o.oldest, o.target.errorType),
		s.config.DeliveryStreamName, streamVersion, o.oldest.UTC().Format("2006-01-02-15-04-05"), uuid.NewString(),
		o.target.extension)
	for delay := s.config.DeliveryRetryDelay; ; delay = min(2*delay, maxDeliveryDelay) {
		if o.target.bucket.Put(s.ctx, key, o.body, o.target.encoding) == nil {
			o.target.counted(&s.counted, o.items)
			return
		}
		select {
		case <-time.After(delay):
		case <-s.ctx.Done():
			return
		}
	}
}

func compress(body []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, _ = w.Write(body) // a bytes.Buffer takes everything
	_ = w.Close()
	return out.Bytes()
}
