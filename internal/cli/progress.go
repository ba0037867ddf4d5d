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
	"github.com/resolverwatch/resolverwatch/pkg/awsio/athenaio"
)

// progress shows on a terminal how much of the input is read; elsewhere nothing.
type progress struct {
	container *mpb.Progress
	bar       *mpb.Bar
	read      atomic.Int64
}

func newProgress(messages io.Writer, sources []logfile.Source, quiet bool) *progress {
	if quiet || !isTerminal(messages) || os.Getenv("CI") != "" {
		return &progress{}
	}
	total := int64(0)
	for _, source := range sources {
		if source.Size < 0 {
			total = 0 // standard input: there is no telling how much is to come
			break
		}
		total += source.Size
	}
	container := mpb.New(mpb.WithOutput(messages), mpb.WithWidth(40), mpb.WithRefreshRate(200*time.Millisecond))
	bar := container.AddBar(total,
		mpb.PrependDecorators(decor.Name("reading "), decor.CountersKibiByte("% .1f / % .1f")),
		mpb.AppendDecorators(decor.AverageSpeed(decor.SizeB1024(0), "% .1f"), decor.Name(" "), decor.AverageETA(decor.ET_STYLE_GO)),
		mpb.BarRemoveOnComplete(),
	)
	return &progress{container: container, bar: bar}
}

// add is called by several goroutines.
func (p *progress) add(bytes int) {
	if p.bar != nil {
		p.bar.SetCurrent(p.read.Add(int64(bytes)))
	}
}

func (p *progress) close() {
	if p.bar != nil {
		p.bar.SetTotal(-1, true)
		p.container.Wait()
	}
}

// queryProgress shows on a terminal how far a query is.
type queryProgress struct {
	messages     io.Writer
	quiet, lines bool // lines: there is a terminal to write over
	started      time.Time
}

func newQueryProgress(messages io.Writer, quiet bool) *queryProgress {
	return &queryProgress{messages: messages, quiet: quiet, started: time.Now(),
		lines: !quiet && isTerminal(messages) && os.Getenv("CI") == ""}
}

// clearLine goes to the beginning of a terminal's line and empties it.
const clearLine = "\r\x1b[K"

func (w *queryProgress) update(p athenaio.Progress) {
	if w.lines {
		fmt.Fprintf(w.messages, clearLine+"%s for %.0f s, %s scanned", strings.ToLower(p.State),
			time.Since(w.started).Seconds(), formatBytes(p.Bytes))
	}
}

func (w *queryProgress) clear() {
	if w.lines {
		fmt.Fprint(w.messages, clearLine)
	}
}

func (w *queryProgress) printf(format string, args ...any) {
	if !w.quiet {
		fmt.Fprintf(w.messages, format+"\n", args...)
	}
}
