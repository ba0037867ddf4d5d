package table

import (
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"

	"github.com/resolverwatch/resolverwatch/pkg/fetch"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/list"
	"github.com/resolverwatch/resolverwatch/pkg/reach"
	"github.com/resolverwatch/resolverwatch/pkg/table"
)

// feedItem is the stored state of a feed. Times are RFC 3339 in UTC.
type feedItem struct {
	Partition string `dynamodbav:"name"` // feedPartition
	ID        string `dynamodbav:"entry"`
	Revision  int64  `dynamodbav:"revision"`

	Action     string `dynamodbav:"action,omitempty"`
	SourceKey  string `dynamodbav:"source_key,omitempty"`
	VersionID  string `dynamodbav:"version_id,omitempty"`
	Settings   string `dynamodbav:"settings,omitempty"`
	Snapshot   string `dynamodbav:"snapshot,omitempty"`
	Entries    int    `dynamodbav:"entries,omitempty"`
	ValueBytes int64  `dynamodbav:"value_bytes,omitempty"`
	IndexBytes int64  `dynamodbav:"index_bytes,omitempty"`
	BuildBytes int64  `dynamodbav:"build_bytes,omitempty"`
	ReachIPv4  uint64 `dynamodbav:"reach_ipv4,omitempty"`
	ReachIPv6  uint64 `dynamodbav:"reach_ipv6,omitempty"`
	AcceptedAt string `dynamodbav:"accepted_at,omitempty"`
	MaxAge     int64  `dynamodbav:"max_age_seconds,omitempty"`

	HighWater *highWaterItem `dynamodbav:"high_water,omitempty"`

	LastVersionID string `dynamodbav:"last_version_id,omitempty"`
	Outcome       string `dynamodbav:"outcome,omitempty"`
	Reason        string `dynamodbav:"reason,omitempty"`
	DecidedAt     string `dynamodbav:"judged_at,omitempty"`
	DecidedWith   string `dynamodbav:"judged_settings,omitempty"`
	MissingSince  string `dynamodbav:"missing_since,omitempty"`

	attemptItem
	fetchItem

	TableSnapshot string `dynamodbav:"table_snapshot,omitempty"`
	TableTarget   string `dynamodbav:"table_target,omitempty"`
	TableCursor   string `dynamodbav:"table_cursor,omitempty"`
	TableOwner    string `dynamodbav:"table_owner,omitempty"`
	TableUntil    string `dynamodbav:"table_until,omitempty"`
}

func newFeedItem(row *table.FeedRow) feedItem {
	stored := feedItem{
		Partition:     feedPartition,
		ID:            string(row.ID),
		Revision:      row.Revision,
		SourceKey:     row.Accepted.Key,
		VersionID:     row.Accepted.Version,
		Settings:      row.Accepted.Settings,
		Snapshot:      row.Accepted.Snapshot,
		Entries:       row.Accepted.Entries,
		ValueBytes:    row.Accepted.Bytes,
		IndexBytes:    row.Accepted.Cost.IndexBytes,
		BuildBytes:    row.Accepted.Cost.BuildBytes,
		ReachIPv4:     row.Accepted.Reach.IPv4,
		ReachIPv6:     row.Accepted.Reach.IPv6,
		AcceptedAt:    formatTime(row.Accepted.At),
		MaxAge:        int64(row.Accepted.MaxAge / time.Second),
		HighWater:     newHighWaterItem(row.High),
		LastVersionID: row.Last.Version,
		Outcome:       string(row.Last.Outcome),
		Reason:        row.Last.Reason,
		DecidedAt:     formatTime(row.Last.At),
		DecidedWith:   row.Last.Settings,
		MissingSince:  formatTime(row.Missing),
		attemptItem:   newAttemptItem(&row.Attempt),
		fetchItem:     newFetchItem(row),
		TableSnapshot: row.Table.Snapshot,
		TableTarget:   row.Table.Target,
		TableCursor:   row.Table.Cursor,
		TableOwner:    row.Table.Owner,
		TableUntil:    formatTime(row.Table.Until),
	}
	if row.Accepted.Action != 0 {
		stored.Action = row.Accepted.Action.String()
	}
	return stored
}

// decodeFeedRow reads what newFeedItem stores.
func decodeFeedRow(encoded item) (table.FeedRow, error) {
	var stored feedItem
	if err := attributevalue.UnmarshalMap(encoded, &stored); err != nil {
		return table.FeedRow{}, fmt.Errorf("decoding the row of feed %q: %w", stored.ID, err)
	}
	row := table.FeedRow{
		ID:       indicator.FeedID(stored.ID),
		Revision: stored.Revision,
		Accepted: table.Acceptance{
			Key:      stored.SourceKey,
			Version:  stored.VersionID,
			Settings: stored.Settings,
			Snapshot: stored.Snapshot,
			Entries:  stored.Entries,
			Bytes:    stored.ValueBytes,
			Cost:     list.Cost{IndexBytes: stored.IndexBytes, BuildBytes: stored.BuildBytes},
			Reach:    reach.Reach{IPv4: stored.ReachIPv4, IPv6: stored.ReachIPv6},
			MaxAge:   time.Duration(stored.MaxAge) * time.Second,
		},
		High: stored.HighWater.mark(),
		Last: table.Decision{
			Version:  stored.LastVersionID,
			Outcome:  list.Outcome(stored.Outcome),
			Reason:   stored.Reason,
			Settings: stored.DecidedWith,
		},
		Table: stored.syncState(),
	}

	var errs [7]error
	if stored.Action != "" {
		row.Accepted.Action, errs[0] = indicator.ParseAction(stored.Action)
	}
	row.Accepted.At, errs[1] = parseTime(stored.AcceptedAt)
	row.Last.At, errs[2] = parseTime(stored.DecidedAt)
	row.Table.Until, errs[3] = parseTime(stored.TableUntil)
	row.Missing, errs[4] = parseTime(stored.MissingSince)
	errs[5] = stored.fill(&row)
	row.Attempt, errs[6] = stored.attempt()
	if err := errors.Join(errs[:]...); err != nil {
		return row, fmt.Errorf("decoding the row of feed %q: %w", stored.ID, err)
	}
	return row, nil
}

// syncState returns the state of the rows of entries, apart from its time.
func (i *feedItem) syncState() table.SyncState {
	return table.SyncState{
		Snapshot: i.TableSnapshot,
		Target:   i.TableTarget,
		Cursor:   i.TableCursor,
		Owner:    i.TableOwner,
	}
}

// attemptItem is the part of a feed's row about an import that came to no decision.
type attemptItem struct {
	AttemptVersionID string `dynamodbav:"attempt_version_id,omitempty"`
	AttemptSettings  string `dynamodbav:"attempt_settings,omitempty"`
	AttemptRuns      int    `dynamodbav:"attempt_runs,omitempty"`
	AttemptAt        string `dynamodbav:"attempt_at,omitempty"`
	AttemptUntil     string `dynamodbav:"attempt_until,omitempty"`
}

func newAttemptItem(attempt *table.Attempt) attemptItem {
	return attemptItem{
		AttemptVersionID: attempt.Version,
		AttemptSettings:  attempt.Settings,
		AttemptRuns:      attempt.Runs,
		AttemptAt:        formatTime(attempt.At),
		AttemptUntil:     formatTime(attempt.Until),
	}
}

func (i *attemptItem) attempt() (table.Attempt, error) {
	at, atErr := parseTime(i.AttemptAt)
	until, untilErr := parseTime(i.AttemptUntil)
	return table.Attempt{
		Version:  i.AttemptVersionID,
		Settings: i.AttemptSettings,
		Runs:     i.AttemptRuns,
		At:       at,
		Until:    until,
	}, errors.Join(atErr, untilErr)
}

// fetchItem is the part of a feed's row about its URL.
type fetchItem struct {
	FetchSource       string `dynamodbav:"fetch_source,omitempty"`
	FetchVersionID    string `dynamodbav:"fetch_version_id,omitempty"`
	FetchETag         string `dynamodbav:"fetch_etag,omitempty"`
	FetchLastModified string `dynamodbav:"fetch_last_modified,omitempty"`
	FetchOutcome      string `dynamodbav:"fetch_outcome,omitempty"`
	FetchReason       string `dynamodbav:"fetch_reason,omitempty"`
	FetchedAt         string `dynamodbav:"fetched_at,omitempty"`
	FetchRetryAt      string `dynamodbav:"fetch_retry_at,omitempty"`
	FetchFailures     int    `dynamodbav:"fetch_failures,omitempty"`
	ConfirmedAt       string `dynamodbav:"confirmed_at,omitempty"`
}

func newFetchItem(row *table.FeedRow) fetchItem {
	state := &row.Fetch
	return fetchItem{
		FetchSource:       state.Source,
		FetchVersionID:    state.Version,
		FetchETag:         state.ETag,
		FetchLastModified: state.LastModified,
		FetchOutcome:      string(state.Outcome),
		FetchReason:       state.Reason,
		FetchedAt:         formatTime(state.At),
		FetchRetryAt:      formatTime(state.RetryAt),
		FetchFailures:     state.Failures,
		ConfirmedAt:       formatTime(row.Accepted.Confirmed),
	}
}

// fill sets the fields of row that newFetchItem reads.
func (i *fetchItem) fill(row *table.FeedRow) error {
	row.Fetch = table.FetchState{
		Source:       i.FetchSource,
		Version:      i.FetchVersionID,
		ETag:         i.FetchETag,
		LastModified: i.FetchLastModified,
		Outcome:      fetch.Outcome(i.FetchOutcome),
		Reason:       i.FetchReason,
		Failures:     i.FetchFailures,
	}

	var errs [3]error
	row.Fetch.At, errs[0] = parseTime(i.FetchedAt)
	row.Fetch.RetryAt, errs[1] = parseTime(i.FetchRetryAt)
	row.Accepted.Confirmed, errs[2] = parseTime(i.ConfirmedAt)
	return errors.Join(errs[:]...)
}

// formatTime returns "" for the zero time.
func formatTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

func parseTime(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	return time.Parse(time.RFC3339, text)
}
