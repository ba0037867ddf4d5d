package importer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

// errDecideAgain means that something that a decision rests on has changed.
var errDecideAgain = errors.New("the feed changed meanwhile")

// request is a feed to look at.
type request struct {
	id     indicator.FeedID
	force  string // the reason why guards are overridden, or why the feed goes at once
	asked  bool   // by its id: a list that was refused is judged once more, a URL is fetched
	guards *guardSet

	refetch bool   // the last fetch went wrong and is to be made again
	lost    string // a snapshot that can no more be read
}

// importFeed makes the newest list of a feed its accepted one, unless it is already or
// is refused.
func (im *Importer) importFeed(ctx context.Context, r *request) error {
	for range maxRounds {
		// The row is read before the lists, and changed only from what was read: the
		// list that is then taken is at least as new as the one in the row.
		row, err := im.rows.Row(ctx, r.id)
		if err != nil {
			return fmt.Errorf("reading the row: %w", err)
		}
		row.ID = r.id
		if err := im.decide(ctx, &row, r); !errors.Is(err, errDecideAgain) {
			return err
		}
	}
	return fmt.Errorf("%w %d times", errDecideAgain, maxRounds)
}

func (im *Importer) decide(ctx context.Context, row *FeedRow, r *request) error {
	found, err := im.newestLists(ctx, row.ID)
	if err != nil {
		return err
	}
	list, conflicting := choose(row, found)
	for _, other := range conflicting {
		report := im.newReport(row, &other)
		report.Refusals = refuseConflict(row.ID)
		if err := im.refuse(ctx, report); err != nil {
			return err
		}
	}
	switch {
	case list != nil:
		return im.importList(ctx, row, list, r)
	case len(found) == 0 && row.Last.Outcome != "": // a list was judged once
		return im.miss(ctx, row, r.force)
	default:
		return nil
	}
}

// importList judges a list and acts on the judgement.
func (im *Importer) importList(ctx context.Context, row *FeedRow, list *foundList, r *request) error {
	settings, problem, err := im.feedSettings(ctx, row.ID, list.action)
	if err != nil {
		return err
	}
	j := judgement{
		report: im.newReport(row, list), settings: settings,
		reading: settings.fingerprint(r.guards.reading()),
		judging: settings.fingerprint(r.guards.judging()),
	}
	done, err := im.judged(ctx, row, list, &j, r)
	if done || err != nil {
		return err
	}
	if problem == nil {
		j.guards, problem, err = r.guards.read(ctx)
	}
	if err != nil {
		return err
	}
	if problem != nil {
		j.report.Refusals = Refusals{*problem}
	} else if err := im.judge(ctx, &j, list); err != nil {
		return err
	}
	if err := im.override(ctx, &j, list, r.force); err != nil {
		return err
	}
	if j.report.Outcome == OutcomeRefused {
		if err := im.refuse(ctx, j.report); err != nil {
			return err
		}
		return im.noteJudgement(ctx, row, &j, row.Accepted)
	}
	return im.accept(ctx, row, &j)
}

// judged reports whether nothing can come of judging a list: it is the accepted one, or
// it was refused before, and all is as it was then.
func (im *Importer) judged(
	ctx context.Context, row *FeedRow, list *foundList, j *judgement, r *request,
) (bool, error) {
	lost := row.Accepted.Snapshot != "" && row.Accepted.Snapshot == r.lost
	if row.Accepted.Version == list.Version && row.Accepted.Settings == j.reading && !lost {
		im.log.InfoContext(ctx, "list is the accepted one", "feed", row.ID, "version", list.Version)
		return true, im.found(ctx, row)
	}
	refused := row.Last.Outcome == OutcomeRefused && row.Last.Version == list.Version && row.Last.Settings == j.judging
	if !refused || r.asked || isReason(r.force) || j.settings.Force != "" {
		return false, nil
	}
	if isReason(list.Metadata[ForceKey]) {
		return false, nil // a bucket without versions knows the same bytes uploaded again by nothing else
	}
	tags, err := im.lists.Tags(ctx, list.Key, list.Version) // the reason may have come later
	if err != nil {
		return false, fmt.Errorf("reading the tags of %q: %w", list.Key, err)
	}
	if isReason(tags[ForceKey]) {
		return false, nil
	}
	im.log.InfoContext(ctx, "list was refused before", "feed", row.ID, "version", list.Version)
	return true, im.found(ctx, row)
}

// accept writes the snapshot and moves the row to it.
func (im *Importer) accept(ctx context.Context, row *FeedRow, j *judgement) error {
	report := j.report
	snapshot, err := im.writeSnapshot(ctx, row, j)
	if err != nil {
		return err
	}
	// The report comes before the row: once the row names the list, no run looks at
	// it again.
	if err := im.writeReport(ctx, report); err != nil {
		return err
	}
	err = im.noteJudgement(ctx, row, j, Acceptance{
		Action:   j.settings.Action,
		Key:      report.Key,
		Version:  report.Version,
		Settings: j.reading,
		Snapshot: snapshot,
		Entries:  j.list.Len(),
		Bytes:    j.list.Bytes(),
		At:       report.At,
		MaxAge:   j.settings.MaxAge,
	})
	if err != nil {
		return err
	}
	im.metrics.put(count(MetricImportAccepted, 1), count(MetricDropped, report.dropped()),
		count(MetricNamesAdded, report.Added), count(MetricNamesRemoved, report.Removed))
	im.log.InfoContext(ctx, "list accepted", "feed", row.ID, "key", report.Key, "version", report.Version,
		"outcome", report.Outcome, "entries", report.Names, "added", report.Added, "removed", report.Removed,
		"force", report.Force)
	return nil
}

// noteJudgement moves the row from what was decided on to what was decided.
func (im *Importer) noteJudgement(ctx context.Context, row *FeedRow, j *judgement, accepted Acceptance) error {
	report := j.report
	_, err := im.changeRow(ctx, row.ID, func(stored *FeedRow) error {
		if stored.Accepted != row.Accepted {
			return errDecideAgain
		}
		stored.Accepted, stored.Missing = accepted, time.Time{}
		stored.Last = Judgement{report.Version, report.Outcome, report.Refusals.codes(), report.At, j.judging}
		return nil
	})
	return err
}

// refuse leaves the report of a refused list.
func (im *Importer) refuse(ctx context.Context, report *Report) error {
	report.Outcome = OutcomeRefused
	if err := im.writeReport(ctx, report); err != nil {
		return err
	}
	im.metrics.put(count(MetricImportRejected, 1))
	im.log.WarnContext(ctx, "list refused", "feed", report.Feed, "key", report.Key, "version", report.Version,
		"why", report.Refusals.codes(), "report", report.key()+".txt")
	return nil
}

func (im *Importer) newReport(row *FeedRow, list *foundList) *Report {
	return &Report{
		Feed:     row.ID,
		Key:      list.Key,
		Version:  list.Version,
		Size:     list.Size,
		At:       im.now(),
		Outcome:  OutcomeAccepted,
		Previous: row.Accepted.Entries,
	}
}

func (im *Importer) writeReport(ctx context.Context, report *Report) error {
	key := report.key()
	if err := im.archive.Replace(ctx, key+".json", "application/json", report.json()); err != nil {
		return fmt.Errorf("writing a report: %w", err)
	}
	if err := im.archive.Replace(ctx, key+".txt", "text/plain; charset=utf-8", report.text()); err != nil {
		return fmt.Errorf("writing a report: %w", err)
	}
	return nil
}
