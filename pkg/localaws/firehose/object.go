package firehose

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/localaws/internal/uuid"
)

// maxDeliveryDelay ends the doubling of pauses between tries of an object.
const maxDeliveryDelay = 30 * time.Second

// streamVersion is part of keys; it counts the changes of a stream's configuration,
// which here never changes.
const streamVersion = 1

// write delivers items as one object, in the background, as often as it takes.
func (s *Stream) write(under prefix, items []output) {
	oldest := items[0].arrival
	var content bytes.Buffer
	for _, item := range items {
		content.Write(item.data)
		if item.arrival.Before(oldest) {
			oldest = item.arrival
		}
	}
	body, encoding, extension := content.Bytes(), "", ""
	if s.config.CompressionFormat == GZIP {
		body, encoding, extension = compress(body), "gzip", ".gz"
	}
	if s.config.FileExtension != "" {
		extension = s.config.FileExtension
	}
	key := fmt.Sprintf("%s%s-%d-%s-%s%s", under.evaluate(oldest), s.config.DeliveryStreamName, streamVersion,
		oldest.UTC().Format("2006-01-02-15-04-05"), uuid.New(), extension)
	s.objects.Go(func() {
		if s.put(key, body, encoding) {
			s.counted.delivered(items)
		}
	})
}

// put stores an object; false means that the stream was closed before it could.
func (s *Stream) put(key string, body []byte, encoding string) bool {
	for delay := s.config.DeliveryRetryDelay; ; delay = min(2*delay, maxDeliveryDelay) {
		if s.config.Bucket.Put(s.ctx, key, body, encoding) == nil {
			return true
		}
		select {
		case <-time.After(delay):
		case <-s.ctx.Done():
			return false
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

// delivered counts the records of an object that is stored.
func (c *counters) delivered(items []output) {
	c.add(func(m *Metrics) {
		m.Objects++
		for _, item := range items {
			if item.code != "" {
				m.FailedRecords[item.code]++
			} else {
				m.DeliveredRecords++
			}
		}
	})
}
