package feed

import (
	"bytes"
	"slices"
	"strings"

	"github.com/resolverwatch/resolverwatch/pkg/feed/foreign"
	"github.com/resolverwatch/resolverwatch/pkg/feed/spool"
	"github.com/resolverwatch/resolverwatch/pkg/jsonscan"
)

// maxVotes is how many entries vote on the format.
const maxVotes = 1000

// Detect returns the format of an uncompressed list, given the list or its first bytes. JSON is
// recognized by its first character, and MISP and STIX by the members of the first object. A
// line that a format defines for its start, such as `[Adblock Plus 2.0]`, decides alone.
// Otherwise each of the entries votes for the format it looks like, and the majority wins.
// Comments never vote. File names are not considered, because lists of every format are
// published as `.txt`.
//
// [Parse] lets entries of the whole list vote, so that a long list may differ from its start.
//
// The error is a [*RefusedError] that wraps [ErrEmpty] or [ErrUnknownFormat], or one of
// [ErrPage], [ErrForeign], [ErrEncoding], [ErrBinary] and [ErrArchive] if text is not a list.
func Detect(text []byte) (Format, error) {
	return chooseFormat(&opening{sample: spool.Whole(bytes.TrimPrefix(text, byteOrderMark))}, &Options{}, false)
}

// chooseFormat checks that a list can be read, and returns the format: the one that is set in
// the options, or the one that the sample looks like.
func chooseFormat(opened *opening, o *Options, compressed bool) (Format, error) {
	s := opened.sample
	startsJSON := looksLikeJSON(s.Head)
	wanted := o.Format
	if wanted == "" && o.Column != "" { // only tables and JSON have columns
		wanted = CSV
		if startsJSON {
			wanted = JSON
		}
	}
	if err := checkText(s.Head, compressed); err != nil {
		return wanted, err
	}

	switch {
	case wanted == "" && startsJSON:
		return detectJSON(s.Head), nil
	case wanted == "":
		if kind := foreign.Name(s.Head); kind != "" {
			return "", refuseForeign(kind)
		}
		if format := declaredFormat(s.Head); format != "" {
			return format, nil
		}
		return countVotes(opened)
	case startsJSON && !wanted.isJSON():
		return wanted, refuse(ErrWrongFormat, 1, "JSON, not %s", wanted)
	}
	if text := trimLeft(s.Head); wanted.isJSON() && len(text) > 0 && strings.IndexByte(`{["`, text[0]) < 0 {
		return wanted, refuse(ErrWrongFormat, 1, "not a JSON object or array")
	}
	return wanted, nil
}

// checkText refuses anything that is not text, or is the text of something other than a
// list. compressed reports whether head came out of an archive.
func checkText(head []byte, compressed bool) error {
	if name := archiveName(head); name != "" {
		if compressed {
			return refuse(ErrNested, 0, "%s", name)
		}
		return refuse(ErrArchive, 0, "%s", name)
	}
	if name := foreign.Encoding(head); name != "" {
		return refuse(ErrEncoding, 0, "%s", name)
	}
	if i := bytes.IndexByte(head, 0); i >= 0 {
		return refuse(ErrBinary, 1+bytes.Count(head[:i], []byte{'\n'}), "NUL at byte %d", i)
	}
	text, line := trimLeft(head), 1
	if len(text) > 0 && isComment(text) {
		text, line = skipComments(head)
	}
	if len(text) == 0 || text[0] != '<' {
		return nil
	}
	if kind := foreign.Markup(text); kind != "" {
		return refuseForeign(kind)
	}
	return refuse(ErrPage, line, "%s", foreign.PageTitle(text))
}

// skipComments returns the text after the comments and blank lines at its start, and the number
// of its first line.
func skipComments(text []byte) (rest []byte, number int) {
	for number = 1; ; number++ {
		line, after, found := bytes.Cut(text, []byte{'\n'})
		if line = trim(line); len(line) > 0 && !isComment(line) || !found {
			return trimLeft(text), number
		}
		text = after
	}
}

// declaredFormat returns the format that a line at the start of a list declares, or "".
func declaredFormat(head []byte) Format {
	for len(head) > 0 {
		var line []byte
		line, head, _ = bytes.Cut(head, []byte{'\n'})
		text := trim(line)
		switch {
		case len(text) == 0:
			continue
		case startsAdblock(text):
			return Adblock
		case hasAnyPrefix(text, zeekFields+"\t", zeekFields+" "):
			return CSV
		case isComment(text):
			continue
		case hasAnyPrefix(text, "$TTL", "$ORIGIN", "$INCLUDE"), startsZone(text):
			return RPZ
		case string(text) == "server:":
			return Unbound
		}
		return ""
	}
	return ""
}

// startsAdblock reports whether a line is the heading of an Adblock list.
func startsAdblock(text []byte) bool {
	start := bytes.ToLower(text[:min(len(text), len("[adblock plus"))])
	return hasAnyPrefix(start, "[adblock", "[adguard", "[ublock", "! title:", "!title:")
}

// startsZone reports whether a line is the SOA record of a zone file.
func startsZone(text []byte) bool {
	owner, rest := cutWord(cutZoneComment(text))
	recordType, _ := cutRecord(rest)
	return string(owner) == "@" && recordType == "SOA"
}

// countVotes returns the format that most of the entries look like.
func countVotes(opened *opening) (Format, error) {
	s, table := opened.sample, opened.table("")
	if table.hasHeading() {
		return CSV, nil
	}
	lines := make([][]byte, 0, s.Count())
	s.EachLine(func(line []byte) bool {
		if text := trim(line); len(text) > 0 {
			lines = append(lines, text)
		}
		return true
	})

	votes := newVotes(table)
	for _, i := range spool.Pick(len(lines), maxVotes) {
		votes.add(lines[i])
	}
	switch {
	case votes.total > 0:
		return votes.winner(), nil
	case votes.unknown != nil:
		return "", refuse(ErrUnknownFormat, lineOf(s.Head, votes.unknown), "%q", shown(votes.unknown))
	case len(s.Head) >= windowBytes-len(byteOrderMark):
		return "", refuse(ErrUnknownFormat, 0, "nothing but comments in the first %d bytes, or in the samples after them", len(s.Head))
	}
	return "", refuse(ErrEmpty, 0, "")
}

// lineOf returns the number of the line in the head that has the text, or 0.
func lineOf(head, text []byte) int {
	at := bytes.Index(head, text)
	if at < 0 {
		return 0
	}
	return 1 + bytes.Count(head[:at], []byte{'\n'})
}

// votes counts what the entries of a list look like.
type votes struct {
	table   *tableText
	formats map[Format]int
	total   int
	rules   int // of Adblock, with `||` or `@@`
	urls    int // lines that are a URL, perhaps with cells after it
	rows    int // of these, lines with as many cells as most rows
	zeros   int // lines of hosts files that may be rows of a table, with a 0 as the first cell
	unknown []byte
}

func newVotes(table *tableText) *votes { return &votes{table: table, formats: map[Format]int{}} }

// add lets a line vote, unless it is a comment.
func (v *votes) add(text []byte) {
	if isComment(text) && !looksLikeAdblock(text) {
		return
	}
	format := guessLine(text)
	switch {
	case format == "":
		if v.unknown == nil {
			v.unknown = text
		}
		return
	case format == Adblock && hasAnyPrefix(text, "||", "@@"):
		v.rules++
	case format == Plain:
		v.addURL(text)
	case format == Hosts && startsShortLine(cutWord(text)) && looksLikeTable(text):
		v.zeros++
	}
	v.formats[format]++
	v.total++
}

// addURL counts a URL. Commas may separate it from other cells, or belong to it.
func (v *votes) addURL(text []byte) {
	if _, isURL := cutScheme(text); !isURL {
		return
	}
	v.urls++
	width := v.table.width()
	if cells, err := splitRow(text, v.table.separator); err == nil && len(cells) > 1 && len(cells) == width {
		v.rows++
	}
}

// voteOrder has the formats that entries can vote for. In a tie the first one wins, which is
// harder to mistake for another.
var voteOrder = []Format{Adblock, Dnsmasq, Unbound, BIND, RPZ, Hosts, CSV, Wildcard, Plain}

// winner returns the format with the most votes.
func (v *votes) winner() (winner Format) {
	const few = 2
	if v.urls >= few && 5*v.rows >= 4*v.urls { // they are the first cells of rows
		v.formats[Plain] -= v.rows
		v.formats[CSV] += v.rows
	}
	if v.formats[CSV] > 0 && v.zeros == v.formats[Hosts] { // the rows are numbered
		v.formats[Hosts] = 0
		v.formats[CSV] += v.zeros
	}
	if plain := v.formats[Plain]; v.rules >= few && 20*v.rules >= plain && plain+v.formats[Adblock] == v.total {
		return Adblock // which may also have bare names
	}
	for _, format := range voteOrder {
		if v.formats[format] > v.formats[winner] {
			winner = format
		}
	}
	return winner
}

// guessLine returns the format that a line looks like, or "" if it could be any.
func guessLine(text []byte) Format {
	if format := guessRule(text); format != "" {
		return format
	}
	return guessWords(cutComment(text))
}

// guessRule recognizes the formats that have keywords.
func guessRule(text []byte) Format {
	switch {
	case looksLikeAdblock(text):
		return Adblock
	case hasAnyPrefix(text, "address=/", "server=/", "local=/"):
		return Dnsmasq
	case hasAnyPrefix(text, "local-zone:", "local-data:"):
		return Unbound
	case hasAnyPrefix(text, `zone "`, "zone '"):
		return BIND
	case looksLikeZoneFile(text):
		return RPZ
	}
	return ""
}

// guessWords distinguishes the formats that have no keywords.
func guessWords(text []byte) Format {
	word, rest := cutWord(text)
	_, isURL := cutScheme(word)
	switch {
	case isURL && len(rest) == 0: // commas in it may separate cells, or not
		return Plain
	case isAddress(word) && bytes.IndexByte(word, '/') < 0 && startsName(rest, textLeadsNowhere(word)):
		return Hosts
	case startsShortLine(word, rest):
		return Hosts
	case looksLikeTable(text):
		return CSV
	case len(rest) > 0:
		return ""
	case bytes.ContainsAny(word, ",;|"): // cells without an indicator
		return ""
	case bytes.HasPrefix(word, []byte("*.")):
		return Wildcard
	case isNameByte[word[0]] || word[0] >= 0x80 || strings.IndexByte("/[:", word[0]) >= 0:
		return Plain
	}
	return ""
}

func looksLikeAdblock(text []byte) bool {
	if hasAnyPrefix(text, "||", "@@", "|http", "[Adblock", "[AdGuard", "[uBlock") {
		return true
	}
	return text[0] != '/' && bytes.IndexByte(text, '#') >= 0 && isCosmetic(text)
}

// looksLikeZoneFile recognizes the directives of zone files, and records of a type that is
// unlikely to be a name. A record that starts with white space has no owner name.
func looksLikeZoneFile(text []byte) bool {
	if hasAnyPrefix(text, "$TTL", "$ORIGIN") {
		return true
	}
	owner, rest := cutWord(cutZoneComment(text))
	recordType, data := cutRecord(rest)
	if parseRecordType(owner) != "" && recordType == "" || len(data) == 0 {
		return false
	}
	if recordType == "A" || recordType == "AAAA" { // `192.0.2.1 a b` is a line of a hosts file
		_, err := parseAddress(data)
		return err == nil
	}
	return recordType != ""
}

// looksLikeTable reports whether a line has several cells, or is one quoted cell.
func looksLikeTable(text []byte) bool {
	if text[0] == '"' && text[len(text)-1] == '"' {
		if cells, err := splitRow(text, ','); err == nil && len(cells) == 1 {
			return true
		}
	}
	for i := range len(separators) {
		cells, err := splitRow(text, separators[i])
		if err == nil && len(cells) > 1 && slices.ContainsFunc(cells, looksLikeIndicator) {
			return true
		}
	}
	return false
}

func hasAnyPrefix(text []byte, prefixes ...string) bool {
	for _, prefix := range prefixes {
		if bytes.HasPrefix(text, []byte(prefix)) {
			return true
		}
	}
	return false
}

// looksLikeJSON reports whether head starts a JSON object or array, as opposed to
// `[Adblock Plus 2.0]` or `[2001:db8::1]`.
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

// detectJSON distinguishes MISP, STIX and other JSON by the members of the first object, as
// far as head contains them. Most formats are decided by a single member.
func detectJSON(head []byte) Format {
	cursor := jsonscan.New(head)
	if cursor.Next() != '[' {
		return detectObject(&cursor, true)
	}
	if err := cursor.Open('['); err != nil {
		return JSON
	}
	if more, err := cursor.Element(); err != nil || !more {
		return JSON
	}
	return detectObject(&cursor, false)
}

// detectObject looks at the members of an object. Only an object that is the whole document
// can be a warninglist.
func detectObject(cursor *jsonscan.Cursor, isDocument bool) Format {
	if cursor.Next() != '{' || cursor.Open('{') != nil {
		return JSON
	}
	var clues objectClues
	for {
		name, more, err := cursor.Member()
		if err != nil || !more {
			return clues.decide(isDocument, err != nil)
		}
		if format := clues.addMember(name.Raw(), cursor); format != "" {
			return format
		}
	}
}

// objectClues is what the members of an object say about its format.
type objectClues struct {
	objectType, id []byte // `type` and `id`
	hasList        bool   // it has an array `list`
	hasTitle       bool   // it has a name, a description or a version, as warninglists do
	hasOther       bool   // it has a member that warninglists do not have
}

// addMember looks at one member, and returns the format if that decides it. If head ends
// within the member, the cursor fails at the next one.
func (l *objectClues) addMember(name []byte, cursor *jsonscan.Cursor) Format {
	first := cursor.Next()
	nested := first == '{' || first == '['
	defer func() { _ = cursor.Skip() }() // an error shows up at the next member

	switch string(name) {
	case "Event", "response", "Attribute", "Object":
		if nested {
			return MISP
		}
		l.hasOther = true
	case "Orgc", "threat_level_id", "to_ids", "matching_attributes":
		return MISP
	case "spec_version", "pattern_type":
		return STIX
	case "objects":
		if first == '[' && isSTIXArray(*cursor) {
			return STIX
		}
		l.hasOther = true
	case "type", "id":
		return l.addText(name, *cursor)
	case "list":
		l.hasList = first == '['
	case "name", "description", "version":
		l.hasTitle = true
	default:
		l.hasOther = true
	}
	return ""
}

// addText looks at the type or the id of an object. In STIX the id starts with the type.
func (l *objectClues) addText(name []byte, cursor jsonscan.Cursor) Format {
	text, err := cursor.Text()
	if err != nil {
		return ""
	}
	if string(name) == "id" {
		l.id = text.Raw()
		l.hasOther = true
	} else {
		l.objectType = text.Raw()
	}

	prefix, _, found := bytes.Cut(l.id, []byte("--"))
	if found && (string(prefix) == "bundle" || bytes.Equal(prefix, l.objectType)) {
		return STIX
	}
	if string(l.objectType) == "bundle" {
		return STIX
	}
	return ""
}

// decide returns the format if no single member decided it. cut reports whether head ended
// within the object: the list of a warninglist comes before its type and may fill head.
func (l *objectClues) decide(isDocument, cut bool) Format {
	switch {
	case !isDocument || !l.hasList:
		return JSON
	case len(l.objectType) > 0 && parseMatching(l.objectType) != matchOther:
		return MISP
	case cut && len(l.objectType) == 0 && l.hasTitle && !l.hasOther:
		return MISP
	}
	return JSON
}

// isSTIXArray reports whether the first object of an array is a STIX object.
func isSTIXArray(cursor jsonscan.Cursor) bool {
	if cursor.Open('[') != nil {
		return false
	}
	more, err := cursor.Element()
	return err == nil && more && detectObject(&cursor, false) == STIX
}
