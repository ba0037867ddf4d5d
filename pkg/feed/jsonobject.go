package feed

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/resolverwatch/resolverwatch/pkg/feed/column"
)

// shownMembers is how many names of members an error about an unknown object shows.
const shownMembers = 8

var (
	errNoMember  = errors.New("object has no member with a name, URL or address")
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
