package feed

import (
	"bytes"
	"regexp"
	"strconv"
	"strings"

	"github.com/resolverwatch/resolverwatch/pkg/domainname"
	"github.com/resolverwatch/resolverwatch/pkg/jsonscan"
)

// maxVotes is how many entries vote on the format.
const maxVotes = 200

// Detect returns the format of an uncompressed list, given its first bytes; 256 KiB are
// enough. JSON is recognized by its first character, and MISP and STIX by the members of
// the first object. Otherwise each of the first entries votes for the format it looks like,
// and the majority wins. File names are not considered, because lists of every format are
// published as `.txt`.
//
// The error is a [*RefusedError] that wraps [ErrEmpty] or [ErrUnknownFormat], or one of
// [ErrPage], [ErrEncoding], [ErrBinary] and [ErrArchive] if head is not the text of a list.
func Detect(head []byte) (Format, error) {
	return chooseFormat(bytes.TrimPrefix(head, byteOrderMark), &Options{}, false)
}

// chooseFormat checks that head can be the start of a list, and returns the format: the one
// that is set in the options, or the one that head looks like.
func chooseFormat(head []byte, o *Options, compressed bool) (Format, error) {
	startsJSON := looksLikeJSON(head)
	wanted := o.Format
	if wanted == "" && o.Column != "" { // only tables and JSON have columns
		wanted = CSV
		if startsJSON {
			wanted = JSON
		}
	}
	if err := checkText(head, compressed); err != nil {
		return wanted, err
	}

	switch {
	case wanted == "" && startsJSON:
		return detectJSON(head), nil
	case wanted == "":
		return countVotes(head)
	case startsJSON && !wanted.isJSON():
		return wanted, refuse(ErrWrongFormat, 1, "JSON, not %s", wanted)
	}
	if text := trimLeft(head); wanted.isJSON() && len(text) > 0 && strings.IndexByte(`{["`, text[0]) < 0 {
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
	if name := wideEncoding(head); name != "" {
		return refuse(ErrEncoding, 0, "%s", name)
	}
	if i := bytes.IndexByte(head, 0); i >= 0 {
		return refuse(ErrBinary, 1+bytes.Count(head[:i], []byte{'\n'}), "NUL at byte %d", i)
	}
	if text := trimLeft(head); len(text) > 0 && text[0] == '<' {
		return refuse(ErrPage, 1, "%s", pageTitle(text))
	}
	return nil
}

// wideEncoding returns the name of the encoding if head is UTF-16 or UTF-32, and "" if not.
func wideEncoding(head []byte) string {
	switch {
	case len(head) < 2:
		return ""
	case bytes.HasPrefix(head, []byte("\xff\xfe\x00\x00")), bytes.HasPrefix(head, []byte("\x00\x00\xfe\xff")):
		return "UTF-32"
	case head[0] == 0xff && head[1] == 0xfe, head[0] == 0xfe && head[1] == 0xff:
		return "UTF-16"
	}

	// Without a byte order mark, it is UTF-16 if the first characters are all ASCII:
	// every other byte is zero, and only those are.
	const characters = 8
	if len(head) < 2*characters {
		return ""
	}
	zeros := [2]int{}
	for i, c := range head[:2*characters] {
		if c == 0 {
			zeros[i%2]++
		}
	}
	if zeros == [2]int{0, characters} || zeros == [2]int{characters, 0} {
		return "UTF-16 without a byte order mark"
	}
	return ""
}

// title matches the title of an HTML page, or the code of an S3 error.
var title = regexp.MustCompile(`(?is)<(?:title|code)[^>]*>([^<]{1,80})`)

const maxTitleSearch = 4 << 10 // bytes

func pageTitle(page []byte) string {
	if found := title.FindSubmatch(page[:min(len(page), maxTitleSearch)]); found != nil {
		return "it says " + strconv.Quote(string(bytes.TrimSpace(found[1])))
	}
	return "it begins with <"
}

// countVotes returns the format that most of the first entries look like.
func countVotes(head []byte) (Format, error) {
	votes := map[Format]int{}
	number, voted, unknown, size := 0, 0, 0, len(head)
	var example []byte
	for len(head) > 0 && voted < maxVotes {
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

		format := guessLine(text)
		switch {
		case format != "":
			votes[format]++
			voted++
		case !isComment(text) && unknown == 0:
			unknown, example = number, text
		}
	}

	switch {
	case voted > 0:
		return winnerOf(votes), nil
	case unknown > 0:
		return "", refuse(ErrUnknownFormat, unknown, "%q", shown(example))
	case size >= windowBytes-len(byteOrderMark):
		return "", refuse(ErrUnknownFormat, 0, "nothing but comments in the first %d bytes", size)
	}
	return "", refuse(ErrEmpty, 0, "")
}

// winnerOf returns the format with the most votes. In a tie, the format that is harder to
// mistake for another wins.
func winnerOf(votes map[Format]int) (winner Format) {
	for _, format := range []Format{Adblock, Dnsmasq, Unbound, BIND, RPZ, Hosts, CSV, Wildcard, Plain} {
		if votes[format] > votes[winner] {
			winner = format
		}
	}
	return winner
}

// guessLine returns the format that a line looks like, or "" if it could be any.
func guessLine(text []byte) Format {
	switch {
	case looksLikeAdblock(text):
		return Adblock
	case isComment(text):
		return ""
	case hasAnyPrefix(text, "address=/", "server=/", "local=/"):
		return Dnsmasq
	case hasAnyPrefix(text, "local-zone:", "local-data:"):
		return Unbound
	case hasAnyPrefix(text, `zone "`, "zone '"):
		return BIND
	case looksLikeZoneFile(text):
		return RPZ
	}
	return guessWords(cutComment(text))
}

// guessWords distinguishes the formats that have no keywords.
func guessWords(text []byte) Format {
	word, rest := cutWord(text)
	_, isURL := cutScheme(word)
	switch {
	case isURL && len(rest) == 0: // commas in it do not separate cells
		return Plain
	case isAddress(word) && bytes.IndexByte(word, '/') < 0 && len(rest) > 0 && rest[0] != ',':
		return Hosts
	case startsShortLine(word, rest):
		return Hosts
	case looksLikeTable(text):
		return CSV
	case len(rest) > 0:
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
	if text[0] == '"' && bytes.IndexByte(text, ',') < 0 {
		return text[len(text)-1] == '"'
	}
	cells, err := splitRow(text, separatorOf(text))
	if err != nil || len(cells) < 2 {
		return false
	}
	for _, cell := range cells {
		if looksLikeIndicator(cell) {
			return true
		}
	}
	return false
}

// looksLikeIndicator reports whether a cell is a URL, an address, or a name with a dot.
func looksLikeIndicator(cell []byte) bool {
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
