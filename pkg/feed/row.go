package feed

import (
	"bytes"
	"strconv"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

// take takes one row of a table or one JSON object. Its indicator is the URL, else
// the name, else the address: one each, because an address beside a name is where
// the name pointed once, which says little about the address. text is the row.
func (c *collector) take(row *cells, text []byte) {
	value, partial := row[roleURL], true
	if len(value) == 0 {
		value, partial = row[roleName], len(row[rolePath]) > 0
	}
	if len(value) == 0 {
		value = row[roleAddress]
	}
	kind := valueTypeOf(row[roleType])
	switch {
	case len(value) == 0:
		c.skip(text, SkipNoValue)
		return
	case kind == typeOther:
		c.skip(value, SkipOtherType)
		return
	}
	c.describe(row)
	scope := indicator.ScopeSubtree
	if partial || kind == typeURL {
		scope = indicator.ScopeName
	}
	c.value(value, kind, scope)
}

// value takes a name, an address, or a URL or part of one. It is not empty and has no
// white space at its ends.
func (c *collector) value(value []byte, kind valueType, scope indicator.Scope) {
	switch {
	case kind == typeAddress:
		c.target(parseOnlyAddress(value), value, scope)
	case isSimpleName(value):
		c.name(value, scope, indicator.ActionBlock)
	case kind == typeAddressPort:
		c.target(parseAddressPort(value), value, scope)
	default:
		c.target(parseTarget(value), value, scope)
	}
}

// valueType is what a row says its value is.
type valueType uint8

const (
	typeAny valueType = iota // the value shows what it is
	typeURL
	typeAddress // nothing else will do
	typeAddressPort
	typeOther // no name and no address
)

// otherTypes are how the words for other indicators begin.
var otherTypes = []string{
	"md5", "sha", "hash", "file", "imphash", "ssdeep", "tlsh", "email", "e-mail", "mail", "mutex", "reg",
	"yara", "sigma", "snort", "cve", "asn", "ja3", "x509", "certificate", "btc", "bitcoin", "wallet",
	"user", "process", "package", "pdb",
}

func valueTypeOf(word []byte) valueType {
	if len(word) == 0 {
		return typeAny
	}
	switch string(word) { // as most lists write it
	case "domain", "hostname", "host", "fqdn", "ip", "ipv4", "ipv6", "cidr":
		return typeAny
	case "url":
		return typeURL
	case "ip:port":
		return typeAddressPort
	}
	lower := bytes.ToLower(word)
	switch string(lower) {
	case "url", "uri", "urls":
		return typeURL
	case "ip:port":
		return typeAddressPort
	}
	for _, prefix := range otherTypes {
		if bytes.HasPrefix(lower, []byte(prefix)) {
			return typeOther
		}
	}
	return typeAny
}

const (
	// maxReferenceBytes bounds a reference; longer ones are left out.
	maxReferenceBytes = 1 << 10
	// maxCategories bounds how many categories of a list are remembered.
	maxCategories = 1 << 10
)

// describe sets what a row says about its indicator, over the defaults. What cannot
// be understood is left out: an entry with an odd date still lists a bad name.
func (c *collector) describe(row *cells) {
	c.entry.Category, c.entry.Severity, c.entry.Confidence = c.base.Category, c.base.Severity, c.base.Confidence
	if category := row[roleCategory]; !isNothing(category) {
		c.entry.Category = c.categories.of(category)
	}
	if text := row[roleSeverity]; len(text) > 0 {
		if severity, err := indicator.ParseSeverity(string(text)); err == nil {
			c.entry.Severity = severity
		}
	}
	if text := row[roleConfidence]; len(text) > 0 {
		if confidence, err := indicator.ParseConfidence(string(text)); err == nil {
			c.entry.Confidence = confidence
		}
	}
	c.entry.Reference = ""
	if text := row[roleReference]; !isNothing(text) && len(text) <= maxReferenceBytes {
		c.entry.Reference = c.strings.keep(text)
	}
	c.entry.FirstSeen = c.clock.parse(row[roleFirstSeen])
	c.entry.ExpiresAt = c.clock.parse(row[roleExpires])
}

// categories makes each category of a list once: lists have few, and rows of one
// stand together.
type categories struct {
	known        map[string]indicator.Category
	last         []byte
	lastCategory indicator.Category
}

func (k *categories) of(text []byte) indicator.Category {
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

// isNothing reports whether a cell is empty in one of the ways that exports have.
func isNothing(cell []byte) bool {
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

// clock reads the times of a list. It remembers the last date, because rows come in
// the order of their dates.
type clock struct {
	date     [len(time.DateOnly)]byte
	midnight time.Time
}

// parse reads a date, a date and a time, RFC 3339, or Unix seconds; UTC unless it says
// otherwise. It returns the zero time for anything else.
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
		seconds, ok := secondOfDay(text[date+1 : second])
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

// day returns the midnight with which a date begins, or the zero time.
func (k *clock) day(date []byte) time.Time {
	if !bytes.Equal(date, k.date[:]) {
		copy(k.date[:], date)
		k.midnight = midnight(date)
	}
	return k.midnight
}

// midnight reads "2006-01-02". It is time.Parse without its price.
func midnight(date []byte) time.Time {
	number := func(digits []byte) (n int) {
		for _, c := range digits {
			n = 10*n + int(c-'0')
		}
		return n
	}
	year, month, day := date[:4], date[5:7], date[8:]
	if !allOf(year, isDigit) || !allOf(month, isDigit) || !allOf(day, isDigit) || date[4] != '-' || date[7] != '-' {
		return time.Time{}
	}
	t := time.Date(number(year), time.Month(number(month)), number(day), 0, 0, 0, 0, time.UTC)
	if y, m, d := t.Date(); y != number(year) || int(m) != number(month) || d != number(day) {
		return time.Time{} // as for 30 February
	}
	return t
}

// secondOfDay reads "15:04:05".
func secondOfDay(text []byte) (seconds int, ok bool) {
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

// parseUnix reads seconds, or milliseconds if they are so many.
func parseUnix(digits []byte) time.Time {
	const seconds, milliseconds = len("1700000000"), len("1700000000000")
	if len(digits) != seconds && len(digits) != milliseconds || !allOf(digits, isDigit) {
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
