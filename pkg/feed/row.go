package feed

import (
	"bytes"
	"strconv"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/feed/column"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

const (
	maxReferenceBytes = 1 << 10 // longer references are left out
	maxCategories     = 1 << 10 // categories of a list that are remembered
)

// cells are the values of one row by role.
type cells [column.RoleCount][]byte

// addRow adds one row of a table or one JSON object. The indicator is the URL, else the name,
// else the address. It is never more than one of them: an address next to a name is where the
// name once pointed, which says little about the address. text is the whole row.
func (c *collector) addRow(row *cells, text []byte) {
	value, partial := row[column.URL], true
	if len(value) == 0 {
		value, partial = row[column.Name], len(row[column.Path]) > 0
	}
	if len(value) == 0 {
		value = row[column.Address]
	}

	if isPlaceholder(value) {
		c.skip(text, SkipNoValue)
		return
	}
	kind := column.TypeAny
	if len(row[column.Type]) > 0 {
		if kind = c.words.typeOf(row[column.Type]); !kind.IsIndicator() {
			c.skipType(value, row[column.Type])
			return
		}
	}
	if why := c.words.dismiss(row); why != 0 {
		c.skip(value, why)
		return
	}

	c.describe(row)
	scope := indicator.ScopeSubtree
	if partial || kind == column.TypeURL {
		scope = indicator.ScopeName
	}
	c.addTyped(value, kind, scope)
}

// dismiss returns the reason to skip a row whose source says that it does not count, or 0.
func (w *wordCache) dismiss(row *cells) Skip {
	switch {
	case len(row[column.Detection]) > 0 && column.IsNo(string(row[column.Detection])):
		return SkipNotDetection
	case len(row[column.Withdrawn]) > 0 && column.IsOff(string(row[column.Withdrawn])),
		len(row[column.Active]) > 0 && column.IsNo(string(row[column.Active])),
		len(row[column.Status]) > 0 && w.isDismissed(&w.status, row[column.Status]),
		len(row[column.Category]) > 0 && w.isDismissed(&w.category, row[column.Category]):
		return SkipWithdrawn
	}
	return 0
}

// addTyped adds a value of a type. Both parts of a pair are indicators if both can be, as in
// `domain|ip`.
func (c *collector) addTyped(value []byte, kind column.ValueType, scope indicator.Scope) {
	if kind != column.TypeNameAddress && kind != column.TypeNamePort && kind != column.TypeAddressPair {
		c.addValue(value, kind, scope)
		return
	}

	first, second, isPair := bytes.Cut(value, []byte{'|'})
	first, second = trim(first), trim(second)
	switch {
	case !isPair || len(first) == 0 || len(second) == 0:
		c.reject(value, errComposite)
	case kind == column.TypeNameAddress && isAddress(second):
		c.addValue(first, column.TypeName, scope)
		c.addValue(second, column.TypeAddress, scope)
	case kind == column.TypeNamePort && isPort(second):
		c.addValue(first, column.TypeName, indicator.ScopeName)
	case kind == column.TypeAddressPair && isPort(second):
		c.addTarget(parseOnlyAddress(first), first, scope)
	default:
		c.reject(value, errComposite)
	}
}

// addValue adds a name, an address, or a URL or a part of one. The value must not be empty or
// have ASCII white space at its ends.
func (c *collector) addValue(value []byte, kind column.ValueType, scope indicator.Scope) {
	value = trim(value)
	switch {
	case len(value) == 0:
		c.skip(value, SkipNoValue)
	case kind == column.TypeAddress:
		c.addTarget(parseOnlyAddress(value), value, scope)
	case isSimpleName(value):
		c.addName(value, scope, indicator.ActionBlock)
	case kind == column.TypeAddressPort:
		c.addTarget(parseAddressPort(value), value, scope)
	default:
		c.addTarget(parseTarget(value), value, scope)
	}
}

// describe sets what a row says about its indicator, on top of the defaults. A value that
// cannot be parsed is ignored: an entry with a broken date still lists a malicious name.
func (c *collector) describe(row *cells) {
	c.entry.Category, c.entry.Severity, c.entry.Confidence = c.base.Category, c.base.Severity, c.base.Confidence
	if category := row[column.Category]; !isPlaceholder(category) {
		c.entry.Category = c.categories.get(category)
	}
	if text := row[column.Severity]; len(text) > 0 {
		if severity, err := indicator.ParseSeverity(string(text)); err == nil {
			c.entry.Severity = severity
		}
	}
	if text := row[column.Confidence]; len(text) > 0 {
		if confidence, err := indicator.ParseConfidence(string(text)); err == nil {
			c.entry.Confidence = confidence
		}
	}

	c.entry.Reference = ""
	if text := row[column.Reference]; !isPlaceholder(text) && len(text) <= maxReferenceBytes {
		c.entry.Reference = c.texts.keep(text)
	}
	c.entry.FirstSeen = c.clock.parse(row[column.FirstSeen])
	c.entry.ExpiresAt = c.clock.parse(row[column.Expires])
}

// isPlaceholder reports whether a cell is empty, or has one of the words that exports write for an
// empty cell.
func isPlaceholder(cell []byte) bool {
	switch len(cell) {
	case 0:
		return true
	case len("-"):
		return cell[0] == '-'
	case len("none"):
		return bytes.EqualFold(cell, []byte("none")) || bytes.EqualFold(cell, []byte("null"))
	}
	return false
}

// wordCache remembers what the words of a list mean. A list has few of them.
type wordCache struct {
	types     map[string]column.ValueType
	dismissed map[string]bool
	status    lastWord
	category  lastWord
}

// lastWord is the word of the row before, which is often the same.
type lastWord struct {
	text      []byte
	dismissed bool
}

func newWordCache() wordCache {
	return wordCache{types: map[string]column.ValueType{}, dismissed: map[string]bool{}}
}

func (w *wordCache) typeOf(word []byte) column.ValueType {
	kind, found := w.types[string(word)]
	if !found {
		kind = column.ParseType(string(word))
		if len(w.types) < maxCategories {
			w.types[string(word)] = kind
		}
	}
	return kind
}

func (w *wordCache) isDismissed(last *lastWord, word []byte) bool {
	if bytes.Equal(word, last.text) {
		return last.dismissed
	}
	dismissed, found := w.dismissed[string(word)]
	if !found {
		dismissed = column.IsDismissed(string(word))
		if len(w.dismissed) < maxCategories {
			w.dismissed[string(word)] = dismissed
		}
	}
	last.text, last.dismissed = append(last.text[:0], word...), dismissed
	return dismissed
}

// categoryCache converts each category of a list only once. A list has few of them, and rows
// with the same one tend to be adjacent.
type categoryCache struct {
	known        map[string]indicator.Category
	last         []byte
	lastCategory indicator.Category
}

func (k *categoryCache) get(text []byte) indicator.Category {
	if bytes.Equal(text, k.last) {
		return k.lastCategory
	}
	category, found := k.known[string(text)]
	if !found {
		category = indicator.NewCategory(string(text))
		if len(k.known) < maxCategories {
			k.known[string(text)] = category
		}
	}
	k.last, k.lastCategory = append(k.last[:0], text...), category
	return category
}

// clock parses the times of a list. It remembers the last date, because rows tend to be
// sorted by date.
type clock struct {
	date     [len(time.DateOnly)]byte
	midnight time.Time
}

// parse reads a date, a date with a time, RFC 3339, or Unix seconds or milliseconds. Times
// are in UTC unless they have a zone. For anything else it returns the zero time.
func (k *clock) parse(text []byte) time.Time {
	const date, second = len(time.DateOnly), len(time.DateTime)
	switch {
	case len(text) < date:
		return time.Time{}
	case text[4] != '-':
		return parseUnix(text)
	case len(text) == date:
		return k.day(text)
	case len(text) >= second && isUTC(text[second:]):
		midnight := k.day(text[:date])
		seconds, ok := parseSecondOfDay(text[date+1 : second])
		if !ok || midnight.IsZero() || text[date] != ' ' && text[date] != 'T' {
			return time.Time{}
		}
		return midnight.Add(time.Duration(seconds) * time.Second)
	}

	t, err := time.Parse(time.RFC3339, string(text))
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

// day returns midnight at the start of a date, or the zero time.
func (k *clock) day(date []byte) time.Time {
	if !bytes.Equal(date, k.date[:]) {
		copy(k.date[:], date)
		k.midnight = parseDate(date)
	}
	return k.midnight
}

// parseDate reads "2006-01-02" several times faster than time.Parse.
func parseDate(date []byte) time.Time {
	number := func(digits []byte) (n int) {
		for _, c := range digits {
			n = 10*n + int(c-'0')
		}
		return n
	}
	year, month, day := date[:4], date[5:7], date[8:]
	if !all(year, isDigit) || !all(month, isDigit) || !all(day, isDigit) || date[4] != '-' || date[7] != '-' {
		return time.Time{}
	}
	t := time.Date(number(year), time.Month(number(month)), number(day), 0, 0, 0, 0, time.UTC)
	if y, m, d := t.Date(); y != number(year) || int(m) != number(month) || d != number(day) {
		return time.Time{} // a date such as 30 February
	}
	return t
}

// parseSecondOfDay reads "15:04:05".
func parseSecondOfDay(text []byte) (seconds int, ok bool) {
	for i, limit := range [3]int{24, 60, 60} {
		field := text[3*i:]
		n := 10*int(field[0]-'0') + int(field[1]-'0')
		if !isDigit(field[0]) || !isDigit(field[1]) || n >= limit || i < 2 && field[2] != ':' {
			return 0, false
		}
		seconds = 60*seconds + n
	}
	return seconds, true
}

func isUTC(zone []byte) bool {
	switch string(zone) {
	case "", "Z", " UTC", " Z", "UTC":
		return true
	}
	return false
}

// parseUnix reads seconds or, if there are 13 digits, milliseconds.
func parseUnix(digits []byte) time.Time {
	const seconds, milliseconds = len("1700000000"), len("1700000000000")
	if len(digits) != seconds && len(digits) != milliseconds || !all(digits, isDigit) {
		return time.Time{}
	}
	n, err := strconv.ParseInt(string(digits), 10, 64)
	switch {
	case err != nil:
		return time.Time{}
	case len(digits) == seconds:
		return time.Unix(n, 0).UTC()
	}
	return time.UnixMilli(n).UTC()
}
