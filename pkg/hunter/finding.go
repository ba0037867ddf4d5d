package hunter

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/alert"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// host are the columns of a host. All queries but the one for gaps have them.
var host = []string{"account_id", "vpc_id", "srcaddr"}

// needed are the columns that make the identity of a finding, besides the host. Queries of users
// are not listed: they need the host alone.
var needed = map[string][]string{
	"malicious-hosts":       {"indicator"},
	settings.QueryRetroHunt: {"indicator", "scope"},
	queryTunnels:            {"registrable", "day"},
	queryGenerated:          {"day"},
	"beacons":               {"query_name"},
	"own-resolvers":         {"query_name"},
	queryCoverage:           {"day", "vpc_id"},
}

// Columns that mean the same in all queries, in the order in which they are looked for.
var (
	indicatorColumns = []string{"indicator", "registrable", "query_name"}
	severityColumns  = []string{"severity", "worst_severity"}
	recordColumns    = []string{"logged_queries", "queries", "names", "domains"}
	matchedColumns   = []string{"matched", "example"}
	instanceColumns  = []string{"instance", "instances"}
)

// findings are the rows of a result as the notifier takes them.
type findings struct {
	rows   []alert.Row
	listed int // rows of a list that is not sent
	bad    int // rows without an identity
}

// errColumns reports a result that lacks columns.
var errColumns = errors.New("the result lacks columns that identify a finding")

// table gives access to the rows of a result by the names of its columns.
type table struct {
	query  string
	period period
	at     map[string]int // columns by name
}

// readFindings converts the rows of a result. The error wraps [errColumns] if the result lacks
// columns, for example because somebody changed the query.
func readFindings(query string, result *Result, period period) (findings, error) {
	if query == queryFirstSeen {
		// A list to read next to a finding, not a list of findings. It stays in Athena.
		return findings{listed: len(result.Rows)}, nil
	}
	t := table{query, period, map[string]int{}}
	for i, column := range result.Columns {
		t.at[column] = i
	}
	columns := slices.Concat(host, needed[query])
	if query == queryCoverage {
		columns = needed[query]
	}
	var missing []string
	for _, column := range columns {
		if _, found := t.at[column]; !found {
			missing = append(missing, column)
		}
	}
	if len(missing) > 0 {
		return findings{}, fmt.Errorf("%w: %s", errColumns, strings.Join(missing, ", "))
	}

	var found findings
	for i, cells := range result.Rows {
		if len(cells) != len(result.Columns) {
			return findings{}, fmt.Errorf("row %d of the result has %d cells, but there are %d columns", i+1, len(cells), len(result.Columns))
		}
		row, ok := t.row(cells)
		switch {
		case !ok:
			found.bad++
		case query == settings.QueryRetroHunt && t.text(cells, "unmarked") == "0":
			// Every query was marked as malicious when it was logged, and reported then.
		default:
			found.rows = append(found.rows, row)
		}
	}
	if query == queryCoverage {
		found.rows = newGaps(found.rows, period)
	}
	return found, nil
}

// text returns a cell, or "" if the result lacks the column or the cell is NULL.
func (t *table) text(cells []*string, column string) string {
	if i, found := t.at[column]; found && cells[i] != nil {
		return *cells[i]
	}
	return ""
}

// first returns the first of some columns that has a text.
func (t *table) first(cells []*string, columns []string) string {
	for _, column := range columns {
		if text := t.text(cells, column); text != "" {
			return text
		}
	}
	return ""
}

// row converts a row. It reports false if a column that identifies the finding is NULL or empty,
// or if a day cannot be read. A host may be NULL: records of other sources have none.
func (t *table) row(cells []*string) (alert.Row, bool) {
	for _, column := range needed[t.query] {
		text := t.text(cells, column)
		if _, isDay := parseDay(text); text == "" || column == "day" && !isDay {
			return alert.Row{}, false
		}
	}
	row := alert.Row{
		AccountID: t.text(cells, "account_id"),
		VPCID:     t.text(cells, "vpc_id"),
		SrcAddr:   t.text(cells, "srcaddr"),
		Region:    t.text(cells, "region"),
		Instance:  t.first(cells, instanceColumns),
		Matched:   t.first(cells, matchedColumns),
		Feeds:     strings.Fields(t.text(cells, "feeds")),
		Category:  t.text(cells, "category"),
		Severity:  severityOf(t.first(cells, severityColumns)),
		Details:   t.details(cells),
	}
	if strings.Contains(row.Instance, " ") {
		row.Instance = "" // several machines had the address; they are in the details
	}
	row.Indicator, row.Scope = t.identity(cells)
	row.Records = max(0, number(t.first(cells, recordColumns)))
	if confidence := number(t.text(cells, "confidence")); confidence >= 0 && confidence <= 100 {
		row.Confidence = confidence
	}
	row.FirstSeen, row.LastSeen = t.times(cells)
	return row, true
}

// identity returns the indicator and the scope of a finding, which are its identity together with
// the host. The scope of a behaviour is the name of its query. If the query counts by days, the
// day is part of the identity, so that a count that grows during the day is still the same
// finding.
func (t *table) identity(cells []*string) (indicator, scope string) {
	indicator = t.first(cells, indicatorColumns)
	if scope = t.text(cells, "scope"); scope == "" {
		scope = t.query
	}
	switch day := t.text(cells, "day"); {
	case indicator == "":
		indicator = day
	case day != "":
		scope += " " + day
	}
	return indicator, scope
}

// severityOf returns a severity. A behaviour, for which no list has one, is medium.
func severityOf(text string) string {
	if _, err := indicator.ParseSeverity(text); err != nil {
		return indicator.SeverityMedium.String()
	}
	return text
}

// number returns a whole number, or 0 for another text.
func number(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0
	}
	return n
}

// times returns when the first and the last record of a finding were. Without columns that say
// it, that is the day, or the period.
func (t *table) times(cells []*string) (first, last time.Time) {
	first, last = t.period.from, t.period.until
	if begin, ok := parseDay(t.text(cells, "day")); ok {
		first, last = begin, begin.Add(day-time.Second)
		if last.After(t.period.until) && first.Before(t.period.until) {
			last = t.period.until
		}
	}
	if seen, err := time.Parse(time.RFC3339, t.text(cells, "first_seen")); err == nil {
		first = seen
	}
	if seen, err := time.Parse(time.RFC3339, t.text(cells, "last_seen")); err == nil {
		last = seen
	}
	return first, last
}

// parseDay parses a day, or the beginning of a shorter time.
func parseDay(text string) (begin time.Time, ok bool) {
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if begin, err := time.Parse(layout, text); err == nil {
			return begin.UTC(), true
		}
	}
	return time.Time{}, false
}

// details returns the columns that have no member of their own.
func (t *table) details(cells []*string) map[string]string {
	var details map[string]string
	for column, i := range t.at {
		if cells[i] == nil || isMember(column) {
			continue
		}
		if details == nil {
			details = map[string]string{}
		}
		details[column] = *cells[i]
	}
	return details
}

// members are the columns that a row of an alert has members for.
var members = slices.Concat(host, indicatorColumns, severityColumns, matchedColumns,
	[]string{"scope", "region", "feeds", "category", "confidence", "first_seen", "last_seen", "logged_queries", "instance"})

func isMember(column string) bool { return slices.Contains(members, column) }

// send sends rows to the notifier, in messages of the size that it takes, and returns how many it
// sent. cut is the number of rows of the result that were not read.
func (h *Hunter) send(ctx context.Context, query string, rows []alert.Row, cut int) (sent int, err error) {
	for sent < len(rows) && h.config.Queue != nil {
		rest := rows[sent:]
		message := alert.Message{
			Origin: alert.OriginHunt,
			Stack:  h.config.Settings.Stack,
			Query:  query,
			Rows:   rest[:min(len(rest), alert.MaxRows)],
		}
		// Encode sorts the rows and leaves out the last ones if they are too long together. Those
		// go into the next message.
		message.Encode()
		if len(message.Rows) == 0 {
			return sent, errors.New("a row is larger than a message")
		}
		message.TruncatedRows, message.TruncatedRecords = 0, 0
		if sent == 0 {
			message.TruncatedRows = cut
		}
		if err := h.config.Queue.Send(ctx, message.Encode()); err != nil {
			return sent, fmt.Errorf("sending rows to the notifier, %d of %d are sent: %w", sent, len(rows), err)
		}
		sent += len(message.Rows)
	}
	return len(rows), nil
}
