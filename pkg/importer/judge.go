package importer

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

// judgement is a list on its way to be accepted or refused.
type judgement struct {
	list     List
	report   *Report
	settings FeedSettings
	guards   Guards // with the user's own lists
	// Fingerprints of what makes of the list the entries that it makes, and of all that
	// a refusal rests on.
	reading, judging string
}

// feedSettings reads the settings of a feed. Settings that cannot be read are no error
// but a problem: the list is refused until its owner corrects them.
func (im *Importer) feedSettings(
	ctx context.Context, id indicator.FeedID, action indicator.Action,
) (FeedSettings, *Refusal, error) {
	text, err := im.settings.Feed(ctx, id)
	switch {
	case errors.Is(err, ErrNotFound):
		text = []byte("{}")
	case err != nil:
		return FeedSettings{}, nil, fmt.Errorf("reading the settings: %w", err)
	}
	settings, err := ParseFeedSettings(text)
	settings.Action = action
	if err != nil {
		return settings, &Refusal{
			Code: RefusedSettings,
			What: "the settings of the feed are not valid: " + err.Error(),
			Todo: "correct its parameter, then upload the list again",
		}, nil
	}
	return settings, nil, nil
}

// judge reads the list and lets the guards speak. Its error is one of the ports.
func (im *Importer) judge(ctx context.Context, j *judgement, list *foundList) error {
	if list.Size > j.guards.MaxListBytes {
		j.report.Refusals = Refusals{{
			Code: RefusedTooLarge,
			What: fmt.Sprintf("the object has %d bytes, at most %d are read", list.Size, j.guards.MaxListBytes),
			Todo: "split the list into several feeds, or compress it by gzip or zstd",
		}}
		return nil
	}
	body, err := im.lists.Open(ctx, list.Key, list.Version)
	if errors.Is(err, ErrNotFound) {
		return errDecideAgain // the version was taken away
	}
	if err != nil {
		return fmt.Errorf("opening %q: %w", list.Key, err)
	}
	entries, read, err := ReadList(body, j.settings, j.guards, j.report.hooks())
	_ = body.Close() // it was read to its end, or does not matter
	j.list = entries
	j.report.read(&read)
	if err != nil && !errors.As(err, &j.report.Refusals) {
		return fmt.Errorf("%q: %w", list.Key, err)
	}
	if len(j.report.Refusals) > 0 && !j.report.Refusals.Overridable() {
		return nil
	}
	j.report.Refusals = append(j.report.Refusals, j.guards.Compare(j.report.Previous, entries.Len())...)
	return im.judgeSize(ctx, j)
}

// isReason reports whether a text says why: blanks say nothing.
func isReason(text string) bool { return strings.TrimSpace(text) != "" }

// override decides the outcome: accepted, refused, or forced by a recorded reason.
func (im *Importer) override(ctx context.Context, j *judgement, list *foundList, force string) error {
	report := j.report
	if len(report.Refusals) == 0 {
		return nil
	}
	report.Outcome = OutcomeRefused
	if !report.Refusals.Overridable() {
		return nil
	}
	for _, reason := range []string{force, list.Metadata[ForceKey], j.settings.Force} {
		if report.Force == "" {
			report.Force = strings.TrimSpace(reason)
		}
	}
	if report.Force == "" {
		tags, err := im.lists.Tags(ctx, list.Key, list.Version)
		if err != nil {
			return fmt.Errorf("reading the tags of %q: %w", list.Key, err)
		}
		report.Force = strings.TrimSpace(tags[ForceKey])
	}
	if report.Force != "" {
		report.Outcome = OutcomeForced
	}
	return nil
}
