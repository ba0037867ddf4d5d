// Package demo runs the whole pipeline on this machine, offline and without an AWS
// account, and checks every record that comes out of it: sample feeds go through S3
// into the real importer, sample query logs through Firehose into the real
// transformer, and a name that leaves a feed changes the verdict.
//
// What goes in are the paths of the two functions' binaries, or a place to build them
// from; what comes out is a report on standard output and the pipeline's files in a
// folder. Anything that does not come out as it must is an error.
package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/resolverwatch/resolverwatch/internal/localaws"
	"github.com/resolverwatch/resolverwatch/internal/localaws/firehose"
	"github.com/resolverwatch/resolverwatch/internal/localaws/sample"
	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// Defaults of [Options].
const (
	DefaultOut     = "resolverwatch-demo"
	DefaultRecords = 20_000
)

// Options say what to run.
type Options struct {
	// Out is the folder that the pipeline's files are written to; those of an earlier
	// demo are replaced.
	//
	// Default: [DefaultOut].
	Out string
	// Records is how many records are sent.
	//
	// Default: [DefaultRecords].
	Records int
	// Seed makes other records; the same seed makes the same.
	Seed uint64
	// Keep leaves everything running until the context ends.
	Keep bool
	// ImporterBinary and TransformerBinary are the functions, built for this machine.
	//
	// Default: see [FindBinaries].
	ImporterBinary, TransformerBinary string
	// Command is how the report calls this command.
	//
	// Default: as it was called.
	Command string
	// Stdout gets the report, Stderr the progress.
	Stdout, Stderr io.Writer

	buffer int // seconds of both buffers; 0 is bufferInterval
}

// Settings of the stack that a demo has shorter than a deployment.
const (
	pollInterval   = time.Second
	bufferInterval = 5 // seconds
	retryDelay     = time.Second
	runLimit       = 5 * time.Minute // a demo takes half a minute; this one hangs
	closeLimit     = 30 * time.Second
)

// demo is one run.
type demo struct {
	Options
	stack     *localaws.Stack
	generator *sample.Generator
	ledger    *sample.Ledger
	started   time.Time
	served    index.Current // by the last import

	mu     sync.Mutex
	failed []error // events that the importer gave up on
}

// Run runs the demo. The error says what did not come out as it must; the context's
// error means that it was interrupted, except after Keep, where that is how it ends.
func Run(ctx context.Context, o Options) error {
	if o.Out == "" {
		o.Out = DefaultOut
	}
	o.Out = filepath.ToSlash(filepath.Clean(o.Out))
	if o.Records <= 0 {
		o.Records = DefaultRecords
	}
	if o.Command == "" {
		o.Command = os.Args[0]
	}
	if o.buffer == 0 {
		o.buffer = bufferInterval
	}
	binaries, err := FindBinaries(ctx, o)
	if err != nil {
		return err
	}
	defer binaries.Remove()
	d := &demo{Options: o, ledger: sample.NewLedger(), started: time.Now()}
	d.generator = sample.New(o.Seed, d.started.Add(-time.Hour))
	if err := d.prepareFolder(); err != nil {
		return err
	}
	logs := &logFiles{folder: filepath.Join(o.Out, functionFolder)}
	defer logs.close()
	d.stack, err = localaws.Start(ctx, d.config(binaries, logs))
	if err != nil {
		return fmt.Errorf("starting the local endpoints: %w", err)
	}
	err = d.drive(ctx)
	return errors.Join(err, d.close(err))
}

// drive drives the pipeline, as long as the stack is there.
func (d *demo) drive(ctx context.Context) error {
	limited, cancel := context.WithTimeoutCause(ctx, runLimit, errHangs)
	defer cancel()
	d.progress("endpoints answer at %s", d.stack.URL)
	err := d.showStages(limited)
	saveErr := d.save()
	switch {
	case errors.Is(context.Cause(limited), errHangs):
		return errors.Join(errHangs, saveErr)
	case err != nil || saveErr != nil:
		return errors.Join(err, saveErr)
	}
	d.reportNext()
	if d.Keep {
		return d.keepRunning(ctx)
	}
	return nil
}

var errHangs = fmt.Errorf("the demo was not done after %v", runLimit)

// showStages are what a demo shows, in order.
func (d *demo) showStages(ctx context.Context) error {
	imports, err := d.importFeeds(ctx, sample.Feeds())
	if err != nil {
		return fmt.Errorf("importing the sample feeds: %w", err)
	}
	d.reportFeeds(imports)
	if err := d.sendLogs(ctx); err != nil {
		return fmt.Errorf("sending query logs: %w", err)
	}
	found, err := d.audit(ctx)
	if err != nil {
		return fmt.Errorf("checking what was delivered: %w", err)
	}
	d.reportLogs(found)
	change, err := d.changeFeed(ctx)
	if err != nil {
		return fmt.Errorf("changing a feed: %w", err)
	}
	d.reportChange(change)
	return nil
}

// close ends the stack. After an error nothing is waited for.
func (d *demo) close(failed error) error {
	limit := closeLimit
	if failed != nil {
		limit = 0
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	if err := d.stack.Close(ctx); err != nil && failed == nil {
		return err
	}
	return nil
}

// config is the stack with the demo's shorter times.
func (d *demo) config(binaries *Binaries, logs *logFiles) localaws.Config {
	config := localaws.Config{
		ImporterBinary: binaries.Importer, TransformerBinary: binaries.Transformer,
		Transformer: func(s *settings.Transformer) { s.PollInterval = pollInterval },
		Delivery: func(c *firehose.Config) {
			c.BufferingHints.IntervalInSeconds = d.buffer
			c.Processing.BufferIntervalInSeconds = d.buffer
			c.Processing.RetryDelay = retryDelay
		},
		Feeds:       map[indicator.FeedID]settings.Feed{},
		RetryDelays: []time.Duration{retryDelay, retryDelay},
		Logs:        logs.writer,
		OnEventLost: func(event []byte, err error) {
			d.mu.Lock()
			defer d.mu.Unlock()
			d.failed = append(d.failed, fmt.Errorf("the importer failed for event %s: %w", event, err))
		},
	}
	for _, feed := range sample.Feeds() {
		config.Feeds[feed.ID] = feed.Settings
	}
	return config
}

// importFailures returns the events that the importer gave up on so far.
func (d *demo) importFailures() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return errors.Join(d.failed...)
}

// progress says on standard error what was done, and when.
func (d *demo) progress(format string, values ...any) {
	fmt.Fprintf(d.Stderr, "%5.1f s  %s\n", time.Since(d.started).Seconds(), fmt.Sprintf(format, values...))
}

// functionFolder is the folder of the functions' logs.
const functionFolder = "functions"

// logFiles are the files that the functions' output goes to.
type logFiles struct {
	folder string
	files  []*os.File
}

// writer returns the log of a function; without a file its output is dropped.
func (l *logFiles) writer(function string) io.Writer {
	file, err := os.Create(filepath.Join(l.folder, function+".log"))
	if err != nil {
		return io.Discard
	}
	l.files = append(l.files, file)
	return file
}

func (l *logFiles) close() {
	for _, file := range l.files {
		_ = file.Close() // logs; what is lost is no result
	}
}
