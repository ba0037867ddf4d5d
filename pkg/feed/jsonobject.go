package feed

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/resolverwatch/resolverwatch/pkg/feed/column"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/jsonscan"
)

// shownMembers is how many names of members an error about an unknown object shows.
const shownMembers = 8

var (
	errNoMember  = errors.New("object has no member with a name, URL or address")
	errNotArray  = errors.New("not an array")
	errNotObject = errors.New("not an object")
	errNotString = errors.New("neither a string nor an object")
	errFlag      = errors.New("neither true nor false")
	errNoType    = errors.New("type is missing")
	errNoValue   = errors.New("value is missing")
)

// jsonEntries is shared by the readers of JSON, MISP and STIX lists: the stream, the
// collector, and a count of the entries whose structure is unknown.
type jsonEntries struct {
	in      *jsonStream
	c       *collector
	unknown int      // entries with an unknown structure
	members []string // of the first of them
}

func newJSONEntries(in *window, c *collector) *jsonEntries {
	return &jsonEntries{in: newJSONStream(in), c: c}
}

// finish returns the error that ended the walk. A list in which the structure of every entry
// is unknown is refused.
func (e *jsonEntries) finish(err error) error {
	e.c.line = e.in.lineCount()
	if err == nil && e.unknown > 0 && e.unknown == e.c.counts.entries {
		return refuse(ErrUnknownJSON, 0, "it has %s", cmp.Or(strings.Join(e.members, ", "), "no members"))
	}
	return atLine(err, e.c.line)
}

// each calls visit for each element of an array. A value that is not an array counts as the
// only element.
func (e *jsonEntries) each(visit func() error) error {
	if skipped, err := e.skipNull(); skipped || err != nil {
		return err
	}
	first, err := e.in.peek()
	switch {
	case err != nil:
		return err
	case first == '[':
		return e.in.eachElement(visit)
	}
	return visit()
}

// skipNull consumes a null, and reports whether there was one.
func (e *jsonEntries) skipNull() (bool, error) {
	first, err := e.in.peek()
	if err != nil || first != 'n' {
		return false, err
	}
	return true, e.in.skipValue()
}

// rejectNonObject rejects the next value, which should be an object.
func (e *jsonEntries) rejectNonObject() error {
	e.c.line = e.in.line
	text, err := e.in.readValue()
	if err != nil {
		return err
	}
	e.rejectUnknown(text, errNotObject, []string{strconv.Quote(shown(text))})
	return e.c.err
}

// rejectUnknown rejects an entry with an unknown structure.
func (e *jsonEntries) rejectUnknown(text []byte, err error, members []string) {
	if e.unknown == 0 {
		e.members = members[:min(len(members), shownMembers)]
	}
	e.unknown++
	e.c.reject(text, err)
}

// rejectMembers rejects an object with an unknown structure, given the names of its members.
func (e *jsonEntries) rejectMembers(names []string) {
	e.rejectUnknown(objectText(names), errNoMember, names)
}

// objectText shows an object whose text is no longer in the window by the names of its members.
func objectText(names []string) []byte { return []byte("{" + strings.Join(names, ", ") + "}") }

// listKind is what a member of an object says about the array in it.
type listKind uint8

const (
	noList        listKind = iota
	entryList              // entries
	exceptionList          // exceptions from the other entries of the object
	listKinds
)

// jsonList is an array of entries, or an object of such arrays, that is being read.
type jsonList struct {
	name    string
	excepts bool // its entries are exceptions
	why     Skip // the reason to skip all of its entries
}

// blockWords and exceptionWords are the names of members whose arrays hold what a list blocks,
// and what it lets through. They come from the phishing lists of wallets and from the
// configurations of proxies and resolvers.
var (
	blockWords     = []string{"deny", "denied", "denylist", "blacklist", "blacklisted", "block", "blocked", "blocklist"}
	exceptionWords = []string{
		"allow", "allowed", "allowlist", "whitelist", "whitelisted", "safelist", "passlist",
		"exception", "exceptions", "exclude", "excluded", "excludes", "exclusions", "exempt", "exempted",
		"ignore", "ignored", "unblock", "unblocked",
	}
	// listNouns may stand before or after such a word, as in blocked_domains.
	listNouns = []string{"domains", "domain", "hostnames", "hosts", "host", "names", "urls", "url", "addresses", "ips", "ip", "entries"}
)

// listWord returns the name of a member in lower case without what parts its words.
func listWord(name string) string {
	return strings.NewReplacer("_", "", "-", "", " ", "").Replace(strings.ToLower(name))
}

// isListWord reports whether a name is one of words, perhaps with a noun.
func isListWord(name string, words []string) bool {
	name = listWord(name)
	return slices.Contains(words, name) || slices.ContainsFunc(listNouns, func(noun string) bool {
		before, isBefore := strings.CutPrefix(name, noun)
		after, isAfter := strings.CutSuffix(name, noun)
		return isBefore && slices.Contains(words, before) || isAfter && slices.Contains(words, after)
	})
}

// kindOfList returns what the value of a member is, given its first byte. The column that the
// user names may be an array too.
func (o *Options) kindOfList(name string, first byte) listKind {
	kind := partOfList(name, first)
	if first == '[' && (o.isColumn(name) || kind == noList && isContainer(name)) {
		return entryList
	}
	return kind
}

// isColumn reports whether the member is the column that the user names.
func (o *Options) isColumn(name string) bool {
	return o.Column != "" && listWord(name) == listWord(o.Column)
}

// readList reads the entries of an array, or of each array in an object.
func (r *jsonReader) readList(name string, kind listKind, isObject bool) error {
	defer r.enter(name, kind)()
	if isObject {
		return r.readLists()
	}
	return r.in.eachElement(r.readElement)
}

// enter makes an array of entries the current one. The function that it returns goes back.
func (r *jsonReader) enter(name string, kind listKind) (leave func()) {
	outer, allows := r.list, r.c.allows
	r.list = jsonList{name: name, excepts: kind == exceptionList}
	r.c.allows = allows || r.list.excepts
	if r.c.options.Action == indicator.ActionAllow && !r.c.options.isColumn(name) && isListWord(name, blockWords) {
		r.list.why = SkipBlocked
	}
	return func() { r.list, r.c.allows = outer, allows }
}

// wrappers are the members of a top-level object that may hold the two parts of a list in an
// object of their own.
var wrappers = []string{"lists", "list", "data", "result", "response", "config", "rules", "domains", "hosts"}

func isWrapper(name string) bool { return slices.Contains(wrappers, listWord(name)) }

// readWrapper reads the lists in an object that is a member of a top-level one. Only what is
// called blocked or allowed counts: reports about a web page have lists of the domains it uses.
func (r *jsonReader) readWrapper(wrapper string, row *memberRow) (listKind, error) {
	var lists [listKinds]bool
	err := r.in.eachMember(func(name []byte) error {
		first, err := r.in.peek()
		if err != nil {
			return err
		}
		kind := partOfList(string(name), first)
		lists[kind] = true
		if kind == noList {
			return r.in.skipValue()
		}
		return r.readList(string(name), kind, first == '{')
	})
	switch {
	case lists[entryList]:
		return entryList, err
	case lists[exceptionList]:
		return exceptionList, err
	}
	row.names = append(row.names, wrapper)
	if r.sample != nil {
		row.members = append(row.members, member{wrapper, "({})"})
	}
	return noList, err
}

// partOfList returns what a member is by a name that says blocked or allowed.
func partOfList(name string, first byte) listKind {
	switch {
	case first != '[' && first != '{':
	case isListWord(name, exceptionWords):
		return exceptionList
	case isListWord(name, blockWords):
		return entryList
	}
	return noList
}

// listPart is an array of blocked or allowed entries in an object.
type listPart struct {
	name string
	kind listKind
	text []byte
}

func (p *listPart) blocks() bool { return p.kind == entryList && p.text[0] == '[' }

// listParts returns the parts of an object, or nil if none of them is an array of blocked entries.
func listParts(object []byte) (parts []listPart) {
	cursor := jsonscan.New(object)
	if cursor.Open('{') != nil {
		return nil
	}
	blocks := false
	for {
		name, more, err := cursor.Member()
		if err != nil || !more {
			break
		}
		part := listPart{name: string(name.Raw())}
		part.kind = partOfList(part.name, cursor.Next())
		start := cursor.Pos()
		if cursor.Skip() != nil {
			return nil
		}
		if part.text = cursor.Since(start); part.kind != noList {
			parts = append(parts, part)
			blocks = blocks || part.blocks()
		}
	}
	if !blocks {
		return nil
	}
	return parts
}

// addLists adds the entries of an element of a list that is an object of blocked and allowed
// parts, and reports whether it is one.
func (r *jsonReader) addLists(object []byte) bool {
	parts := listParts(object)
	for _, p := range parts {
		if p.text[0] != '[' {
			r.c.reject(p.text, errNotArray)
			continue
		}
		leave := r.enter(p.name, p.kind)
		r.addNested(object, p.text)
		leave()
	}
	return parts != nil
}

// readLists reads the entries of each array in an object, which must have one.
func (r *jsonReader) readLists() error {
	line, contains := r.in.line, false
	var names []string
	err := r.in.eachMember(func(name []byte) error {
		if len(names) < shownMembers {
			names = append(names, string(name))
		}
		if first, err := r.in.peek(); err != nil || first != '[' {
			return r.in.skipValue()
		}
		contains = true
		return r.in.eachElement(r.readElement)
	})
	if err == nil && !contains {
		r.c.line = line
		r.rejectMembers(names)
		err = r.c.err
	}
	return err
}

// skipOf returns the reason to skip an element of the current list. If the user names a column,
// names that are in no member, or in another array, are not in it.
func (r *jsonReader) skipOf(text []byte) Skip {
	isElsewhere := r.c.options.Column != "" && r.list.name != "" && !r.list.excepts && !r.c.options.isColumn(r.list.name)
	switch {
	case r.list.why != 0:
		return r.list.why
	case isElsewhere && text[0] == '"':
		return SkipNoValue
	}
	return 0
}

// nestedWords are the members of an entry that hold entries of their own, with the entry only
// describing them: a pulse of OTX, or a report.
var nestedWords = []string{"indicators", "iocs"}

// nestedList returns the array of objects in an object, or nil if there is none. isEmpty reports
// whether there is one without elements instead.
func nestedList(object []byte) (list []byte, isEmpty bool) {
	found := func(word string) bool { return bytes.Contains(object, []byte(`"`+word+`"`)) }
	if !slices.ContainsFunc(nestedWords, found) {
		return nil, false
	}
	cursor := jsonscan.New(object)
	if cursor.Open('{') != nil {
		return nil, false
	}
	for {
		name, more, err := cursor.Member()
		if err != nil || !more {
			return nil, isEmpty
		}
		isNested := cursor.Next() == '[' && slices.Contains(nestedWords, string(name.Raw()))
		array, start := cursor, cursor.Pos()
		if cursor.Skip() != nil {
			return nil, isEmpty
		}
		if isNested && array.Open('[') == nil {
			more, err := array.Element()
			if err == nil && more && array.Next() == '{' {
				return cursor.Since(start), false
			}
			isEmpty = isEmpty || err == nil && !more
		}
	}
}

// addNested adds the entries of an array within an entry.
func (r *jsonReader) addNested(object, list []byte) {
	line := r.c.line
	offset := bytes.Index(object, list)
	cursor := jsonscan.New(list)
	err := cursor.Open('[')
	for more := err == nil; more && r.c.err == nil; {
		if more, err = cursor.Element(); !more || err != nil {
			break
		}
		cursor.Next()
		start := cursor.Pos()
		if err = cursor.Skip(); err != nil {
			break
		}
		r.c.line = line + bytes.Count(object[:offset+start], []byte{'\n'})
		r.addEntry(cursor.Since(start))
	}
	r.c.line = line
	if err != nil {
		r.c.reject(object, err)
	}
}

// field is what a member of a MISP attribute or a STIX object holds. Unlike the headings of
// tables, the names of these members are fixed and are matched in exact case.
type field uint8

const (
	fieldType field = iota
	fieldValue
	fieldCategory
	fieldLabel // the category, if there is no other
	fieldConfidence
	fieldReference
	fieldFirstSeen
	fieldChanged // the first seen, if there is no other
	fieldExpires
	fieldWithdrawn
	fieldDetection
	fieldPattern
	fieldPatternType
	fieldMore
	fieldCount
)

// fields holds the texts of one object. err is set if the object is ambiguous, because a
// member occurs twice or holds an object or array instead of text.
type fields struct {
	texts [fieldCount][]byte
	seen  [fieldCount]bool
	err   error
}

// see records that a member occurs, and reports whether it is the first time.
func (f *fields) see(key field, name []byte) bool {
	if f.seen[key] && f.err == nil {
		f.err = fmt.Errorf("duplicate member %q: readers disagree on which one counts", shown(name))
	}
	first := !f.seen[key]
	f.seen[key] = true
	return first
}

// read consumes the value of a member and keeps its text in arena. The text is valid until
// the arena is reused.
func (f *fields) read(in *jsonStream, key field, name []byte, arena *[]byte) error {
	first, err := in.peek()
	if err != nil {
		return err
	}
	isFirst := f.see(key, name)
	if nested := first == '{' || first == '['; nested && f.err == nil {
		f.err = fmt.Errorf("member %q: an object or array where text is expected", shown(name))
	}
	text, err := in.readScalar()
	if err == nil && isFirst {
		f.keep(key, text, arena)
	}
	return err
}

func (f *fields) keep(key field, text []byte, arena *[]byte) {
	start := len(*arena)
	*arena = append(*arena, text...)
	f.texts[key] = (*arena)[start:len(*arena):len(*arena)]
}

// flag reads a boolean, which some exports write as a string or a number. It returns fallback
// if the member is missing or null.
func (f *fields) flag(key field, fallback bool) (bool, error) {
	switch string(f.texts[key]) {
	case "":
		return fallback, nil
	case "true", "1":
		return true, nil
	case "false", "0":
		return false, nil
	}
	return false, errFlag
}

// row returns the texts that describe an indicator.
func (f *fields) row() cells {
	return cells{
		column.Category:   firstText(f.texts[fieldCategory], f.texts[fieldLabel]),
		column.Confidence: f.texts[fieldConfidence],
		column.Reference:  f.texts[fieldReference],
		column.FirstSeen:  firstText(f.texts[fieldFirstSeen], f.texts[fieldChanged]),
		column.Expires:    f.texts[fieldExpires],
	}
}

func firstText(preferred, other []byte) []byte {
	if len(preferred) > 0 {
		return preferred
	}
	return other
}
