package feed

import (
	"bytes"
	"cmp"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/resolverwatch/resolverwatch/pkg/jsonscan"
)

// maxMembers bounds what is kept of an object at the top: entries have few members,
// and objects with many are containers.
const maxMembers = 1000

// shownMembers is how many names of members are shown when none of them is known.
const shownMembers = 8

var (
	errNoMember = errors.New("object without a member that holds a name, URL or address")
	errNoString = errors.New("neither a string nor an object")
)

// containers are the members of an object at the top whose arrays hold the entries:
// those of ThreatFox ("data"), its mirrors ("iocs"), the URLhaus API ("urls") and home-made
// lists. So do arrays under numbers, which the
// full exports of ThreatFox and URLhaus are made of.
var containers = []string{
	"data", "iocs", "indicators", "urls", "domains", "hosts", "hostnames", "ips", "addresses",
	"list", "blocklist", "entries", "items", "results",
}

// jsonReader reads arrays of strings or of objects, objects that contain such arrays,
// and sequences of all these, as in one object a line.
type jsonReader struct {
	in        *jsonScanner
	c         *collector
	column    string
	row       jsonMembers // of the current entry
	shapeless int         // entries that are of no known shape
	members   []string    // of the first of them
}

func newJSONReader(in *window, c *collector) *jsonReader {
	return &jsonReader{in: newJSONScanner(in), c: c, column: c.options.Column}
}

func readJSON(in *window, c *collector) error {
	r := newJSONReader(in, c)
	return r.finish(r.in.values(r.top))
}

// finish refuses a list without a single entry of a known shape. err is what ended the
// walk.
func (r *jsonReader) finish(err error) error {
	r.c.line = r.in.lines()
	if err == nil && r.shapeless > 0 && r.shapeless == r.c.counts.entries {
		return refuse(ErrUnknownJSON, 0, "it has %s", cmp.Or(strings.Join(r.members, ", "), "no members"))
	}
	return atLine(err, r.c.line)
}

// top reads a value at the top.
func (r *jsonReader) top(first byte) error {
	switch first {
	case '[':
		return r.in.elements(r.element)
	case '{':
		return r.object()
	}
	return r.element()
}

// object reads a container or, at the top, one entry.
func (r *jsonReader) object() error {
	line := r.in.line
	var members jsonMembers
	contains := false
	err := r.in.members(func(name []byte) error {
		isList, err := r.member(string(name), &members)
		contains = contains || isList
		return err
	})
	if err != nil || contains {
		return err
	}
	next, err := r.in.peek()
	if err != nil {
		return err
	}
	r.c.line = line
	if alone := next == 0 && r.c.counts.entries == 0; alone && members.isVague() {
		r.noShape(members.names)
	} else {
		r.entry(&members, textOf(members.names))
	}
	return r.c.err
}

// member reads the value of one member of an object at the top: the entries in it if it
// is a list of them, or else its text, into members.
func (r *jsonReader) member(name string, members *jsonMembers) (isList bool, err error) {
	first, err := r.in.peek()
	switch {
	case err != nil:
		return false, err
	case first == '[' && isContainer(name):
		return true, r.in.elements(r.element)
	case len(members.names) == maxMembers:
		return false, refuse(ErrUnknownJSON, r.in.line, "an object with over %d members", maxMembers)
	}
	text, err := r.in.value()
	switch {
	case errors.Is(err, ErrTooLarge) && first == '[':
		return false, refuse(ErrUnknownJSON, r.in.line, "a long array %q", shown([]byte(name)))
	case err != nil:
		return false, err
	}
	// What the window shows is gone with the next member.
	cursor := jsonscan.New(bytes.Clone(text))
	value, err := scalar(&cursor)
	if err != nil {
		return false, refuseFor(ErrBadJSON, r.in.line, err)
	}
	members.names = append(members.names, name)
	members.add(r.headingOf([]byte(name)), value)
	return false, nil
}

// element reads one entry of an array.
func (r *jsonReader) element() error {
	if _, err := r.in.peek(); err != nil {
		return err
	}
	r.c.line = r.in.line
	text, err := r.in.value()
	if err != nil {
		return err
	}
	r.take(text)
	return r.c.err
}

// take takes the text of one entry.
func (r *jsonReader) take(text []byte) {
	cursor := jsonscan.New(text)
	switch text[0] {
	case '{':
		r.row.reset()
		if err := r.walk(&cursor); err != nil {
			r.c.reject(text, err)
			break
		}
		r.entry(&r.row, text)
	case '"':
		value, err := scalar(&cursor)
		if err != nil {
			r.c.reject(text, err)
			break
		}
		r.c.take(&cells{roleName: value}, text)
	default:
		r.unknown(text, errNoString, []string{strconv.Quote(shown(text))})
	}
}

// walk reads the members of an entry into r.row. Their names are kept only as long as
// they may have to be shown.
func (r *jsonReader) walk(cursor *jsonscan.Cursor) error {
	if err := cursor.Open('{'); err != nil {
		return err
	}
	for {
		name, more, err := cursor.Member()
		if !more {
			return err
		}
		text := name.Raw()
		if name.Escaped() {
			text = name.Append(nil)
		}
		value, err := scalar(cursor)
		if err != nil {
			return err
		}
		if r.members == nil && len(r.row.names) < shownMembers {
			r.row.names = append(r.row.names, shown(text))
		}
		r.row.add(r.headingOf(text), value)
	}
}

// entry takes an object by its members.
func (r *jsonReader) entry(members *jsonMembers, text []byte) {
	if !members.known {
		r.unknown(text, errNoMember, members.names)
		return
	}
	r.c.take(&members.cells, text)
}

// headingOf says what a member holds; if one was named, no other holds indicators.
func (r *jsonReader) headingOf(name []byte) heading {
	known, found := headings[string(name)]
	if !found {
		known = headingOf(string(name))
	}
	switch {
	case r.column == "":
	case normal(string(name)) == normal(r.column):
		return heading{role: namedRole(r.column)}
	case known.role.isIndicator():
		return heading{}
	}
	return known
}

func isContainer(name string) bool {
	return slices.Contains(containers, name) || name != "" && allOf([]byte(name), isDigit)
}
