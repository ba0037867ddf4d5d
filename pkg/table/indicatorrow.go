package table

import (
	"fmt"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/snapshot"
)

// IndicatorRow is a row of the published indicators in JSON; its columns are those of
// [catalog.IndicatorColumns].
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

// NewIndicatorRow returns the row of an entry of a feed, of which vetoesAll says whether
// its allow entries veto those of every feed.
func NewIndicatorRow(generation uint64, feed indicator.FeedID, vetoesAll bool, e *snapshot.Entry) IndicatorRow {
	row := IndicatorRow{
		Indicator: e.Value(), Scope: e.Scope.String(), Action: e.Action.String(), Feed: feed,
		VetoesAll: vetoesAll && e.Action == indicator.ActionAllow,
		Category:  string(e.Category), Severity: e.Severity.String(), Confidence: int(e.Confidence),
		AddedAt: e.AddedAt.UTC().Format(time.RFC3339), Generation: generation,
	}
	if !e.ExpiresAt.IsZero() {
		row.ExpiresAt = e.ExpiresAt.UTC().Format(time.RFC3339)
	}
	return row
}

// Entry returns the entry that a row is of, or says what in it is none.
func (r *IndicatorRow) Entry() (snapshot.Entry, error) {
	e := snapshot.Entry{Indicator: indicator.Indicator{Category: indicator.NewCategory(r.Category)}}
	var err error
	fail := func(err error) (snapshot.Entry, error) { return e, fmt.Errorf("indicator %.80q: %w", r.Indicator, err) }
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
