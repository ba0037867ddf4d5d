package verdict

import (
	"bytes"
	"strconv"
	"unicode/utf8"

	"github.com/resolverwatch/resolverwatch/pkg/catalog"
)

// Parts of the members that we add.
const (
	memberVerdict = `"` + catalog.Verdict + `":"`
	memberReason  = `","` + catalog.VerdictReason + `":"`

	threatIndicator  = `,"` + catalog.Threat + `":{"` + catalog.ThreatIndicator + `":`
	threatScope      = `,"` + catalog.ThreatScope + `":"`
	threatMatched    = `","` + catalog.ThreatMatched + `":`
	threatPart       = `,"` + catalog.ThreatPart + `":"`
	threatFeeds      = `","` + catalog.ThreatFeeds + `":[`
	threatCategory   = `],"` + catalog.ThreatCategory + `":`
	threatSeverity   = `,"` + catalog.ThreatSeverity + `":"`
	threatConfidence = `","` + catalog.ThreatConfidence + `":`
	threatAllowedBy  = `,"` + catalog.ThreatAllowedBy + `":"`
	threatMoreParts  = `,"` + catalog.ThreatMoreParts + `":`
	threatMoreFeeds  = `,"` + catalog.ThreatMoreFeeds + `":`

	partQueryName = "query_name"
	partAnswers   = "answers["
)

// maxFeeds is the maximum number of feed ids in a mark. A feed id has at most 64 bytes, so
// the number of feeds that list a name does not decide how long its records become.
const maxFeeds = 16

// detail says how much of a threat a mark has. Each has less than the one before it.
type detail int

const (
	full  detail = iota
	brief        // feeds are only counted, and allowed_by and more_parts are absent
	bare         // the member threat is absent
)

// appendLine appends the object, its mark and a line end.
func (m *Marker) appendLine(dst []byte) []byte {
	o := m.mark.Object
	if m.mark.AlreadyMarked {
		return append(appendFlat(dst, o.Bytes), '\n')
	}

	dst = appendFlat(dst, o.Bytes[:len(o.Bytes)-1])
	if !o.Empty {
		dst = append(dst, ',')
	}

	dst = append(dst, memberVerdict...)
	dst = append(dst, m.mark.Verdict...)
	if m.mark.Reason != "" {
		dst = append(dst, memberReason...)
		dst = append(dst, m.mark.Reason...)
	}

	dst = append(dst, '"')
	dst = append(dst, m.generation...)
	if m.mark.Threat != nil && m.detail != bare {
		dst = m.mark.Threat.append(dst, m.detail)
	}
	return append(dst, '}', '\n')
}

// append appends a comma and t as a member.
func (t *Threat) append(dst []byte, d detail) []byte {
	dst = appendString(append(dst, threatIndicator...), t.Match.Indicator)
	dst = append(append(dst, threatScope...), t.Match.Scope.String()...)
	dst = appendString(append(dst, threatMatched...), t.Matched)
	dst = t.Part.append(append(dst, threatPart...))
	dst = append(dst, threatFeeds...)
	feeds := t.Match.Feeds[:min(len(t.Match.Feeds), maxFeeds)]
	if d != full {
		feeds = nil
	}
	for i, feed := range feeds {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendString(dst, []byte(feed))
	}

	dst = appendString(append(dst, threatCategory...), []byte(t.Match.Category))
	dst = append(append(dst, threatSeverity...), t.Match.Severity.String()...)
	dst = strconv.AppendUint(append(dst, threatConfidence...), uint64(t.Match.Confidence), 10)
	if veto := &t.Match.AllowedBy; len(veto.Indicator) > 0 && d == full {
		// Listed names, blocks and feed ids contain nothing that needs an escape.
		dst = append(append(dst, threatAllowedBy...), veto.Indicator...)
		dst = append(append(append(dst, " ("...), veto.Feed...), `)"`...)
	}
	if t.moreParts > 0 && d == full {
		dst = strconv.AppendInt(append(dst, threatMoreParts...), int64(t.moreParts), 10)
	}
	if more := len(t.Match.Feeds) - len(feeds); more > 0 {
		dst = strconv.AppendInt(append(dst, threatMoreFeeds...), int64(more), 10)
	}
	return append(dst, '}')
}

func (p Part) append(dst []byte) []byte {
	if p == QueryName {
		return append(dst, partQueryName...)
	}
	return append(strconv.AppendInt(append(dst, partAnswers...), int64(p), 10), ']')
}

// appendFlat appends text and replaces each CR and LF with a space. JSON strings contain
// neither, so only white space between tokens changes.
func appendFlat(dst, text []byte) []byte {
	start := len(dst)
	dst = append(dst, text...)
	for _, lineEnd := range [...]byte{'\n', '\r'} {
		rest := dst[start:]
		for i := bytes.IndexByte(rest, lineEnd); i >= 0; i = bytes.IndexByte(rest, lineEnd) {
			rest[i] = ' '
			rest = rest[i+1:]
		}
	}
	return dst
}

// appendString appends text as a JSON string. It escapes everything that any reader takes
// for a line end, including U+2028 and U+2029.
func appendString(dst, text []byte) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		switch {
		case r == '"' || r == '\\':
			dst = append(dst, '\\', byte(r))
		case r < ' ' || r == 0x7f:
			dst = append(dst, '\\', 'u', '0', '0', hex[r>>4], hex[r&0xf])
		case r == utf8.RuneError:
			dst = append(dst, "\uFFFD"...)
		case r == '\u2028' || r == '\u2029':
			dst = append(dst, `\u202`...)
			dst = append(dst, hex[r&0xf])
		default:
			dst = append(dst, text[i:i+size]...)
		}
		i += size
	}
	return append(dst, '"')
}
