package table

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/snapshot"
)

// Entries stores the rows of entries, where other programs can look them up and users can
// add manual entries.
type Entries interface {
	// Write makes all changes. No two of them may concern the same key. After an error, any
	// part of the changes may have been made. Making a change twice is harmless.
	Write(ctx context.Context, feed indicator.FeedID, changes []snapshot.Change) error
	// Entries yields the entries of a feed in any order. For a row that cannot be read it
	// yields an [*EntryError] and continues.
	Entries(ctx context.Context, feed indicator.FeedID) iter.Seq2[snapshot.Entry, error]
}

// EntryError reports a row that is not a valid entry. Such a row was added by hand.
type EntryError struct {
	Name, Sort string // the key of the row
	Err        error
}

func (e *EntryError) Error() string {
	return "table row " + e.Name + " " + e.Sort + ": " + e.Err.Error()
}

func (e *EntryError) Unwrap() error { return e.Err }

// IndicatorRow is the JSON of a row of the published indicators. Its members are the columns
// of [catalog.IndicatorColumns].
type IndicatorRow struct {
	Indicator  string           `json:"indicator"`
	Scope      string           `json:"scope"`
	Action     string           `json:"action"`
	Feed       indicator.FeedID `json:"feed"`
	VetoesAll  bool             `json:"vetoes_all,omitempty"`
	Category   string           `json:"category"`
	Severity   string           `json:"severity"`
	Confidence int              `json:"confidence"`
	AddedAt    string           `json:"added_at"`
	ExpiresAt  string           `json:"expires_at,omitempty"`
	Generation uint64           `json:"generation"`
}

// NewIndicatorRow returns the row of an entry. vetoesAll says whether the allow entries of
// the feed veto the entries of all feeds.
func NewIndicatorRow(generation uint64, feed indicator.FeedID, vetoesAll bool, e *snapshot.Entry) IndicatorRow {
	row := IndicatorRow{
		Indicator:  e.Value(),
		Scope:      e.Scope.String(),
		Action:     e.Action.String(),
		Feed:       feed,
		VetoesAll:  vetoesAll && e.Action == indicator.ActionAllow,
		Category:   string(e.Category),
		Severity:   e.Severity.String(),
		Confidence: int(e.Confidence),
		AddedAt:    e.AddedAt.UTC().Format(time.RFC3339),
		Generation: generation,
	}
	if !e.ExpiresAt.IsZero() {
		row.ExpiresAt = e.ExpiresAt.UTC().Format(time.RFC3339)
	}
	return row
}

// Entry returns the entry of a row. The error names the part that is not valid.
func (r *IndicatorRow) Entry() (snapshot.Entry, error) {
	e := snapshot.Entry{Indicator: indicator.Indicator{Category: indicator.NewCategory(r.Category)}}
	fail := func(err error) (snapshot.Entry, error) { return e, fmt.Errorf("indicator %.80q: %w", r.Indicator, err) }
	var err error
	if e.Action, err = indicator.ParseAction(r.Action); err != nil {
		return fail(err)
	}
	if e.Severity, err = indicator.ParseSeverity(r.Severity); err != nil {
		return fail(err)
	}
	if e.Confidence, err = indicator.NewConfidence(r.Confidence); err != nil {
		return fail(err)
	}
	if e.AddedAt, err = time.Parse(time.RFC3339, r.AddedAt); err != nil {
		return fail(err)
	}
	if e.Scope, err = indicator.ParseAnyScope(r.Scope); err != nil {
		return fail(err)
	}
	if err = e.SetValue(r.Indicator); err != nil {
		return fail(err)
	}
	return e, nil
}
