package sent

import (
	"errors"
	"fmt"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/notifier"
)

// sentItem is the stored row of an alert.
type sentItem struct {
	Key      string `dynamodbav:"key"`
	Revision int64  `dynamodbav:"revision"`

	CreatedAt string `dynamodbav:"created_at,omitempty"`
	FirstSeen string `dynamodbav:"first_seen,omitempty"`
	LastSeen  string `dynamodbav:"last_seen,omitempty"`

	WindowFrom string   `dynamodbav:"window_from,omitempty"`
	LeaseUntil string   `dynamodbav:"lease_until,omitempty"`
	SentAt     string   `dynamodbav:"sent_at,omitempty"`
	SentBefore string   `dynamodbav:"sent_before,omitempty"`
	Delivered  []string `dynamodbav:"delivered,omitempty"`

	Records    int   `dynamodbav:"records"`
	Suppressed int   `dynamodbav:"suppressed"`
	ExpiresAt  int64 `dynamodbav:"expires_at"`
}

// stateItem is a stored document.
type stateItem struct {
	Key       string `dynamodbav:"key"`
	Revision  int64  `dynamodbav:"revision"`
	State     string `dynamodbav:"state"` // JSON
	ExpiresAt int64  `dynamodbav:"expires_at"`
}

// testItem is the stored outcome of a test alert.
type testItem struct {
	Key       string `dynamodbav:"key"`
	At        string `dynamodbav:"at"`
	Bus       string `dynamodbav:"bus"`
	Topic     string `dynamodbav:"topic"`
	Hub       string `dynamodbav:"hub"`
	ExpiresAt int64  `dynamodbav:"expires_at"`
}

func newSentItem(key string, row *notifier.Sent) sentItem {
	return sentItem{
		Key:        key,
		Revision:   row.Revision,
		CreatedAt:  formatTime(row.CreatedAt),
		FirstSeen:  formatTime(row.FirstSeen),
		LastSeen:   formatTime(row.LastSeen),
		WindowFrom: formatTime(row.WindowFrom),
		LeaseUntil: formatTime(row.LeaseUntil),
		SentAt:     formatTime(row.SentAt),
		SentBefore: formatTime(row.SentBefore),
		Delivered:  row.Delivered,
		Records:    row.Records,
		Suppressed: row.Suppressed,
		ExpiresAt:  row.ExpiresAt.Unix(),
	}
}

func (s *sentItem) row() (notifier.Sent, error) {
	row := notifier.Sent{
		Revision:   s.Revision,
		Delivered:  s.Delivered,
		Records:    s.Records,
		Suppressed: s.Suppressed,
		ExpiresAt:  time.Unix(s.ExpiresAt, 0).UTC(),
	}
	var problems []error
	for _, field := range []struct {
		text string
		to   *time.Time
	}{
		{s.CreatedAt, &row.CreatedAt},
		{s.FirstSeen, &row.FirstSeen},
		{s.LastSeen, &row.LastSeen},
		{s.WindowFrom, &row.WindowFrom},
		{s.LeaseUntil, &row.LeaseUntil},
		{s.SentAt, &row.SentAt},
		{s.SentBefore, &row.SentBefore},
	} {
		at, err := parseTime(field.text)
		*field.to = at
		problems = append(problems, err)
	}
	if err := errors.Join(problems...); err != nil {
		return row, fmt.Errorf("%s: %w", s.Key, err)
	}
	return row, nil
}

const timeFormat = "2006-01-02T15:04:05.000Z07:00"

// formatTime returns "" for the zero time.
func formatTime(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.UTC().Format(timeFormat)
}

func parseTime(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	at, err := time.Parse(time.RFC3339, text)
	return at.UTC(), err
}
