package feed

import (
	"bytes"
	"regexp"
	"strconv"
	"strings"

	"github.com/resolverwatch/resolverwatch/pkg/domainname"
	"github.com/resolverwatch/resolverwatch/pkg/jsonscan"
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

// byteOrderMark is the UTF-8 one, which editors put before the first line.
var byteOrderMark = []byte{0xef, 0xbb, 0xbf}

// archives that are not read, by their first bytes.
var archives = []struct{ name, magic string }{
	{"gzip", "\x1f\x8b"},
	{"zstd", "\x28\xb5\x2f\xfd"},
	{"zip", "PK\x03\x04"},
	{"zip", "PK\x05\x06"},
	{"bzip2", "BZh91AY&SY"},
	{"xz", "\xfd7zXZ\x00"},
	{"7z", "7z\xbc\xaf\x27\x1c"},
	{"rar", "Rar!\x1a\x07"},
	{"lz4", "\x04\x22\x4d\x18"},
	{"PDF", "%PDF-"},
}

// tarMagic stands at this offset of a tar archive (POSIX.1 ustar).
const (
	tarMagic  = "ustar"
	tarOffset = 257
)

// checkText refuses what is no text, or text that is no list. compressed says that
// head comes out of an archive.
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

func archiveName(head []byte) string {
	for _, archive := range archives {
		if bytes.HasPrefix(head, []byte(archive.magic)) {
			return archive.name
		}
	}
	if len(head) > tarOffset && bytes.HasPrefix(head[tarOffset:], []byte(tarMagic)) {
		return "tar"
	}
	return ""
}

// wideEncoding names UTF-16 and UTF-32, by their mark or by where ASCII has zeros.
func wideEncoding(head []byte) string {
	switch {
	case len(head) < 2:
		return ""
	case bytes.HasPrefix(head, []byte("\xff\xfe\x00\x00")), bytes.HasPrefix(head, []byte("\x00\x00\xfe\xff")):
		return "UTF-32"
	case head[0] == 0xff && head[1] == 0xfe, head[0] == 0xfe && head[1] == 0xff:
		return "UTF-16"
	}
	// Without a mark: of the first characters all are ASCII, so that every other
	// byte is zero, and only those.
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

// title finds what a page says it is: an HTML title, or the code of an S3 error.
var title = regexp.MustCompile(`(?is)<(?:title|code)[^>]*>([^<]{1,80})`)

const maxTitleSearch = 4 << 10 // bytes

func pageTitle(page []byte) string {
	if found := title.FindSubmatch(page[:min(len(page), maxTitleSearch)]); found != nil {
		return "it says " + strconv.Quote(string(bytes.TrimSpace(found[1])))
	}
	return "it begins with <"
}

// formatOfJSON tells MISP and STIX from other JSON by the members of the first object,
// as far as head shows them. What is known by one member alone is decided there.
func formatOfJSON(head []byte) Format {
	cursor := jsonscan.New(head)
	if cursor.Next() != '[' {
		return lookOfObject(&cursor, true)
	}
	if err := cursor.Open('['); err != nil {
		return JSON
	}
	if more, err := cursor.Element(); err != nil || !more {
		return JSON
	}
	return lookOfObject(&cursor, false)
}

// objectLook is what is seen of an object.
type objectLook struct {
	kind, id []byte // `type` and `id`
	list     bool   // there is an array `list`
	titled   bool   // there is a member that MISP has beside it
	other    bool   // there is a member that a warninglist does not have
}

// lookOfObject looks at the members of an object. alone says that nothing is around it,
// so that it may be a warninglist.
func lookOfObject(cursor *jsonscan.Cursor, alone bool) Format {
	if cursor.Next() != '{' || cursor.Open('{') != nil {
		return JSON
	}
	var look objectLook
	for {
		name, more, err := cursor.Member()
		if err != nil || !more {
			return look.decide(alone, err != nil)
		}
		if format := look.member(name.Raw(), cursor); format != "" {
			return format
		}
	}
}

// member looks at one member and returns the format if it decides. Behind the last one
// that head shows, the cursor fails at the next.
func (l *objectLook) member(name []byte, cursor *jsonscan.Cursor) Format {
	first := cursor.Next()
	nested := first == '{' || first == '['
	defer func() { _ = cursor.Skip() }() // an error shows at the next member
	switch string(name) {
	case "Event", "response", "Attribute", "Object":
		if nested {
			return MISP
		}
		l.other = true
	case "Orgc", "threat_level_id", "to_ids", "matching_attributes":
		return MISP
	case "spec_version", "pattern_type":
		return STIX
	case "objects":
		if first == '[' && isSTIXArray(*cursor) {
			return STIX
		}
		l.other = true
	case "type", "id":
		return l.word(name, *cursor)
	case "list":
		l.list = first == '['
	case "name", "description", "version":
		l.titled = true
	default:
		l.other = true
	}
	return ""
}

// word looks at the type and the id of an object. In STIX the id begins with the type.
func (l *objectLook) word(name []byte, cursor jsonscan.Cursor) Format {
	text, err := cursor.Text()
	if err != nil {
		return ""
	}
	if string(name) == "id" {
		l.id = text.Raw()
		l.other = true
	} else {
		l.kind = text.Raw()
	}
	if before, _, found := bytes.Cut(l.id, []byte("--")); found && (string(before) == "bundle" || bytes.Equal(before, l.kind)) {
		return STIX
	}
	if string(l.kind) == "bundle" {
		return STIX
	}
	return ""
}

// isSTIXArray reports whether the first object of an array is one of STIX.
func isSTIXArray(cursor jsonscan.Cursor) bool {
	if cursor.Open('[') != nil {
		return false
	}
	more, err := cursor.Element()
	return err == nil && more && lookOfObject(&cursor, false) == STIX
}

// decide is for objects in which no member decided. Of a warninglist the list may be all
// that head shows, because it stands before the type.
func (l *objectLook) decide(alone, cut bool) Format {
	switch {
	case !alone || !l.list:
		return JSON
	case len(l.kind) > 0 && matchingOf(l.kind) != matchOther:
		return MISP
	case cut && len(l.kind) == 0 && l.titled && !l.other:
		return MISP
	}
	return JSON
}
