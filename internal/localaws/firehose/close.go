package firehose

import (
	"context"
	"errors"
	"fmt"
)

// Close takes no more records, delivers those it has, and returns when all of them
// lie in objects. If the context ends first, the rest is lost and the error says so.
func (s *Stream) Close(ctx context.Context) error {
	s.mu.Lock()
	closed := s.closed
	s.closed = true
	s.mu.Unlock()
	if closed {
		return nil
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if s.incoming != nil {
			s.incoming.drain()
			close(s.batches)
			s.workers.Wait()
		}
		s.delivered.drain()
		s.failed.drain()
		if s.backup != nil {
			s.backup.drain()
		}
		s.objects.Wait()
	}()
	defer s.cancel()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		s.cancel()
		<-done
		return s.lost(ctx.Err())
	}
}

// lost says what was not stored in time.
func (s *Stream) lost(why error) error {
	metrics := s.counted.read()
	var problems []error
	if lost := metrics.Pending(); lost > 0 {
		problems = append(problems, fmt.Errorf("closing delivery stream %s: %d records are not delivered: %w",
			s.config.DeliveryStreamName, lost, why))
	}
	if lost := metrics.IncomingRecords - metrics.BackedUpRecords; s.backup != nil && lost > 0 {
		problems = append(problems, fmt.Errorf("closing delivery stream %s: %d records are not backed up: %w",
			s.config.DeliveryStreamName, lost, why))
	}
	return errors.Join(problems...)
}
