package importer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/list"
	"github.com/resolverwatch/resolverwatch/pkg/metric"
	"github.com/resolverwatch/resolverwatch/pkg/snapshot"
	"github.com/resolverwatch/resolverwatch/pkg/storage"
	"github.com/resolverwatch/resolverwatch/pkg/table"
)

// errDecideAgain means that something that a decision depends on has changed.
var errDecideAgain = errors.New("the feed changed in the meantime")

// maxDecisions bounds how often the importer decides about a feed again because the feed
// changed. Few importers run at once, so repeated changes have another cause.
const maxDecisions = 10

// acceptor decides about the newest list of a feed and makes it the accepted list.
type acceptor struct {
	lists     Lists
	settings  Settings
	rows      table.FeedRows
	snapshots *snapshot.Store
	reports   *reporter
	size      *sizeCheck
	attempts  *attempts
	reach     *reachCheck
	absences  *absences
	listKey   string
	metrics   *metric.Writer
	log       *slog.Logger
}

// candidate is a list that is about to be accepted or refused.
type candidate struct {
	found    *foundList
	settings feedSettings
	guards   list.Guards // with the user's own lists
	entries  list.List
	report   *list.Report
	reread   bool // it is the accepted list, read with other settings or guards

	readFingerprint    string // see [guardSet.readFingerprint]
	refusalFingerprint string // see [guardSet.refusalFingerprint]
	requested          bool   // somebody asked to read this list
	begun              bool   // the attempt to read it is noted
}

// run makes the newest list of a feed its accepted list, unless it already is or must be
// refused.
func (a *acceptor) run(ctx context.Context, t *task) error {
	for range maxDecisions {
		// The row is read before the lists, and the row is changed only if it is still the
		// same. So the accepted list is at least as new as the list that the row named.
		row, err := a.rows.Row(ctx, t.id)
		if err != nil {
			return fmt.Errorf("reading the row: %w", err)
		}
		row.ID = t.id
		if err := a.decide(ctx, &row, t); !errors.Is(err, errDecideAgain) {
			return err
		}
	}
	return fmt.Errorf("%w %d times", errDecideAgain, maxDecisions)
}

// decide looks for the lists of a feed and decides what to do with each of them.
func (a *acceptor) decide(ctx context.Context, row *table.FeedRow, t *task) error {
	all, err := newestLists(ctx, a.lists, row.ID, a.listKey)
	if err != nil {
		return err
	}

	chosen, conflicting := chooseList(row, all)
	for _, other := range conflicting {
		report := a.reports.newReport(row, &other.Object)
		report.Refusals = refuseConflict(row.ID)
		if err := a.reports.refuse(ctx, report); err != nil {
			return err
		}
	}

	hadList := row.Last.Outcome != ""
	switch {
	case chosen != nil:
		return a.decideList(ctx, row, chosen, t)
	case len(all) == 0 && hadList:
		return a.absences.handle(ctx, row, t.force)
	default:
		return nil
	}
}

// decideList accepts or refuses a list.
func (a *acceptor) decideList(ctx context.Context, row *table.FeedRow, found *foundList, t *task) error {
	settings, refusal, err := readFeedSettings(ctx, a.settings, row.ID, found.action)
	if err != nil {
		return err
	}
	c := candidate{
		found:              found,
		settings:           settings,
		report:             a.reports.newReport(row, &found.Object),
		readFingerprint:    settings.fingerprint(t.guards.readFingerprint()),
		refusalFingerprint: settings.fingerprint(t.guards.refusalFingerprint()),
		requested:          t.byID || isReason(t.force),
	}
	settled, err := a.isSettled(ctx, row, &c, t)
	if settled || err != nil {
		return err
	}

	if refusal == nil {
		c.guards, refusal, err = t.guards.load(ctx)
	}
	if err != nil {
		return err
	}
	if refusal != nil {
		c.report.Refusals = list.Refusals{*refusal}
		return a.refuse(ctx, row, &c)
	}
	if err := a.importList(ctx, row, &c, t); err != nil {
		a.attempts.cancel(ctx, &c)
		return err
	}
	return nil
}

// importList reads a list, and accepts or refuses it.
func (a *acceptor) importList(ctx context.Context, row *table.FeedRow, c *candidate, t *task) error {
	if err := a.check(ctx, row, c); err != nil {
		return err
	}
	if err := a.decideOutcome(ctx, c, t.force); err != nil {
		return err
	}
	if c.report.Outcome == list.OutcomeRefused {
		return a.refuse(ctx, row, c)
	}
	return a.accept(ctx, row, c)
}

// refuse reports a refused list and records the decision.
func (a *acceptor) refuse(ctx context.Context, row *table.FeedRow, c *candidate) error {
	if err := a.reports.refuse(ctx, c.report); err != nil {
		return err
	}
	return a.record(ctx, row, c, row.Accepted)
}

// isSettled reports whether a decision about a list was already made. That is so if the list is
// accepted, or if it was refused and all that the refusal depends on is still the same.
func (a *acceptor) isSettled(ctx context.Context, row *table.FeedRow, c *candidate, t *task) (bool, error) {
	found := c.found
	lost := row.Accepted.Snapshot != "" && row.Accepted.Snapshot == t.lost
	if row.Accepted.Version == found.Version && row.Accepted.Settings == c.readFingerprint && !lost {
		a.log.InfoContext(ctx, "list is already accepted", "feed", row.ID, "version", found.Version)
		return true, a.absences.clear(ctx, row)
	}

	refused := row.Last.Outcome == list.OutcomeRefused && row.Last.Version == found.Version &&
		row.Last.Settings == c.refusalFingerprint
	if !refused || t.byID || isReason(t.force) || c.settings.Force != "" {
		return false, nil
	}
	tags, err := a.lists.Tags(ctx, found.Key, found.Version) // a tag may be added later
	if err != nil {
		return false, fmt.Errorf("reading the tags of %q: %w", found.Key, err)
	}
	if isReason(tags[list.ForceKey]) {
		return false, nil
	}
	a.log.InfoContext(ctx, "list was refused before", "feed", row.ID, "version", found.Version)
	return true, a.absences.clear(ctx, row)
}

// check reads the list and applies the guards. The refusals are in the report; an error
// comes from a port.
func (a *acceptor) check(ctx context.Context, row *table.FeedRow, c *candidate) error {
	if c.found.Size > c.guards.MaxListBytes {
		c.report.Refusals = list.Refusals{{
			Code: list.RefusedTooLarge,
			What: fmt.Sprintf("the object has %d bytes, the limit is %d", c.found.Size, c.guards.MaxListBytes),
			Todo: "split the list into several feeds, or compress it with gzip or zstd",
		}}
		return nil
	}

	setAside, err := a.attempts.begin(ctx, c)
	if setAside || err != nil {
		return err
	}
	if err := a.read(ctx, c); err != nil {
		return err
	}

	if len(c.report.Refusals) > 0 && !c.report.Refusals.Overridable() {
		return nil
	}
	if err := a.compare(ctx, row, c); err != nil {
		return err
	}
	if err := a.reach.check(ctx, c); err != nil {
		return err
	}
	return a.size.check(ctx, c)
}

// read reads the list. The refusals are in the report; an error comes from a port.
func (a *acceptor) read(ctx context.Context, c *candidate) error {
	body, err := a.lists.Open(ctx, c.found.Key, c.found.Version)
	if errors.Is(err, storage.ErrNotFound) {
		return errDecideAgain // the version was deleted
	}
	if err != nil {
		return fmt.Errorf("opening %q: %w", c.found.Key, err)
	}
	c.guards.Now = c.report.At
	entries, summary, err := list.Read(body, c.settings.Options, c.guards, c.report.Hooks())
	_ = body.Close() // it was only read
	c.entries = entries
	c.report.AddSummary(&summary)
	if err != nil && !errors.As(err, &c.report.Refusals) {
		return fmt.Errorf("%q: %w", c.found.Key, err)
	}
	return nil
}

// compare compares the list with the accepted list of its feed.
func (a *acceptor) compare(ctx context.Context, row *table.FeedRow, c *candidate) error {
	accepted := &row.Accepted
	if accepted.Snapshot == "" {
		return nil
	}

	kind := cmp.Or(accepted.Action, indicator.ActionBlock)
	change, err := a.snapshots.Compare(ctx, accepted.Snapshot, list.NewComparison(&c.entries, kind, c.report.At))
	switch {
	case snapshot.IsLost(err):
		change = list.CountChange(accepted.Entries, c.entries.Len())
	case err != nil:
		return err
	case accepted.Version == c.found.Version: // only its settings or the guards have changed
		c.reread, change = true, change.ByCount()
	}

	change.Highest = row.High.Highest(c.report.At)
	if oldest := row.High.Oldest(c.report.At); oldest != "" && oldest != accepted.Snapshot && !c.reread {
		week, err := a.snapshots.Compare(ctx, oldest, list.NewComparison(&c.entries, kind, c.report.At))
		if err != nil && !snapshot.IsLost(err) {
			return err
		}
		change.WeekBefore, change.WeekGone = week.Before, week.Gone
	}
	c.report.Change = &change
	c.report.Refusals = append(c.report.Refusals, c.guards.Compare(change)...)
	return nil
}

// isReason reports whether a text states a reason. Blanks do not.
func isReason(text string) bool { return strings.TrimSpace(text) != "" }

// decideOutcome sets the outcome of a report that has refusals: refused, or forced if a
// reason overrides the refusals.
func (a *acceptor) decideOutcome(ctx context.Context, c *candidate, force string) error {
	report := c.report
	if len(report.Refusals) == 0 {
		return nil
	}
	report.Outcome = list.OutcomeRefused
	if !report.Refusals.Overridable() {
		return nil
	}

	// The metadata of the object does not count: whoever may upload a list sets it.
	for _, reason := range []string{force, c.settings.Force} {
		if report.Force == "" {
			report.Force = strings.TrimSpace(reason)
		}
	}
	if report.Force == "" {
		tags, err := a.lists.Tags(ctx, c.found.Key, c.found.Version)
		if err != nil {
			return fmt.Errorf("reading the tags of %q: %w", c.found.Key, err)
		}
		report.Force = strings.TrimSpace(tags[list.ForceKey])
	}
	if report.Force != "" {
		report.Outcome = list.OutcomeForced
	}
	return nil
}

// accept writes the snapshot of a list and moves the feed's row to it.
func (a *acceptor) accept(ctx context.Context, row *table.FeedRow, c *candidate) error {
	report := c.report
	head := snapshot.Head{Feed: row.ID, Key: report.Key, Version: report.Version, AcceptedAt: report.At}
	key, kept, err := a.snapshots.Create(ctx, head, &c.entries, row.Accepted.Snapshot)
	if err != nil {
		return err
	}
	report.Added, report.Removed = c.entries.Len()-kept.Entries, row.Accepted.Entries-kept.Entries
	report.Changed = kept.Changed

	// The report is written before the row: once the row names the list, no later run looks
	// at the list again.
	if err := a.reports.write(ctx, report); err != nil {
		return err
	}
	err = a.record(ctx, row, c, table.Acceptance{
		Action:   c.settings.Action,
		Key:      report.Key,
		Version:  report.Version,
		Settings: c.readFingerprint,
		Snapshot: key,
		Entries:  c.entries.Len(),
		Bytes:    c.entries.Bytes(),
		Cost:     c.entries.Cost(),
		Reach:    report.Reach,
		At:       report.At,
		MaxAge:   c.settings.MaxAge,
	})
	if err != nil {
		return err
	}

	a.metrics.Put(metric.Count(metric.ImportAccepted, 1), metric.Count(metric.DroppedEntries, report.TotalDropped()),
		metric.Count(metric.NamesAdded, report.Added), metric.Count(metric.NamesRemoved, report.Removed),
		metric.Count(metric.NamesChanged, report.Changed))
	a.log.InfoContext(ctx, "list accepted", "feed", row.ID, "key", report.Key, "version", report.Version,
		"outcome", report.Outcome, "entries", report.Names, "added", report.Added, "removed", report.Removed,
		"changed", report.Changed, "force", report.Force)
	return nil
}

// record stores a decision in the feed's row. If the accepted list changed since row was
// read, it returns errDecideAgain.
func (a *acceptor) record(ctx context.Context, row *table.FeedRow, c *candidate, accepted table.Acceptance) error {
	report := c.report
	_, err := table.ChangeRow(ctx, a.rows, row.ID, func(stored *table.FeedRow) error {
		if stored.Accepted != row.Accepted {
			return errDecideAgain
		}
		if accepted != stored.Accepted {
			stored.High = c.highWater(stored, accepted.Snapshot)
		}
		stored.Accepted, stored.Missing = accepted, time.Time{}
		c.end(stored)
		stored.Last = table.Decision{
			Version:  report.Version,
			Outcome:  report.Outcome,
			Reason:   report.Refusals.Codes(),
			At:       report.At,
			Settings: c.refusalFingerprint,
		}
		return nil
	})
	return err
}

// highWater returns the high-water mark of a feed after the list was accepted. If a reason
// overrode the guards, the mark begins again, because otherwise the next lists would be refused
// for the same loss.
func (c *candidate) highWater(row *table.FeedRow, key string) table.HighWater {
	mark, at := row.High, c.report.At
	switch change := c.report.Change; {
	case c.report.Outcome == list.OutcomeForced:
		mark = table.HighWater{}
	case c.reread:
		mark = mark.Rebase(key)
	case change != nil && mark == (table.HighWater{}): // an earlier release kept no mark
		mark = mark.Record(table.Served{Entries: change.Before, Snapshot: row.Accepted.Snapshot}, at)
	}
	now := list.NewComparison(&c.entries, c.settings.Action, at).Change().Now
	return mark.Record(table.Served{Entries: now, Snapshot: key}, at)
}

// reporter writes the reports on lists.
type reporter struct {
	archive Archive
	metrics *metric.Writer
	log     *slog.Logger
	now     func() time.Time
}

// newReport begins the report on an object of a feed.
func (r *reporter) newReport(row *table.FeedRow, object *storage.Object) *list.Report {
	return &list.Report{
		Feed:     row.ID,
		Key:      object.Key,
		Version:  object.Version,
		Size:     object.Size,
		At:       r.now(),
		Outcome:  list.OutcomeAccepted,
		Previous: row.Accepted.Entries,
	}
}

// write stores a report as JSON and as text.
func (r *reporter) write(ctx context.Context, report *list.Report) error {
	key := report.StoreKey()
	if err := r.archive.Replace(ctx, key+".json", "application/json", report.JSON()); err != nil {
		return fmt.Errorf("writing a report: %w", err)
	}
	if err := r.archive.Replace(ctx, key+".txt", "text/plain; charset=utf-8", report.Text()); err != nil {
		return fmt.Errorf("writing a report: %w", err)
	}
	return nil
}

// refuse writes the report on a refused list and counts the refusal.
func (r *reporter) refuse(ctx context.Context, report *list.Report) error {
	report.Outcome = list.OutcomeRefused
	if err := r.write(ctx, report); err != nil {
		return err
	}
	r.metrics.Put(metric.Count(metric.ImportRejected, 1))
	r.log.WarnContext(ctx, "list refused", "feed", report.Feed, "key", report.Key, "version", report.Version,
		"why", report.Refusals.Codes(), "report", report.StoreKey()+".txt")
	return nil
}
