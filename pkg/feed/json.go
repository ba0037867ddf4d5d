package feed

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/resolverwatch/resolverwatch/pkg/feed/column"
	"github.com/resolverwatch/resolverwatch/pkg/jsonscan"
)

// maxMembers limits how many members of a top-level object are kept. Entries have few members;
// an object with many is a container.
const maxMembers = 1000

// containers are the members of a top-level object whose arrays hold the entries: "data" in
// ThreatFox, "iocs" in its mirrors, "urls" in the URLhaus API, the others in home-made lists.
// Members that are named by a number are containers too: the full exports of ThreatFox and
// URLhaus consist of them.
var containers = []string{
	"data", "iocs", "indicators", "urls", "domains", "hosts", "hostnames", "ips", "addresses",
	"list", "blocklist", "entries", "items", "results", "pulses",
}

func isContainer(name string) bool {
	return slices.Contains(containers, name) || name != "" && all([]byte(name), isDigit)
}

// jsonReader reads arrays of strings or of objects, objects that contain such arrays, and
// sequences of all of these, such as one object a line.
type jsonReader struct {
	*jsonEntries
	plan   *memberPlan
	sample *memberSample // collects the objects instead of adding them, if set
	row    memberRow     // of the current entry
	list   jsonList      // that is being read
	pages  jsonPages
}

func newJSONReader(entries *jsonEntries, plan *memberPlan) *jsonReader {
	return &jsonReader{jsonEntries: entries, plan: plan}
}

func readJSON(opened *opening, c *collector) error {
	plan, err := planMembers(opened, c)
	if err != nil {
		return err
	}
	r := newJSONReader(newJSONEntries(opened.in, c), plan)
	return r.finish(r.pages.check(r.in.eachValue(r.readTop)))
}

// readTop reads a top-level value.
func (r *jsonReader) readTop(first byte) error {
	switch first {
	case '[':
		return r.in.eachElement(r.readElement)
	case '{':
		return r.readTopObject()
	}
	return r.readElement()
}

// readTopObject reads an object that is a container or a single entry.
func (r *jsonReader) readTopObject() error {
	line := r.in.line
	var row memberRow
	var lists [listKinds]bool
	page := jsonPage{line: line}
	err := r.in.eachMember(func(name []byte) error {
		kind, err := r.readTopMember(string(name), &row, &page)
		lists[kind] = true
		return err
	})
	if err == nil && lists[entryList] {
		r.pages.add(&page)
		if r.sample != nil {
			r.sample.seeAround(row.members)
		}
	}
	if err != nil || lists[entryList] || lists[exceptionList] && (!row.known || row.isVague()) {
		return err
	}

	next, err := r.in.peek()
	if err != nil {
		return err
	}
	r.c.line = line
	if alone := next == 0 && r.c.counts.entries == 0; alone && row.isVague() && r.sample == nil {
		r.rejectMembers(row.names)
	} else {
		r.addObject(&row, objectText(row.names))
	}
	return r.c.err
}

// readTopMember reads one member of a top-level object. If it is a list, its entries are added;
// if not, its text goes into row.
func (r *jsonReader) readTopMember(name string, row *memberRow, page *jsonPage) (listKind, error) {
	first, err := r.in.peek()
	if err != nil {
		return noList, err
	}
	kind := r.c.options.kindOfList(name, first)
	switch {
	case kind != noList:
		return kind, r.readList(name, kind, first == '{')
	case first == '{' && isWrapper(name):
		return r.readWrapper(name, row)
	case len(row.names) == maxMembers:
		return noList, refuse(ErrUnknownJSON, r.in.line, "an object with over %d members", maxMembers)
	}

	text, err := r.in.readValue()
	switch {
	case errors.Is(err, ErrTooLarge) && first == '[':
		return noList, refuse(ErrUnknownJSON, r.in.line, "a long array %q", shown([]byte(name)))
	case err != nil:
		return noList, err
	}
	// The next member may move the window, so the value is copied.
	cursor := jsonscan.New(bytes.Clone(text))
	value, err := r.addMember(row, []byte(name), &cursor)
	if err != nil {
		return noList, refuseFor(ErrBadJSON, r.in.line, err)
	}
	page.see(name, value)
	row.names = append(row.names, name)
	return noList, nil
}

// readElement reads one entry of an array.
func (r *jsonReader) readElement() error {
	first, err := r.in.peek()
	if err != nil {
		return err
	}
	r.c.line = r.in.line
	text, err := r.in.readValue()
	switch {
	case first == '{' && errors.Is(err, ErrTooLarge): // it may contain a list
		return r.readTopObject()
	case err != nil:
		return err
	}
	r.addEntry(text)
	return r.c.err
}

// addEntry adds an entry, given its JSON text.
func (r *jsonReader) addEntry(text []byte) {
	if why := r.skipOf(text); why != 0 {
		r.c.skip(text, why)
		return
	}
	cursor := jsonscan.New(text)
	switch text[0] {
	case '{':
		list, isEmpty := nestedList(text)
		if list != nil {
			r.addNested(text, list)
			break
		}
		r.row.reset()
		if err := r.readMembers(&cursor); err != nil {
			r.c.reject(text, err)
			break
		}
		if (!r.row.known || r.row.isVague()) && r.addLists(text) {
			break
		}
		if isEmpty && (!r.row.known || r.row.isVague()) { // a pulse without indicators, whose name is a title
			r.c.skip(text, SkipNoValue)
			break
		}
		r.addObject(&r.row, text)
	case '"':
		value, err := scalarText(&cursor)
		if err != nil {
			r.c.reject(text, err)
			break
		}
		r.c.addRow(&cells{column.Name: value}, text)
	default:
		r.rejectUnknown(text, errNotString, []string{strconv.Quote(shown(text))})
	}
}

// readMembers reads the members of an entry into r.row. Their names are kept only as long as
// an error might show them.
func (r *jsonReader) readMembers(cursor *jsonscan.Cursor) error {
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
		if _, err := r.addMember(&r.row, text, cursor); err != nil {
			return err
		}
		if r.members == nil && len(r.row.names) < shownMembers {
			r.row.names = append(r.row.names, shown(text))
		}
	}
}

// addObject adds an object, given its members and its text.
func (r *jsonReader) addObject(row *memberRow, text []byte) {
	if r.sample != nil {
		r.sample.addObject(row.members)
		if len(row.inner) > 0 {
			r.sample.inner.addObject(slices.Concat(row.members, row.inner))
		}
		return
	}
	if !row.known {
		r.rejectUnknown(text, errNoMember, row.names)
		return
	}
	r.c.addRow(&row.cells, text)
	for _, value := range row.more {
		row.cells[row.moreRole] = value
		r.c.addRow(&row.cells, text)
	}
}

// jsonPage is what a top-level object says about the pages around it, as answers of APIs do.
type jsonPage struct {
	line                 int
	hasNext, hasPrevious bool
	next                 string // as written, for the error
}

// see looks at a member.
func (p *jsonPage) see(name string, value []byte) {
	if !column.IsOff(string(value)) {
		return
	}
	switch listWord(name) {
	case "next", "nextpage", "nexturl", "nextlink", "nextcursor", "hasmore", "more":
		p.hasNext, p.next = true, fmt.Sprintf("%q is %q", name, shown(value))
	case "previous", "prev", "previouspage", "prevpage", "previousurl":
		p.hasPrevious = true
		p.next = cmp.Or(p.next, fmt.Sprintf("%q is %q", name, shown(value)))
	}
}

// jsonPages is what the pages of a list say about each other. A list may be all pages of an
// answer, one after the other.
type jsonPages struct {
	first, last bool // there is a page without a previous one; without a next one
	around      jsonPage
}

func (p *jsonPages) add(page *jsonPage) {
	p.first = p.first || !page.hasPrevious
	p.last = p.last || !page.hasNext
	if p.around.next == "" {
		p.around = *page
	}
}

// check refuses a list of which the first or the last page is missing.
func (p *jsonPages) check(err error) error {
	if err != nil || p.around.next == "" || p.first && p.last {
		return err
	}
	return refuse(ErrPartial, p.around.line, "%s", p.around.next)
}
