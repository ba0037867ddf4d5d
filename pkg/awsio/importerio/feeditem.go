package importerio

import (
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"

	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/list"
	"github.com/resolverwatch/resolverwatch/pkg/table"
)

// feedItem is the state of a feed as it is stored. Times are RFC 3339 in UTC.
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
	AcceptedAt string `dynamodbav:"accepted_at,omitempty"`
	MaxAge     int64  `dynamodbav:"max_age_seconds,omitempty"`

	LastVersionID string `dynamodbav:"last_version_id,omitempty"`
	Outcome       string `dynamodbav:"outcome,omitempty"`
	Reason        string `dynamodbav:"reason,omitempty"`
	JudgedAt      string `dynamodbav:"judged_at,omitempty"`
	JudgedBy      string `dynamodbav:"judged_settings,omitempty"`
	MissingSince  string `dynamodbav:"missing_since,omitempty"`

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
		AcceptedAt:    formatTime(row.Accepted.At),
		MaxAge:        int64(row.Accepted.MaxAge / time.Second),
		LastVersionID: row.Last.Version,
		Outcome:       string(row.Last.Outcome),
		Reason:        row.Last.Reason,
		JudgedAt:      formatTime(row.Last.At),
		JudgedBy:      row.Last.Settings,
		MissingSince:  formatTime(row.Missing),
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

// decodeRow is the inverse of newFeedItem.
func decodeRow(encoded item) (table.FeedRow, error) {
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
			MaxAge:   time.Duration(stored.MaxAge) * time.Second,
		},
		Last: table.Decision{
			Version: stored.LastVersionID, Outcome: list.Outcome(stored.Outcome), Reason: stored.Reason,
			Settings: stored.JudgedBy,
		},
		Table: table.SyncState{
			Snapshot: stored.TableSnapshot, Target: stored.TableTarget,
			Cursor: stored.TableCursor, Owner: stored.TableOwner,
		},
	}
	var errs [6]error
	if stored.Action != "" {
		row.Accepted.Action, errs[0] = indicator.ParseAction(stored.Action)
	}
	row.Accepted.At, errs[1] = parseTime(stored.AcceptedAt)
	row.Last.At, errs[2] = parseTime(stored.JudgedAt)
	row.Table.Until, errs[3] = parseTime(stored.TableUntil)
	row.Missing, errs[4] = parseTime(stored.MissingSince)
	errs[5] = stored.decodeFetch(&row)
	if err := errors.Join(errs[:]...); err != nil {
		return row, fmt.Errorf("decoding the row of feed %q: %w", stored.ID, err)
	}
	return row, nil
}

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
