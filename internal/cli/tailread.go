package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/resolverwatch/resolverwatch/internal/logfile"
	"github.com/resolverwatch/resolverwatch/internal/operator/stack"
	"github.com/resolverwatch/resolverwatch/internal/sighting"
	"github.com/resolverwatch/resolverwatch/internal/tail"
	"github.com/resolverwatch/resolverwatch/internal/term"
	"github.com/resolverwatch/resolverwatch/pkg/verdict"
)

// tailReader implements [tail.Reader]. It reads several objects at the same time, and writes their
// matches in the order of the objects.
type tailReader struct {
	options *tailOptions
	client  logfile.S3
	out     io.Writer
	warn    io.Writer
	workers []*tailWorker
}

// tailWorkers is the number of objects that are read at the same time.
const tailWorkers = 4

func newTailReader(o *tailOptions, client logfile.S3, std streams) *tailReader {
	r := &tailReader{options: o, client: client, out: std.out, warn: std.err}
	if o.form == formNDJSON && !term.IsTerminal(std.out) {
		r.out = term.Unwrapped(std.out) // marked records have the bytes of the log
	}
	for range tailWorkers {
		w := &tailWorker{options: o, colors: term.ColorsOf(std.out)}
		w.marker = verdict.NewMarker(nil, verdict.Options{OnMark: w.onMark})
		r.workers = append(r.workers, w)
	}
	return r
}

// errUnmarked reports logs that the stack did not mark.
var errUnmarked = errors.New("its records have no marks: name a folder of marked logs")

// Read implements [tail.Reader].
func (r *tailReader) Read(ctx context.Context, objects []*tail.Pending) ([]error, error) {
	sources := make([]logfile.Source, len(objects))
	for i, object := range objects {
		sources[i] = logfile.S3Object(r.client, r.options.outputBucket, object.Key, object.Size)
	}

	errs, matches, refused := make([]error, len(objects)), make([]int, len(objects)), make([]int, len(objects))
	pipeline := logfile.Pipeline{
		Workers: len(r.workers),
		Work:    func(worker int, chunk *logfile.Chunk) { r.workers[worker].work(chunk) },
		Read:    func(int) {},
		Write: func(chunk *logfile.Chunk) error {
			result := chunk.Result.(*tailResult)
			if result.unmarked {
				return fmt.Errorf("%s: %w", sources[chunk.Source].Name, errUnmarked)
			}
			refused[chunk.Source] += result.refused
			return r.show(chunk, result, objects[chunk.Source], &matches[chunk.Source])
		},
		Ended: func(source int, err error) error {
			var refusal *stack.Refusal
			if err = stack.Explain(err); errors.As(err, &refusal) {
				return err // it is the same for all objects
			}
			errs[source] = err
			if err == nil && refused[source] > 0 {
				fmt.Fprintf(r.warn, "%s: %d lines are not records\n", sources[source].Name, refused[source])
			}
			return nil
		},
	}
	return errs, pipeline.Run(ctx, sources)
}

// show writes the matches of a chunk that were not shown when the object was read before. matches
// counts those of the object in this reading.
func (r *tailReader) show(chunk *logfile.Chunk, result *tailResult, object *tail.Pending, matches *int) error {
	begin := 0
	for _, end := range result.ends {
		if *matches++; *matches > object.Shown {
			if _, err := r.out.Write(chunk.Out[begin:end]); err != nil {
				return fmt.Errorf("writing the result: %w", err)
			}
			object.Shown++
		}
		begin = end
	}
	return nil
}

// tailResult is the result of one chunk. The lines to show are in the chunk itself, each up to one
// of the ends.
type tailResult struct {
	ends     []int
	refused  int
	unmarked bool
}

// tailWorker finds the matches of one chunk at a time.
type tailWorker struct {
	options *tailOptions
	colors  term.Colors
	marker  *verdict.Marker
	chunk   *logfile.Chunk
	result  *tailResult
	line    []byte
}

func (w *tailWorker) work(chunk *logfile.Chunk) {
	w.chunk, w.result = chunk, &tailResult{}
	chunk.Out, chunk.Result = chunk.Out[:0], w.result
	mark := func(record []byte) (err error) {
		w.line, err = w.marker.Mark(w.line[:0], record)
		return err
	}
	logfile.Records(chunk.Text, chunk.Line, mark, func(int, error) { w.result.refused++ })
}

// onMark is called for every object with a verdict.
func (w *tailWorker) onMark(m *verdict.Mark) {
	w.result.unmarked = w.result.unmarked || !m.AlreadyMarked
	if m.Verdict != verdict.Malicious {
		return
	}
	seen := sighting.FromMark(m)
	o := w.options
	tooLow := seen.Severity() < o.least && seen.Severity() != 0 // 0: a mark without details is shown
	if tooLow || len(o.vpcs) > 0 && !slices.Contains(o.vpcs, seen.VPC()) {
		return
	}
	switch o.form {
	case formNDJSON:
		w.chunk.Out = append(w.chunk.Out, m.Line...)
	case formCSV:
		w.chunk.Out = appendCSV(w.chunk.Out, seen.Cells()...)
	default:
		w.chunk.Out = seen.AppendLine(w.chunk.Out, w.colors)
	}
	w.result.ends = append(w.result.ends, len(w.chunk.Out))
}
