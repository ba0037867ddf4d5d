package logfile

import (
	"context"
	"io"
	"time"
)

// idleAfter is how long a live reader waits for more input before it counts as idle. It is longer
// than the pauses of a program that writes as fast as it can.
const idleAfter = 100 * time.Millisecond

// Live reads input that can pause, such as a pipe from `tail -f`. A read ends when the context
// does, although the system call of the input cannot be ended: its goroutine stays until the
// process exits.
type Live struct {
	ctx    context.Context //nolint:containedctx // of the reads, which have no context of their own
	pieces chan piece
	piece  piece // what is left of the current one
}

// piece is the result of one read of the input.
type piece struct {
	data []byte
	err  error
}

// NewLive returns a reader of input that can pause.
func NewLive(ctx context.Context, input io.Reader) *Live {
	const ahead = 4
	l := &Live{ctx: ctx, pieces: make(chan piece, ahead)}
	go l.fill(input)
	return l
}

// fill reads the input until it ends or nobody reads any more.
func (l *Live) fill(input io.Reader) {
	for {
		buffer := make([]byte, readBytes)
		n, err := input.Read(buffer)
		select {
		case l.pieces <- piece{buffer[:n], err}:
		case <-l.ctx.Done():
			return
		}
		if err != nil {
			return
		}
	}
}

// Read returns input as soon as there is some.
func (l *Live) Read(p []byte) (int, error) {
	for len(l.piece.data) == 0 {
		if l.piece.err != nil {
			return 0, l.piece.err
		}
		select {
		case l.piece = <-l.pieces:
		case <-l.ctx.Done():
			return 0, l.ctx.Err()
		}
	}
	n := copy(p, l.piece.data)
	l.piece.data = l.piece.data[n:]
	return n, nil
}

// Close does nothing: the input belongs to the caller.
func (l *Live) Close() error { return nil }

// isIdle waits a moment for input and reports whether there is none. The end of the input is not
// idle.
func (l *Live) isIdle() bool {
	if len(l.piece.data) > 0 || l.piece.err != nil {
		return false
	}
	timer := time.NewTimer(idleAfter)
	defer timer.Stop()
	select {
	case l.piece = <-l.pieces:
		return false
	case <-l.ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
