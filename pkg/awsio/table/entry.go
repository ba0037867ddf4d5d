package table

import (
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/snapshot"
	"github.com/resolverwatch/resolverwatch/pkg/table"
)

// entryItem is a stored entry. Only the keys are required, because manual edits have
// only those. Times are RFC 3339 in UTC, except expires_at: it is the table's TTL
// attribute, in seconds since 1970.
type entryItem struct {
	Name       string `dynamodbav:"name"`  // the canonical name, address or CIDR block
	Sort       string `dynamodbav:"entry"` // <feed>#<block|allow>#<scope>
	Category   string `dynamodbav:"category,omitempty"`
	Severity   string `dynamodbav:"severity,omitempty"`
	Confidence *int   `dynamodbav:"confidence,omitempty"`
	Reference  string `dynamodbav:"reference,omitempty"`
	FirstSeen  string `dynamodbav:"first_seen,omitempty"`
	AddedAt    string `dynamodbav:"added_at,omitempty"`
	ExpiresAt  int64  `dynamodbav:"expires_at,omitempty"`
}

func newEntryItem(feed indicator.FeedID, e *snapshot.Entry) entryItem {
	confidence := int(e.Confidence)
	stored := entryItem{
		Name:       e.Value(),
		Sort:       entrySortKey(feed, e),
		Category:   string(e.Category),
		Severity:   e.Severity.String(),
		Confidence: &confidence,
		Reference:  e.Reference,
		FirstSeen:  formatTime(e.FirstSeen),
		AddedAt:    formatTime(e.AddedAt),
	}
	if !e.ExpiresAt.IsZero() {
		stored.ExpiresAt = e.ExpiresAt.Unix()
	}
	return stored
}

// EncodeEntry returns the row of an entry of a feed.
func EncodeEntry(feed indicator.FeedID, e *snapshot.Entry) (map[string]types.AttributeValue, error) {
	encoded, err := attributevalue.MarshalMap(newEntryItem(feed, e))
	if err != nil {
		return nil, fmt.Errorf("encoding the row of %q: %w", e.Value(), err)
	}
	return encoded, nil
}

// EntryKey returns the key of the row of an entry.
func EntryKey(feed indicator.FeedID, e *snapshot.Entry) map[string]types.AttributeValue {
	return key(e.Value(), entrySortKey(feed, e))
}

// entrySortKey returns the sort key of an entry.
func entrySortKey(feed indicator.FeedID, e *snapshot.Entry) string {
	return strings.Join([]string{string(feed), e.Action.String(), e.Scope.String()}, "#")
}

// DecodeEntry reads a row, which may be a manual edit. The error is a [*table.EntryError].
func DecodeEntry(encoded item) (snapshot.Entry, error) {
	var stored entryItem
	err := attributevalue.UnmarshalMap(encoded, &stored)
	var entry snapshot.Entry
	if err == nil {
		entry, err = stored.entry()
	}
	if err != nil {
		return snapshot.Entry{}, &table.EntryError{Name: stored.Name, Sort: stored.Sort, Err: err}
	}
	return entry, nil
}

func (s *entryItem) entry() (e snapshot.Entry, err error) {
	words := strings.Split(s.Sort, "#")
	if len(words) != 3 {
		return e, fmt.Errorf("%s %q: must be <feed>#<block|allow>#<scope>", sortKey, s.Sort)
	}
	e.Indicator = indicator.Indicator{
		Severity:   indicator.DefaultSeverity,
		Confidence: indicator.DefaultConfidence,
		Category:   indicator.NewCategory(s.Category),
		Reference:  s.Reference,
	}

	if e.Action, err = indicator.ParseAction(words[1]); err != nil {
		return e, err
	}
	if e.Scope, err = indicator.ParseAnyScope(words[2]); err != nil {
		return e, err
	}
	if err := e.SetValue(s.Name); err != nil {
		return e, err
	}

	if s.Severity != "" {
		if e.Severity, err = indicator.ParseSeverity(s.Severity); err != nil {
			return e, err
		}
	}
	if s.Confidence != nil {
		if e.Confidence, err = indicator.NewConfidence(*s.Confidence); err != nil {
			return e, err
		}
	}

	if s.ExpiresAt != 0 {
		e.ExpiresAt = time.Unix(s.ExpiresAt, 0).UTC()
	}
	if e.FirstSeen, err = parseTime(s.FirstSeen); err != nil {
		return e, err
	}
	e.AddedAt, err = parseTime(s.AddedAt)
	return e, err
}
