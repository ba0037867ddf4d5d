// Package demo runs the whole pipeline on this machine, offline and without an AWS account.
// Sample feeds go through S3 to the real importer, and sample query logs of eight days through
// Firehose to the real transformer. Then a name enters a list, and a hunt finds the host that
// asked for it before. At last a name leaves a list, and the verdict on it changes.
//
// The binaries of the two functions go in; the demo builds them if necessary. A report on
// standard output and a folder with the files of the pipeline come out. The demo checks every
// record that comes out; an unexpected record is an error.
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
	"github.com/resolverwatch/resolverwatch/internal/report"
	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// Defaults of [Options].
const (
	DefaultOut     = "resolverwatch-demo"
	DefaultRecords = 20_000
)

// Options configure a demo.
type Options struct {
	// Out is the folder for the files of the pipeline. The files of an earlier demo are
	// replaced.
	//
	// Default: [DefaultOut].
	Out string
	// Records is the number of records to send.
	//
	// Default: [DefaultRecords].
	Records int
	// Seed is the seed of the generated records.
	Seed uint64
	// Keep keeps everything running until the context ends.
	Keep bool
	// ImporterBinary and TransformerBinary are the files of the functions, built for this
	// machine.
	//
	// Default: see [FindBinaries].
	ImporterBinary, TransformerBinary string
	// Report writes a page about marked logs and what a hunt found in them to a file.
	//
	// Default: there is no page.
	Report func(ctx context.Context, logs, path string, found []report.Early) error
	// command is the name of this command in the report.
	//
	// Default: the name that it was called by.
	command string
	// Stdout receives the report, Stderr the progress.
	Stdout, Stderr io.Writer

	buffer int // interval of both buffers in seconds; 0 means bufferInterval
}

// days is how many days the logs span.
const days = 8

// Times of the stack, which are shorter than in a deployment.
const (
	indexDelay     = time.Second
	bufferInterval = 5 // seconds
	retryDelay     = time.Second
	runLimit       = 5 * time.Minute // a demo takes half a minute; after this time it must be stuck
	closeLimit     = 30 * time.Second
)

// demo is one run of the demo.
type demo struct {
	Options
	stack     *localaws.Stack
	generator *sample.Generator
	ledger    *sample.Ledger
	started   time.Time
	published index.Current // by the last import
	entered   *entered      // see showStages

	mu     sync.Mutex
	failed []error // events that the importer failed to process
}

// Run runs the demo. It returns an error if something did not come out as expected, or the
// error of the context if the demo was interrupted. With Keep, an interrupt is the normal end
// and not an error.
func Run(ctx context.Context, o Options) error {
	if o.Out == "" {
		o.Out = DefaultOut
	}
	o.Out = filepath.ToSlash(filepath.Clean(o.Out))
	if o.Records <= 0 {
		o.Records = DefaultRecords
	}
	if o.command == "" {
		o.command = os.Args[0]
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
	d.generator = sample.New(o.Seed, d.started)
	d.generator.Over(d.started.AddDate(0, 0, -days), days, o.Records)
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

// drive shows all stages, saves the files and prints the report.
func (d *demo) drive(ctx context.Context) error {
	limited, cancel := context.WithTimeoutCause(ctx, runLimit, errStuck)
	defer cancel()
	d.progress("endpoints listen at %s", d.stack.URL)
	err := d.showStages(limited)
	saveErr := d.save()
	switch {
	case errors.Is(context.Cause(limited), errStuck):
		return errors.Join(errStuck, saveErr)
	case err != nil || saveErr != nil:
		return errors.Join(err, saveErr)
	}
	if d.Report != nil {
		logs := filepath.Join(d.Out, localaws.LogBucket, markedLogs)
		if err := d.Report(ctx, logs, filepath.Join(d.Out, reportFile), d.entered.found); err != nil {
			return fmt.Errorf("writing the report: %w", err)
		}
	}
	d.reportNext()
	if d.Keep {
		return d.keepRunning(ctx)
	}
	return nil
}

var errStuck = fmt.Errorf("the demo did not finish within %v", runLimit)

// showStages runs the stages of the demo in order and reports each.
func (d *demo) showStages(ctx context.Context) error {
	imports, err := d.importFeeds(ctx, sample.Feeds())
	if err != nil {
		return fmt.Errorf("importing the sample feeds: %w", err)
	}
	d.reportFeeds(imports)

	before, err := d.sendLogs(ctx)
	if err != nil {
		return fmt.Errorf("sending query logs: %w", err)
	}
	found, err := (&auditor{stack: d.stack, ledger: d.ledger}).audit(ctx)
	if err != nil {
		return fmt.Errorf("checking the delivered records: %w", err)
	}
	d.reportLogs(found)

	if d.entered, err = d.enterName(ctx); err != nil {
		return fmt.Errorf("adding a name to a feed: %w", err)
	}
	d.entered.report(d)

	change, err := d.removeName(ctx, found.marked[before.Lines[0].Key])
	if err != nil {
		return fmt.Errorf("removing a name from a feed: %w", err)
	}
	change.report(d)
	return nil
}

// close stops the stack. After an error it does not wait for buffered records.
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

// config returns the configuration of the stack.
func (d *demo) config(binaries *Binaries, logs *logFiles) localaws.Config {
	config := localaws.Config{
		ImporterBinary:    binaries.Importer,
		TransformerBinary: binaries.Transformer,
		Transformer:       func(s *settings.TransformerFunction) { s.PollInterval = settings.Duration(indexDelay) },
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
			d.failed = append(d.failed, fmt.Errorf("the importer failed to process event %s: %w", event, err))
		},
	}
	for _, feed := range sample.Feeds() {
		config.Feeds[feed.ID] = feed.Settings
	}
	return config
}

// importFailures returns the events that the importer has failed to process so far.
func (d *demo) importFailures() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return errors.Join(d.failed...)
}

// progress prints a message to standard error, with the time since the start.
func (d *demo) progress(format string, values ...any) {
	fmt.Fprintf(d.Stderr, "%5.1f s  %s\n", time.Since(d.started).Seconds(), fmt.Sprintf(format, values...))
}

// functionFolder is the folder for the logs of the functions.
const functionFolder = "functions"

// logFiles are the log files of the functions.
type logFiles struct {
	folder string
	files  []*os.File
}

// writer returns the log of a function. If the file cannot be created, the output is discarded.
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
		_ = file.Close() // the logs are not part of the result
	}
}
