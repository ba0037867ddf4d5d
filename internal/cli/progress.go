package cli

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/resolverwatch/resolverwatch/internal/logfile"
	"github.com/resolverwatch/resolverwatch/internal/term"
	"github.com/resolverwatch/resolverwatch/pkg/awsio/athena"
)

// logProgress shows on a terminal how much of the input was read. Elsewhere it shows nothing.
type logProgress struct {
	container *mpb.Progress
	bar       *mpb.Bar
	read      atomic.Int64
}

func newLogProgress(messages io.Writer, sources []logfile.Source, quiet bool) *logProgress {
	if !showsProgress(messages, quiet) {
		return &logProgress{}
	}

	container := mpb.New(mpb.WithOutput(term.Unwrapped(messages)), mpb.WithWidth(40), mpb.WithRefreshRate(200*time.Millisecond))
	return &logProgress{container: container, bar: newBar(container, sources)}
}

// newBar returns a bar up to the size of the sources or, if that is unknown, a count.
func newBar(container *mpb.Progress, sources []logfile.Source) *mpb.Bar {
	speed := decor.AverageSpeed(decor.SizeB1024(0), "% .1f")
	total, isKnown := totalSize(sources)
	if !isKnown {
		return container.New(0, mpb.NopStyle(), mpb.BarRemoveOnComplete(),
			mpb.PrependDecorators(decor.Name("read "), decor.CurrentKibiByte("% .1f"), decor.Name(", "), speed))
	}
	return container.AddBar(total, mpb.BarRemoveOnComplete(),
		mpb.PrependDecorators(decor.Name("reading "), decor.CountersKibiByte("% .1f / % .1f")),
		mpb.AppendDecorators(speed, decor.Name(" "), decor.AverageETA(decor.ET_STYLE_GO)))
}

// totalSize returns the size of all sources. That of standard input is unknown.
func totalSize(sources []logfile.Source) (total int64, isKnown bool) {
	for _, source := range sources {
		if source.Size < 0 {
			return 0, false
		}
		total += source.Size
	}
	return total, true
}

// add is called by several goroutines.
func (p *logProgress) add(bytes int) {
	if p.bar != nil {
		p.bar.SetCurrent(p.read.Add(int64(bytes)))
	}
}

func (p *logProgress) close() {
	if p.bar != nil {
		p.bar.SetTotal(-1, true)
		p.container.Wait()
	}
}

// queryProgress shows on a terminal how long a query has been running, and prints messages.
type queryProgress struct {
	messages     io.Writer
	quiet, lines bool // lines: messages is a terminal, where a line can be overwritten
	started      time.Time
}

func newQueryProgress(messages io.Writer, quiet bool) *queryProgress {
	return &queryProgress{
		messages: messages,
		quiet:    quiet,
		lines:    showsProgress(messages, quiet),
		started:  time.Now(),
	}
}

// clearLine moves to the start of a terminal's line and clears it.
const clearLine = "\r\x1b[K"

func (w *queryProgress) update(p athena.Progress) {
	if w.lines {
		fmt.Fprintf(term.Unwrapped(w.messages), clearLine+"%s for %.0f s, %s scanned", strings.ToLower(p.State),
			time.Since(w.started).Seconds(), formatBytes(p.Bytes))
	}
}

func (w *queryProgress) clear() {
	if w.lines {
		fmt.Fprint(term.Unwrapped(w.messages), clearLine)
	}
}

func (w *queryProgress) printf(format string, args ...any) {
	if !w.quiet {
		fmt.Fprintf(w.messages, format+"\n", args...)
	}
}

// showsProgress reports whether a command shows its progress on messages.
func showsProgress(messages io.Writer, quiet bool) bool {
	return !quiet && term.IsTerminal(messages) && os.Getenv("CI") == ""
}
