package alert

import (
	"cmp"
	"encoding/binary"
	"slices"
	"strconv"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

// Limits of a message. SQS takes 1 MiB; a batch of messages must fit into the notifier too.
const (
	// MaxRows is the number of rows that a message has at most.
	MaxRows = 400
	// maxBytes is the size of an encoded message at most.
	maxBytes = 200 << 10
)

// Limits of the texts of a message, in bytes. They are far above what AWS and our lists write,
// and keep one hostile record from taking the room of all other rows.
const (
	// MaxNameBytes bounds a name. It has 255 bytes in a packet, and more with escapes.
	MaxNameBytes = 512
	// MaxWordBytes bounds the other texts, such as ids, addresses and the name of a stack.
	MaxWordBytes = 128
	// MaxFeeds is the number of feeds of a row.
	MaxFeeds = 16

	maxDetails     = 32
	maxDetailBytes = 256
)

// Encode returns m as one JSON object of printable ASCII, of at most [MaxRows] rows and
// 200 KiB. SQS refuses control characters and invalid UTF-8, so those and all other
// characters become escapes; each byte that is not valid UTF-8 becomes U+FFFD.
//
// If there is too much, the rows with the worst severity stay, and of those that are equally
// severe the ones with the most records. TruncatedRows and TruncatedRecords count the others.
// Texts, feeds and details beyond their limits are cut; 16 feeds stay.
//
// Encode changes m in the same way, so that afterwards m is what [Decode] returns.
func (m *Message) Encode() []byte {
	return m.AppendEncode(make([]byte, 0, min(len(m.Rows)*usualRowBytes+usualRowBytes, maxBytes)))
}

// AppendEncode is like [Message.Encode], but appends to dst, so that callers can reuse memory.
func (m *Message) AppendEncode(dst []byte) []byte {
	m.normalize()
	return m.append(dst)
}

// usualRowBytes is a little more than the size of most rows.
const usualRowBytes = 480

// normalize sorts the rows and keeps those that a message may have.
func (m *Message) normalize() {
	m.Version = Version
	m.Origin = Origin(clean(string(m.Origin), MaxWordBytes))
	if !isSorted(m.Rows) {
		slices.SortStableFunc(m.Rows, func(a, b Row) int { return compareRows(&a, &b) })
	}
	m.cut(min(len(m.Rows), MaxRows))
}

func isSorted(rows []Row) bool {
	for i := range rows[min(1, len(rows)):] {
		if compareRows(&rows[i], &rows[i+1]) > 0 {
			return false
		}
	}
	return true
}

// cut keeps the first rows and counts the others.
func (m *Message) cut(rows int) {
	for i := range m.Rows[rows:] {
		m.TruncatedRows++
		m.TruncatedRecords += m.Rows[rows+i].Records
	}
	m.Rows = m.Rows[:rows]
}

// compareRows orders rows by their importance: severity, then records.
func compareRows(a, b *Row) int {
	if order := cmp.Compare(severityOf(b.Severity), severityOf(a.Severity)); order != 0 {
		return order
	}
	return cmp.Compare(b.Records, a.Records)
}

// severityOf returns a severity, or 0 for another word.
func severityOf(word string) indicator.Severity {
	for severity := indicator.SeverityCritical; severity > 0; severity-- {
		if severity.String() == word {
			return severity
		}
	}
	severity, err := indicator.ParseSeverity(word)
	if err != nil {
		return 0
	}
	return severity
}

// cleanDetails returns the details that a row may have: the first ones in the order of their
// names.
func cleanDetails(details map[string]string) map[string]string {
	kept := map[string]string{}
	for _, name := range sortedNames(details) {
		if short := clean(name, MaxWordBytes); len(kept) < maxDetails {
			kept[short] = clean(details[name], maxDetailBytes)
		}
	}
	return kept
}

func sortedNames(details map[string]string) []string {
	names := make([]string, 0, len(details))
	for name := range details {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// clean returns the valid UTF-8 at the start of text that has at most limit bytes. Each byte
// that is not valid becomes U+FFFD.
func clean(text string, limit int) string {
	if len(text) <= limit && utf8.ValidString(text) {
		return text
	}
	out := make([]byte, 0, min(len(text), limit))
	for _, r := range text {
		if len(out)+utf8.RuneLen(r) > limit {
			break
		}
		out = utf8.AppendRune(out, r)
	}
	return string(out)
}

// The times that RFC 3339 can hold, in seconds since 1970.
var (
	firstSecond = time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	lastSecond  = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC).Unix()
)

// cleanTime returns a time in UTC that JSON can hold, or the zero time.
func cleanTime(t time.Time) time.Time {
	if second := t.Unix(); second < firstSecond || second > lastSecond {
		return time.Time{}
	}
	return t.UTC().Round(0)
}

// append appends the message with the rows that fit, and cuts the others.
func (m *Message) append(dst []byte) []byte {
	start := len(dst)
	dst = strconv.AppendInt(append(dst, `{"version":`...), int64(m.Version), 10)
	dst = appendText(append(dst, `,"origin":`...), string(m.Origin))
	dst = appendMember(dst, `,"stack":`, &m.Stack, MaxWordBytes)
	dst = appendOptional(dst, `,"query":`, &m.Query, MaxWordBytes)
	dst = appendOptional(dst, `,"test":`, &m.Test, MaxWordBytes)
	if m.Generation != 0 {
		dst = strconv.AppendUint(append(dst, `,"generation":`...), m.Generation, 10)
	}

	dst = append(dst, `,"rows":[`...)
	last := start + maxBytes - maxTailBytes
	for i := range m.Rows {
		end := len(dst)
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = m.Rows[i].append(dst)
		if len(dst) > last {
			dst = dst[:end]
			m.cut(i)
			break
		}
	}

	// The counts come after the rows, because they depend on how many fit.
	dst = strconv.AppendInt(append(dst, `],"truncated_rows":`...), int64(m.TruncatedRows), 10)
	dst = strconv.AppendInt(append(dst, `,"truncated_records":`...), int64(m.TruncatedRecords), 10)
	return append(dst, '}')
}

// maxTailBytes is the size of what follows the rows, at most.
const maxTailBytes = len(`],"truncated_rows":,"truncated_records":}`) + 2*len("-9223372036854775808")

// append appends a row and cuts what is beyond its limits.
func (r *Row) append(dst []byte) []byte {
	dst = appendMember(dst, `{"account_id":`, &r.AccountID, MaxWordBytes)
	dst = appendOptional(dst, `,"region":`, &r.Region, MaxWordBytes)
	dst = appendMember(dst, `,"vpc_id":`, &r.VPCID, MaxWordBytes)
	dst = appendMember(dst, `,"srcaddr":`, &r.SrcAddr, MaxWordBytes)
	dst = appendOptional(dst, `,"instance":`, &r.Instance, MaxWordBytes)
	dst = appendMember(dst, `,"indicator":`, &r.Indicator, MaxNameBytes)
	dst = appendMember(dst, `,"scope":`, &r.Scope, MaxWordBytes)
	dst = appendOptional(dst, `,"matched":`, &r.Matched, MaxNameBytes)
	dst = appendOptional(dst, `,"part":`, &r.Part, MaxWordBytes)
	dst = r.appendFeeds(dst)
	dst = appendOptional(dst, `,"category":`, &r.Category, MaxWordBytes)
	dst = appendMember(dst, `,"severity":`, &r.Severity, MaxWordBytes)
	if r.Confidence != 0 {
		dst = strconv.AppendInt(append(dst, `,"confidence":`...), int64(r.Confidence), 10)
	}
	if r.Firewall != FirewallAlert && r.Firewall != FirewallBlock {
		r.Firewall = ""
	}
	dst = appendOptional(dst, `,"firewall":`, &r.Firewall, MaxWordBytes)
	dst = r.appendTimes(dst)
	dst = strconv.AppendInt(append(dst, `,"records":`...), int64(r.Records), 10)
	if len(r.Details) > 0 {
		dst = r.appendDetails(dst)
	}
	return append(dst, '}')
}

// appendFeeds appends the feeds. Without feeds the list is empty, never null.
func (r *Row) appendFeeds(dst []byte) []byte {
	r.Feeds = r.Feeds[:min(len(r.Feeds), MaxFeeds)]
	dst = append(dst, `,"feeds":[`...)
	next := ""
	for i := range r.Feeds {
		dst = appendMember(dst, next, &r.Feeds[i], MaxWordBytes)
		next = ","
	}
	return append(dst, ']')
}

// appendTimes appends when the records were. Many rows have a single record.
func (r *Row) appendTimes(dst []byte) []byte {
	r.FirstSeen, r.LastSeen = cleanTime(r.FirstSeen), cleanTime(r.LastSeen)
	dst = append(dst, `,"first_seen":"`...)
	start := len(dst)
	dst = r.FirstSeen.AppendFormat(dst, time.RFC3339Nano)
	end := len(dst)
	dst = append(dst, `","last_seen":"`...)
	if r.LastSeen.Equal(r.FirstSeen) {
		dst = append(dst, dst[start:end]...)
	} else {
		dst = r.LastSeen.AppendFormat(dst, time.RFC3339Nano)
	}
	return append(dst, '"')
}

func (r *Row) appendDetails(dst []byte) []byte {
	r.Details = cleanDetails(r.Details)
	next := `,"details":{`
	for _, name := range sortedNames(r.Details) {
		dst = appendText(append(dst, next...), name)
		dst = appendText(append(dst, ':'), r.Details[name])
		next = ","
	}
	return append(dst, '}')
}

// appendOptional appends a member unless its text is empty.
func appendOptional(dst []byte, name string, text *string, limit int) []byte {
	if *text == "" {
		return dst
	}
	return appendMember(dst, name, text, limit)
}

// appendMember appends the name of a member with the punctuation around it, and its text,
// which it cuts if it has more than limit bytes.
func appendMember(dst []byte, name string, text *string, limit int) []byte {
	dst = append(dst, name...)
	if len(*text) > limit || !isPlain(*text) {
		*text = clean(*text, limit)
		return appendText(dst, *text)
	}
	dst = append(dst, '"')
	dst = append(dst, *text...)
	return append(dst, '"')
}

// isPlain reports whether a text is printable ASCII without a character that JSON escapes.
// The first loop checks eight bytes at a time: each term has the high bit of a byte that is a
// control character, a quote, a backslash, DEL or not ASCII, and a borrow sets it only above
// such a byte.
func isPlain(text string) bool {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	for ; len(text) >= 8; text = text[8:] {
		word := binary.LittleEndian.Uint64([]byte(text[:8]))
		bad := word | (word - ones*' ') | ((word ^ ones*'"') - ones) | ((word ^ ones*'\\') - ones) | ((word ^ ones*0x7f) - ones)
		if bad&highs != 0 {
			return false
		}
	}
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

// appendText appends text as a JSON string of printable ASCII.
func appendText(dst []byte, text string) []byte {
	dst = append(dst, '"')
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			dst = append(dst, '\\', byte(r))
		case ' ' <= r && r <= '~':
			dst = append(dst, byte(r))
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			dst = appendEscape(appendEscape(dst, high), low)
		default:
			dst = appendEscape(dst, r)
		}
	}
	return append(dst, '"')
}

// appendEscape appends the escape of a 16-bit code unit.
func appendEscape(dst []byte, unit rune) []byte {
	const hex = "0123456789abcdef"
	return append(dst, '\\', 'u', hex[unit>>12&0xf], hex[unit>>8&0xf], hex[unit>>4&0xf], hex[unit&0xf])
}
