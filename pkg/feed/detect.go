package feed

import (
	"bytes"
	"strings"

	"github.com/resolverwatch/resolverwatch/pkg/domainname"
)

// votes is how many entries decide about the format.
const votes = 200

// Detect finds the format of an uncompressed list by its first bytes, of which
// 256 KiB are enough. JSON shows in the first character, and MISP and STIX in the members
// of its first object; otherwise the format that most of the first entries look like
// wins. File names do not matter: lists of every
// format are published as `.txt`.
//
// The error is a [*RefusedError] over [ErrEmpty], [ErrUnknownFormat], or what says
// that head is no text of a list: [ErrPage], [ErrEncoding], [ErrBinary], [ErrArchive].
func Detect(head []byte) (Format, error) {
	return choose(bytes.TrimPrefix(head, byteOrderMark), "", false)
}

// choose checks that head is the text of a list in the wanted format, or finds one.
func choose(head []byte, wanted Format, compressed bool) (Format, error) {
	if err := checkText(head, compressed); err != nil {
		return wanted, err
	}
	begins := looksLikeJSON(head)
	switch {
	case wanted == "" && begins:
		return formatOfJSON(head), nil
	case wanted == "":
		return vote(head)
	case begins && !wanted.isJSON():
		return wanted, refuse(ErrWrongFormat, 1, "JSON, not %s", wanted)
	}
	if text := trimLeft(head); wanted.isJSON() && len(text) > 0 && strings.IndexByte(`{["`, text[0]) < 0 {
		return wanted, refuse(ErrWrongFormat, 1, "no JSON object or array")
	}
	return wanted, nil
}

// looksLikeJSON tells JSON from `[Adblock Plus 2.0]` and `[2001:db8::1]`.
func looksLikeJSON(head []byte) bool {
	text := trimLeft(head)
	if len(text) == 0 {
		return false
	}
	if text[0] == '{' {
		return true
	}
	after := trimLeft(text[1:])
	return text[0] == '[' && (len(after) == 0 || strings.IndexByte(`{["]`, after[0]) >= 0)
}

// vote counts what the first entries look like.
func vote(head []byte) (Format, error) {
	ballot := map[Format]int{}
	number, voted, unknown, size := 0, 0, 0, len(head)
	var example []byte
	for len(head) > 0 && voted < votes {
		var line []byte
		line, head, _ = bytes.Cut(head, []byte{'\n'})
		number++
		text := trim(line)
		if len(text) == 0 {
			continue
		}
		if voted == 0 && layoutOfHeading(text, "") != nil {
			return CSV, nil
		}
		format := lookOf(text)
		switch {
		case format != "":
			ballot[format]++
			voted++
		case !isComment(text) && unknown == 0:
			unknown, example = number, text
		}
	}
	switch {
	case voted > 0:
		return mostVoted(ballot), nil
	case unknown > 0:
		return "", refuse(ErrUnknownFormat, unknown, "%q", shown(example))
	case size >= windowBytes-len(byteOrderMark):
		return "", refuse(ErrUnknownFormat, 0, "comments alone in the first %d bytes", size)
	}
	return "", refuse(ErrEmpty, 0, "")
}

// mostVoted prefers, among formats with as many votes, the one that is harder to
// take for another.
func mostVoted(ballot map[Format]int) (winner Format) {
	for _, format := range []Format{Adblock, Dnsmasq, Unbound, BIND, RPZ, Hosts, CSV, Wildcard, Plain} {
		if ballot[format] > ballot[winner] {
			winner = format
		}
	}
	return winner
}

// lookOf returns the format that a line looks like, or none.
func lookOf(text []byte) Format {
	switch {
	case isAdblockLook(text):
		return Adblock
	case isComment(text):
		return ""
	case hasAnyPrefix(text, "address=/", "server=/", "local=/"):
		return Dnsmasq
	case hasAnyPrefix(text, "local-zone:", "local-data:"):
		return Unbound
	case hasAnyPrefix(text, `zone "`, "zone '"):
		return BIND
	case isZoneLine(text):
		return RPZ
	}
	return lookOfWords(cutComment(text))
}

// lookOfWords tells the formats apart that have no words of their own.
func lookOfWords(text []byte) Format {
	word, rest := cutWord(text)
	_, isURL := cutScheme(word)
	switch {
	case isURL && len(rest) == 0: // with any commas it has
		return Plain
	case isAddress(word) && bytes.IndexByte(word, '/') < 0 && len(rest) > 0 && rest[0] != ',':
		return Hosts
	case looksLikeTable(text):
		return CSV
	case len(rest) > 0:
		return ""
	case bytes.HasPrefix(word, []byte("*.")):
		return Wildcard
	case simple[word[0]] || word[0] >= 0x80 || strings.IndexByte("/[:", word[0]) >= 0:
		return Plain
	}
	return ""
}

func isAdblockLook(text []byte) bool {
	if hasAnyPrefix(text, "||", "@@", "|http", "[Adblock", "[AdGuard", "[uBlock") {
		return true
	}
	return text[0] != '/' && bytes.IndexByte(text, '#') >= 0 && isCosmetic(text)
}

// isZoneLine knows the directives of zone files and records with a type that no
// name is likely to be, with an owner name or, after white space, without.
func isZoneLine(text []byte) bool {
	if hasAnyPrefix(text, "$TTL", "$ORIGIN") {
		return true
	}
	owner, rest := cutWord(cutZoneComment(text))
	kind, data := cutRecord(rest)
	if recordType(owner) != "" && kind == "" || len(data) == 0 {
		return false
	}
	if kind == "A" || kind == "AAAA" { // `192.0.2.1 a b` is a hosts line
		_, err := parseAddress(data)
		return err == nil
	}
	return kind != ""
}

// looksLikeTable reports whether a line has several cells, or is quoted whole.
func looksLikeTable(text []byte) bool {
	if text[0] == '"' && bytes.IndexByte(text, ',') < 0 {
		return text[len(text)-1] == '"'
	}
	separator := separatorOf(text)
	cells, err := splitRow(text, separator)
	if err != nil || len(cells) < 2 {
		return false
	}
	for _, cell := range cells {
		if isIndicatorLook(cell) {
			return true
		}
	}
	return false
}

// isIndicatorLook reports whether a cell is a URL, an address, or a name with a dot.
func isIndicatorLook(cell []byte) bool {
	if len(cell) == 0 {
		return false
	}
	t := parseTarget(cell)
	switch {
	case t.block.IsValid():
		return true
	case t.host == nil || bytes.IndexByte(t.host, '.') < 0:
		return false
	}
	_, err := domainname.Parse(string(t.host))
	return err == nil
}

func hasAnyPrefix(text []byte, prefixes ...string) bool {
	for _, prefix := range prefixes {
		if bytes.HasPrefix(text, []byte(prefix)) {
			return true
		}
	}
	return false
}
