package notifier

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/alert"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// match is a host and an indicator in a batch of messages. Rows with the same key are merged.
type match struct {
	key        string
	row        alert.Row
	origin     alert.Origin
	stack      string
	query      string // of a hunt
	generation uint64
	parts      []part
}

// part is what one message of a batch says about a match.
type part struct{ message, records int }

// queryName is what the names of scheduled queries look like. They become parts of keys.
var queryName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,63}$`)

// keyOf returns the key of a match in the table. It has no text of records and lists.
func keyOf(message *alert.Message, row *alert.Row) string {
	if message.Origin == alert.OriginHunt {
		return "hunt#" + message.Query + "#" + row.ID()
	}
	return "match#" + row.ID()
}

// window returns the time for which a match is reported once.
func window(s *settings.Alerting, m *match) time.Duration {
	if m.origin == alert.OriginHunt {
		return s.Retell.Std()
	}
	return s.Window.Std()
}

// alertID returns the id of the alert of a window. It is the same if the alert is sent again.
func alertID(key string, windowFrom time.Time) string {
	return digestOf(key, strconv.FormatInt(windowFrom.UnixMilli(), 10))
}

// digestOf returns 32 hexadecimal digits that depend on all texts.
func digestOf(texts ...string) string {
	sum := sha256.New()
	for _, text := range texts {
		sum.Write([]byte(strconv.Quote(text)))
	}
	return hex.EncodeToString(sum.Sum(nil))[:32]
}

// batch is what the messages of an invocation say.
type batch struct {
	ids     []string // of the messages
	failed  []bool   // which messages must be delivered again
	matches []*match // the worst severity first, then by key
	cut     []cut    // what did not fit into messages
	tests   []test
}

// cut counts what did not fit into a message.
type cut struct {
	message       int
	rows, records int
}

// fail lets the messages of a match be delivered again.
func (b *batch) fail(m *match) {
	for _, p := range m.parts {
		b.failed[p.message] = true
	}
}

// failures returns the ids of the messages that must be delivered again.
func (b *batch) failures() []string {
	var ids []string
	for i, id := range b.ids {
		if b.failed[i] {
			ids = append(ids, id)
		}
	}
	return ids
}

// done returns the records of a match in messages that are not delivered again.
func (b *batch) done(m *match) (records int) {
	for _, p := range m.parts {
		if !b.failed[p.message] {
			records += p.records
		}
	}
	return records
}

// read decodes the messages of a batch and merges their rows. A message that is not one of
// ours fails alone, so that it ends in the dead-letter queue. Its content is not logged.
func (n *Notifier) read(ctx context.Context, records []record) *batch {
	b := &batch{ids: make([]string, len(records)), failed: make([]bool, len(records))}
	merged := map[string]*match{}
	for i := range records {
		b.ids[i] = records[i].ID
		message, err := decodeMessage(records[i].Body)
		if err != nil {
			n.Log.ErrorContext(ctx, "message refused", "message", records[i].ID, "why", err)
			b.failed[i] = true
			continue
		}
		if message.Test != "" {
			b.tests = append(b.tests, test{message: i, id: message.Test})
			continue
		}
		b.add(merged, i, message)
	}
	slices.SortFunc(b.matches, compareMatches)
	return b
}

var errBadQuery = errors.New("it is of a scheduled query without a proper name")

// decodeMessage reads a message and checks the parts of it that become parts of keys.
func decodeMessage(body string) (*alert.Message, error) {
	message, err := alert.Decode([]byte(body))
	switch {
	case err != nil:
		return nil, err
	case message.Test != "": // nothing else in it counts
		return message, nil
	case message.Origin == alert.OriginHunt && !queryName.MatchString(message.Query):
		return nil, errBadQuery
	case message.Origin != alert.OriginHunt:
		message.Query = ""
	}
	for i := range message.Rows {
		row := &message.Rows[i]
		row.FirstSeen, row.LastSeen = within(row.FirstSeen), within(row.LastSeen)
	}
	return message, nil
}

// within returns a time that JSON and DynamoDB can hold.
func within(at time.Time) time.Time {
	first, last := time.Unix(0, 0).UTC(), time.Date(9000, 1, 1, 0, 0, 0, 0, time.UTC)
	switch at = at.UTC(); {
	case at.Before(first):
		return first
	case at.After(last):
		return last
	default:
		return at.Truncate(time.Millisecond)
	}
}

func (b *batch) add(merged map[string]*match, place int, message *alert.Message) {
	if message.TruncatedRows > 0 || message.TruncatedRecords > 0 {
		b.cut = append(b.cut, cut{place, message.TruncatedRows, message.TruncatedRecords})
	}
	for i := range message.Rows {
		row := &message.Rows[i]
		key := keyOf(message, row)
		known := merged[key]
		if known == nil {
			known = &match{key: key, row: *row, origin: message.Origin, stack: message.Stack, query: message.Query}
			known.generation = message.Generation
			merged[key] = known
			b.matches = append(b.matches, known)
		} else {
			known.row.Merge(row)
			known.generation = max(known.generation, message.Generation)
		}
		known.parts = append(known.parts, part{place, row.Records})
	}
}

// compareMatches orders matches by severity, the worst first, and then by key.
func compareMatches(a, b *match) int {
	if order := rank(b.row.Severity) - rank(a.row.Severity); order != 0 {
		return order
	}
	if a.key < b.key {
		return -1
	}
	return 1
}

// severityOf returns a severity. A word that is not known is the default severity of feeds.
func severityOf(text string) indicator.Severity {
	severity, err := indicator.ParseSeverity(text)
	if err != nil {
		return indicator.DefaultSeverity
	}
	return severity
}

func rank(text string) int { return int(severityOf(text)) }
