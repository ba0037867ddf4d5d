package importer

import (
	"context"
	"errors"
	"fmt"

	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

// errDecideAgain means that something that a decision rests on has changed.
var errDecideAgain = errors.New("the feed changed meanwhile")

// importFeed makes the newest list of a feed its accepted one, unless it is already or
// is refused.
func (im *Importer) importFeed(ctx context.Context, id indicator.FeedID, force string) error {
	for range maxRounds {
		// The row is read before the lists, and changed only from what was read: the
		// list that is then taken is at least as new as the one in the row.
		row, err := im.rows.Row(ctx, id)
		if err != nil {
			return fmt.Errorf("reading the row: %w", err)
		}
		row.ID = id
		if err := im.decide(ctx, &row, force); !errors.Is(err, errDecideAgain) {
			return err
		}
	}
	return fmt.Errorf("%w %d times", errDecideAgain, maxRounds)
}

func (im *Importer) decide(ctx context.Context, row *FeedRow, force string) error {
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
		return im.importList(ctx, row, list, force)
	case len(found) == 0 && row.Revision > 0:
		return im.delist(ctx, row)
	default:
		return nil
	}
}

// importList judges a list and acts on the judgement.
func (im *Importer) importList(ctx context.Context, row *FeedRow, list *foundList, force string) error {
	settings, problem, err := im.feedSettings(ctx, row.ID, list.action)
	if err != nil {
		return err
	}
	fingerprint := settings.fingerprint()
	if row.Accepted.Version == list.Version && row.Accepted.Settings == fingerprint {
		im.log.InfoContext(ctx, "list is the accepted one", "feed", row.ID, "version", list.Version)
		return nil
	}
	j := judgement{report: im.newReport(row, list), settings: settings}
	if problem != nil {
		j.report.Refusals = Refusals{*problem}
	} else if err := im.judge(ctx, &j, list); err != nil {
		return err
	}
	if err := im.override(ctx, &j, list, force); err != nil {
		return err
	}
	if j.report.Outcome == OutcomeRefused {
		if err := im.refuse(ctx, j.report); err != nil {
			return err
		}
		return im.noteJudgement(ctx, row, j.report, row.Accepted)
	}
	return im.accept(ctx, row, &j, fingerprint)
}

// accept writes the snapshot and moves the row to it.
func (im *Importer) accept(ctx context.Context, row *FeedRow, j *judgement, fingerprint string) error {
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
	err = im.noteJudgement(ctx, row, report, Acceptance{
		Action:   j.settings.Action,
		Key:      report.Key,
		Version:  report.Version,
		Settings: fingerprint,
		Snapshot: snapshot,
		Entries:  j.list.Len(),
		Bytes:    j.list.Bytes(),
		At:       report.At,
		MaxAge:   j.settings.MaxAge,
	})
	if err != nil {
		return err
	}
	im.metrics.put(count(MetricImportAccepted, 1), count(MetricDropped, report.dropped()))
	im.log.InfoContext(ctx, "list accepted", "feed", row.ID, "key", report.Key, "version", report.Version,
		"outcome", report.Outcome, "entries", report.Names, "force", report.Force)
	return nil
}

// noteJudgement moves the row from what was decided on to what was decided.
func (im *Importer) noteJudgement(ctx context.Context, row *FeedRow, report *Report, accepted Acceptance) error {
	_, err := im.changeRow(ctx, row.ID, func(stored *FeedRow) error {
		if stored.Accepted != row.Accepted {
			return errDecideAgain
		}
		stored.Accepted = accepted
		stored.Last = Judgement{report.Version, report.Outcome, report.Refusals.codes(), report.At}
		return nil
	})
	return err
}

// delist notes that no list of the feed is left.
func (im *Importer) delist(ctx context.Context, row *FeedRow) error {
	if row.Last.Outcome == OutcomeDeleted {
		return nil
	}
	im.log.InfoContext(ctx, "feed has no list any more", "feed", row.ID)
	gone := &Report{Outcome: OutcomeDeleted, At: im.now()}
	return im.noteJudgement(ctx, row, gone, Acceptance{})
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
