package logfile

import (
	"context"
	"fmt"
	"io"
	"sync"

	"golang.org/x/sync/errgroup"
)

// queueChunks is the number of chunks of one source that may wait for the writer.
const queueChunks = 4

// Chunk is a piece of one source that begins and ends between records, and the result of a
// worker for it.
type Chunk struct {
	Source int    // index into the sources
	Line   int    // number of its first line in the source
	Text   []byte // the decompressed text
	Out    []byte // output of the worker; the memory is reused
	Result any    // other results of the worker
	Idle   bool   // the source has no more input at the moment: what was written should be flushed
	done   chan struct{}
}

// Pipeline reads sources in parallel, and passes their chunks to Write in input order.
type Pipeline struct {
	Workers int // number of chunks, and of sources, that are processed at the same time
	// Work is called for each chunk. Each worker number has its own goroutine.
	Work func(worker int, chunk *Chunk)
	// Write is called for each chunk, in input order, from one goroutine.
	Write func(chunk *Chunk) error
	// Ended is called after the last chunk of a source, in input order. err is not nil if the
	// source could not be read to its end. If Ended returns an error, the run stops.
	Ended func(source int, err error) error
	// Read is called with the number of bytes that were read, before decompression.
	Read func(bytes int)
}

// stream passes the chunks of one source to the writer.
type stream struct {
	source int
	chunks chan *Chunk
	err    error // set before chunks is closed
}

// Run reads all sources. It returns the first error of Write or Ended, or the error of the
// context.
func (p *Pipeline) Run(ctx context.Context, sources []Source) error {
	group, ctx := errgroup.WithContext(ctx)
	pool := &sync.Pool{New: func() any { return &Chunk{} }}
	work := make(chan *Chunk)
	streams := make(chan *stream, p.Workers)

	var readers sync.WaitGroup
	group.Go(func() error {
		defer close(streams)
		return p.startReaders(ctx, &readers, len(sources), streams, func(s *stream) error {
			return p.readSource(ctx, sources[s.source], s, work, pool)
		})
	})

	var workers sync.WaitGroup
	for worker := range p.Workers {
		workers.Go(func() {
			for chunk := range work {
				p.Work(worker, chunk)
				close(chunk.done)
			}
		})
	}
	group.Go(func() error { return p.writeChunks(ctx, streams, pool) })

	err := group.Wait()
	readers.Wait()
	close(work)
	workers.Wait()
	return err
}

// startReaders starts a reader for each source, at most Workers at the same time, and passes the
// streams to the writer in input order.
func (p *Pipeline) startReaders(
	ctx context.Context, readers *sync.WaitGroup, sources int, streams chan<- *stream, read func(*stream) error,
) error {
	slots := make(chan struct{}, p.Workers)
	for i := range sources {
		s := &stream{source: i, chunks: make(chan *Chunk, queueChunks)}
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
		select {
		case streams <- s:
		case <-ctx.Done():
			return ctx.Err()
		}
		readers.Go(func() {
			defer func() { <-slots }()
			defer close(s.chunks)
			s.err = read(s)
		})
	}
	return nil
}

// readSource cuts one source into chunks. It passes each chunk to the queue of the writer first
// and then to a worker, so that a full queue blocks the reader and never a worker.
func (p *Pipeline) readSource(ctx context.Context, source Source, s *stream, work chan<- *Chunk, pool *sync.Pool) error {
	file, err := source.open(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // only read
	text, release, err := open(&counter{file, p.Read})
	if err != nil {
		return fmt.Errorf("%s: %w", source.Name, err)
	}
	defer release()

	cut := chunker{reader: text, line: 1}
	if live, ok := file.(*Live); ok {
		cut.isIdle = live.isIdle
	}
	for {
		chunk := pool.Get().(*Chunk)
		chunk.Source, chunk.Result, chunk.done = s.source, nil, make(chan struct{})
		chunk.Text, chunk.Line, err = cut.next(chunk.Text)
		chunk.Idle = cut.idle
		if err == io.EOF { //nolint:errorlint // next returns io.EOF itself; the io.ErrUnexpectedEOF of a truncated file must not match
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", source.Name, err)
		}
		select {
		case s.chunks <- chunk:
		case <-ctx.Done():
			return ctx.Err()
		}
		// The writer waits for each chunk in its queue, so a worker must process the chunk even
		// if the run is being stopped.
		work <- chunk
	}
}

func (p *Pipeline) writeChunks(ctx context.Context, streams <-chan *stream, pool *sync.Pool) error {
	for s := range streams {
		for chunk := range s.chunks {
			<-chunk.done
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err := p.Write(chunk); err != nil {
				return err
			}
			pool.Put(chunk)
		}
		if err := p.Ended(s.source, s.err); err != nil {
			return err
		}
	}
	return nil
}

// counter calls read with the number of bytes of each read.
type counter struct {
	io.Reader
	read func(int)
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.read(n)
	return n, err
}
