package compactor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/catalog"
	"github.com/resolverwatch/resolverwatch/pkg/emf"
	"github.com/resolverwatch/resolverwatch/pkg/metric"
	"github.com/resolverwatch/resolverwatch/pkg/storage"
)

// Athena runs statements in the workgroup of the stack.
type Athena interface {
	// Do runs a statement, and returns the bytes that it scanned. After an error the statement may
	// still run for a while.
	Do(ctx context.Context, sql string) (bytes int64, err error)
}

// Ledger keeps the state. A writer names the revision that it read.
type Ledger interface {
	// State returns what is stored.
	State(ctx context.Context) (State, error)
	// PutState stores a state with the revision after its own. If the stored one has another
	// revision, it returns [storage.ErrConflict].
	PutState(ctx context.Context, state State) error
}

// Objects are those of the output bucket.
type Objects interface {
	// List calls each for the objects under prefix.
	List(ctx context.Context, prefix string, each func(storage.Object) error) error
	// Delete deletes an object.
	Delete(ctx context.Context, key string) error
}

// Layout says where the logs of a day are, in the output bucket.
type Layout struct {
	Before, After string // of the partition, in the keys of logs
	Format        string // of the partition, with %Y, %m and %d
}

// partition returns the partition of a day.
func (l *Layout) partition(day time.Time) string {
	return strings.NewReplacer("%%", "%", "%Y", day.Format("2006"), "%m", day.Format("01"), "%d", day.Format("02")).Replace(l.Format)
}

// logs returns the folder with the logs of a day.
func (l *Layout) logs(day time.Time) string { return l.Before + l.partition(day) + l.After }

// copies returns the folder with the copy of a day.
func (l *Layout) copies(day time.Time) string {
	return catalog.CompactedPrefix + l.partition(day) + "/"
}

// Config configures a [Compactor]. The first five fields are required.
type Config struct {
	Athena  Athena
	Ledger  Ledger
	Objects Objects
	Bucket  string // of the logs and of their copies
	Layout  Layout
	// Stack is the value of the metrics' dimension `Stack`.
	Stack string
	// Log receives events. Default: nothing is logged.
	Log *slog.Logger
	// Metrics receives lines in the Embedded Metric Format. Default: nothing is counted.
	Metrics io.Writer

	now func() time.Time // tests set it; default: time.Now
}

// Compactor copies closed days.
type Compactor struct {
	config  Config
	metrics *metric.Writer
}

// New returns a compactor.
func New(c Config) *Compactor {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	clock := c.now
	if clock == nil {
		clock = time.Now
	}
	c.now = func() time.Time { return clock().UTC().Truncate(time.Second) }
	return &Compactor{config: c, metrics: metric.NewWriter(c.Metrics, c.Stack, c.now)}
}

// outcome is what a run did. It is the answer to the invocation.
type outcome struct {
	Day     string `json:"day,omitempty"` // that was copied
	Bytes   int64  `json:"bytes_scanned,omitempty"`
	Late    int    `json:"late_days,omitempty"` // days that got logs after they were copied
	Behind  int    `json:"days_behind"`
	Failed  string `json:"failed,omitempty"`
	Skipped string `json:"skipped,omitempty"`
}

// invoke does what is due: it makes the view read what was copied, copies one day, or looks for late
// logs. The error says that nothing is known about the rest of the work; a run may be repeated at
// any time. A statement that failed is in the answer, because a repeat would only cost the same
// again.
func (c *Compactor) invoke(ctx context.Context) ([]byte, error) {
	var done outcome
	err := c.run(ctx, &done)
	if errors.Is(err, storage.ErrConflict) {
		done.Skipped, err = "another run changed the state", nil
	}
	c.report(ctx, &done, err)
	if err != nil {
		return nil, err
	}
	return json.Marshal(done)
}

// report counts a run and logs it.
func (c *Compactor) report(ctx context.Context, done *outcome, err error) {
	copied, failed := 0, 0
	switch {
	case err != nil || done.Failed != "":
		failed = 1
		c.config.Log.ErrorContext(ctx, "compaction failed", "day", done.Day, "bytes", done.Bytes, "why", errors.Join(err, asError(done.Failed)))
	case done.Day != "":
		copied = 1
		c.config.Log.InfoContext(ctx, "day compacted", "day", done.Day, "bytes", done.Bytes)
	case done.Late > 0:
		c.config.Log.InfoContext(ctx, "days have late logs", "days", done.Late)
	}
	list := []emf.Metric{metric.Count(metric.DaysCompacted, copied), metric.Count(metric.CompactionFailed, failed)}
	if err == nil && done.Skipped == "" {
		list = append(list, metric.Count(metric.CompactionBehind, done.Behind))
	}
	c.metrics.Put(list...)
}

func asError(text string) error {
	if text == "" {
		return nil
	}
	return errors.New(text)
}

func (c *Compactor) run(ctx context.Context, done *outcome) error {
	state, err := c.config.Ledger.State(ctx)
	if err != nil {
		return fmt.Errorf("reading which days are compacted: %w", err)
	}
	defer func() { done.Behind = state.behind(c.config.now()) }()
	if err := c.showView(ctx, &state); err != nil {
		return err
	}
	now := c.config.now()
	due, isDue := state.due(now)
	if isDue {
		return c.copyDay(ctx, &state, due, done)
	}
	if now.Before(state.NotBefore) || now.Before(state.CheckedAt.Add(day)) {
		return nil
	}
	if err := c.check(ctx, &state, done); err != nil {
		return err
	}
	return c.showView(ctx, &state)
}

// put stores a state.
func (c *Compactor) put(ctx context.Context, state *State) error {
	if err := c.config.Ledger.PutState(ctx, *state); err != nil {
		return fmt.Errorf("storing which days are compacted: %w", err)
	}
	state.Revision++
	return nil
}

// showView makes the view read the days from where the state says.
func (c *Compactor) showView(ctx context.Context, state *State) error {
	sql := "CREATE OR REPLACE VIEW " + catalog.AllLogsView + " AS\n" + catalog.ViewSQL(state.view(&c.config.Layout))
	if state.View == sql {
		return nil
	}
	state.View = "" // another run that read the same state ends here
	if err := c.put(ctx, state); err != nil {
		return err
	}
	if _, err := c.config.Athena.Do(ctx, sql); err != nil {
		return fmt.Errorf("replacing the view %s: %w", catalog.AllLogsView, err)
	}
	state.View = sql
	if len(state.Open) > 0 && state.OpenedAt.IsZero() {
		state.OpenedAt = c.config.now()
	}
	return c.put(ctx, state)
}

// copyDay copies a day.
func (c *Compactor) copyDay(ctx context.Context, state *State, due time.Time, done *outcome) error {
	done.Day = due.Format(time.DateOnly)
	state.NotBefore = c.config.now().Add(maxStatement)
	if state.Until.IsZero() {
		state.Until = due // if the first day fails, it stays the first
	}
	if err := c.put(ctx, state); err != nil { // from here on, no other run copies
		return err
	}
	folder, partition := c.config.Layout.copies(due), c.config.Layout.partition(due)
	limited, cancel := leaveTime(ctx)
	defer cancel()
	err := c.clean(limited, folder)
	if err == nil {
		done.Bytes, err = c.config.Athena.Do(limited, catalog.CopySQL(partition, "s3://"+c.config.Bucket+"/"+folder))
	}
	if err != nil {
		done.Failed = fmt.Sprintf("copying the logs of %s: %v", done.Day, err)
		state.NotBefore = c.config.now().Add(pause)
		return c.put(ctx, state)
	}
	state.copied(due)
	if err := c.put(ctx, state); err != nil {
		return err
	}
	return c.showView(ctx, state)
}

// reserve is the part of an invocation that is kept for storing what came of it.
const reserve = time.Minute

// leaveTime returns a context that ends before the invocation does.
func leaveTime(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, limited := ctx.Deadline()
	if !limited {
		return ctx, func() {}
	}
	return context.WithDeadline(ctx, deadline.Add(-reserve))
}

// clean deletes what an earlier run wrote into the folder of a day.
func (c *Compactor) clean(ctx context.Context, folder string) error {
	var keys []string
	err := c.config.Objects.List(ctx, folder, func(o storage.Object) error {
		keys = append(keys, o.Key)
		return nil
	})
	for _, key := range keys {
		err = errors.Join(err, c.config.Objects.Delete(ctx, key))
	}
	if err != nil {
		return fmt.Errorf("deleting what an earlier run wrote under %s: %w", folder, err)
	}
	return nil
}
