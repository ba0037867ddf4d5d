package logfile

import (
	"context"
	"fmt"
	"io"
	"sync"

	"golang.org/x/sync/errgroup"
)

// queueChunks is how many chunks of one file may wait for the writer.
const queueChunks = 4

// Chunk is a piece of one source, between records, with what a worker made of it.
type Chunk struct {
	Source int    // index into the sources
	Line   int    // number of the first line in its source
	Text   []byte // what was read
	Out    []byte // what the worker made; its memory is reused
	Result any    // what else the worker wants to tell the writer
	done   chan struct{}
}

// Pipeline reads sources in parallel and hands their chunks to the writer in input
// order.
type Pipeline struct {
	Workers int // chunks worked on, and files read, at once
	// Work is called for each chunk, by one goroutine for each worker number.
	Work func(worker int, chunk *Chunk)
	// Write is called for each chunk in input order, by one goroutine.
	Write func(chunk *Chunk) error
	// Ended is called after the last chunk of a source, in input order, with the
	// error that cut the source short, if any. Returning an error stops everything.
	Ended func(source int, err error) error
	// Read is called with the number of bytes read, before decompression.
	Read func(bytes int)
}

// stream is one source on its way to the writer.
type stream struct {
	source int
	chunks chan *Chunk
	err    error // set before chunks is closed
}

// Run reads all sources to their end. It returns the first error of Write or Ended,
// or the context's.
func (p *Pipeline) Run(ctx context.Context, sources []Source) error {
	group, ctx := errgroup.WithContext(ctx)
	pool := &sync.Pool{New: func() any { return &Chunk{} }}
	work := make(chan *Chunk)
	streams := make(chan *stream, p.Workers)
	var readers sync.WaitGroup

	group.Go(func() error {
		defer close(streams)
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
				s.err = p.readSource(ctx, sources[i], s, work, pool)
			})
		}
		return nil
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

// readSource cuts one source into chunks and hands each to the writer's queue and the
// workers, in this order: a full queue holds the reader, never a worker.
func (p *Pipeline) readSource(ctx context.Context, source Source, s *stream, work chan<- *Chunk, pool *sync.Pool) error {
	file, err := source.Open(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // only read
	text, release, err := decompress(&counter{file, p.Read})
	if err != nil {
		return fmt.Errorf("%s: %w", source.Name, err)
	}
	defer release()
	cut := chunker{reader: text, line: 1}
	for {
		chunk := pool.Get().(*Chunk)
		chunk.Source, chunk.Result, chunk.done = s.source, nil, make(chan struct{})
		chunk.Text, chunk.Line, err = cut.next(chunk.Text)
		if err == io.EOF { //nolint:errorlint // next returns the bare value, a cut file's io.ErrUnexpectedEOF wraps none
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
		// The writer waits for what is in its queue: it must be worked on even when
		// everything is being stopped.
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

// counter tells how much was read.
type counter struct {
	io.Reader
	read func(int)
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.read(n)
	return n, err
}
