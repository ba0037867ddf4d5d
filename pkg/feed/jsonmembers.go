package feed

import (
	"bytes"
	"cmp"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/resolverwatch/resolverwatch/pkg/feed/column"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/jsonscan"
)

// memberRow holds the members of a JSON object by role. If several members with the same role
// have a value, the preferred one wins, whatever their order.
type memberRow struct {
	cells   cells
	rank    [column.RoleCount]int
	known   bool     // some member can hold an indicator
	names   []string // of the members, for errors
	members []member // all of them, while a sample is taken
	inner   []member // those of members that are objects or arrays, while a sample is taken

	more     [][]byte // further values of the member with the indicator, which is an array
	moreRole column.Role
}

// member is a member of an object in a sample.
type member struct{ name, value string }

func (m *memberRow) reset() {
	m.cells, m.known, m.names, m.members = cells{}, false, m.names[:0], m.members[:0]
	m.inner, m.more = m.inner[:0], m.more[:0]
}

func (m *memberRow) add(h column.Heading, value []byte) {
	if h.Role == column.None {
		return
	}
	m.known = m.known || h.Role.IsIndicator()
	old := m.cells[h.Role]
	preferred := h.Rank < m.rank[h.Role] || h.Rank == m.rank[h.Role] && bytes.Compare(value, old) < 0
	if len(value) > 0 && (old == nil || preferred) {
		m.cells[h.Role], m.rank[h.Role] = value, h.Rank
	}
}

// isVague reports whether the only indicator is the member "name". If the object is the whole
// document, that is more likely the title of the document.
func (m *memberRow) isVague() bool {
	return m.known && m.cells[column.URL] == nil && m.cells[column.Address] == nil &&
		column.Heading{Rank: m.rank[column.Name]}.IsVague()
}

// memberPlan says how the members of the objects of a list are read.
type memberPlan struct {
	named   string
	members map[string]column.Heading
	inner   bool // the indicators are in members that are objects or arrays
}

// headingOf returns how a member is read. A member that is not in the plan, because it was not
// in the sample, is read as its name says.
func (p *memberPlan) headingOf(name []byte) column.Heading {
	if h, found := p.members[string(name)]; found {
		return h
	}
	h := column.HeadingOf(string(name))
	switch {
	case p.named == "":
	case column.SameHeading(string(name), p.named):
		if !h.Role.IsIndicator() {
			h = column.Heading{Role: column.Name}
		}
	case h.Role.IsIndicator():
		h = column.Heading{}
	}
	if len(p.members) < maxMembers {
		p.members[string(name)] = h
	}
	return h
}

// planMembers decides how the members of the objects of a list are read, from objects of the
// whole list. It reads the list to its end and back to the start.
func planMembers(opened *opening, c *collector) (*memberPlan, error) {
	plan := &memberPlan{named: c.options.Column, members: map[string]column.Heading{}}
	scratch := newCollector(Options{Column: c.options.Column, Action: c.options.Action}, func(*indicator.Indicator) error { return nil })
	r := newJSONReader(newJSONEntries(opened.in, scratch), plan)
	r.sample = newMemberSample()
	r.sample.inner = newMemberSample()
	_ = r.in.eachValue(r.readTop) // an error shows up when the list is read
	if err := opened.restart(&c.options); err != nil {
		return nil, err
	}

	if text := r.sample.message(); text != "" {
		return nil, refuse(ErrMessage, 0, "it says %s", text)
	}
	plan.members = map[string]column.Heading{}
	if r.sample.objects == 0 {
		return plan, nil
	}
	sample := r.sample
	chosen, err := column.Choose(sample.table(), plan.named)
	if r.sample.inner.objects > 0 && !sample.holds(chosen) {
		if inner, innerErr := column.Choose(r.sample.inner.table(), plan.named); r.sample.inner.holds(inner) {
			sample, chosen, err, plan.inner = r.sample.inner, inner, innerErr, true
		}
	}
	var unclear *column.UnclearError
	switch {
	case errors.As(err, &unclear):
		return nil, refuse(ErrUnclear, 0, "%s", unclear)
	case err != nil: // the entries are counted and shown one by one
		return plan, nil //nolint:nilerr // see above
	}
	for name, i := range sample.columns {
		plan.members[name] = column.Heading{Role: chosen.Roles[i], Rank: chosen.Ranks[i]}
	}
	c.columns = chosen.Readings
	return plan, nil
}

// memberSample collects objects from a whole list. When it is full, it drops every second object,
// and from then on keeps half as many.
type memberSample struct {
	columns map[string]int // the members by name
	titles  []string
	rows    [][]column.Cell
	objects int
	step    int
	first   []member // of the first object

	failures int    // the first objects that have a code of an error
	around   string // the error that an object around a list says

	inner *memberSample // the same objects with the members of their members
}

func newMemberSample() *memberSample { return &memberSample{columns: map[string]int{}, step: 1} }

// holds reports whether the chosen members of some sampled object have an indicator.
func (s *memberSample) holds(plan *column.Plan) bool {
	if plan == nil {
		return false
	}
	return slices.ContainsFunc(s.rows, func(row []column.Cell) bool {
		for i, cell := range row {
			if plan.Roles[i].IsIndicator() && cell.Kind.IsIndicator() {
				return true
			}
		}
		return false
	})
}

// maxSampledMembers limits the columns of a sample.
const maxSampledMembers = 200

// addObject adds the members of an object.
func (s *memberSample) addObject(members []member) {
	if s.objects == 0 {
		s.first = slices.Clone(members)
	}
	if s.objects == s.failures && newErrorObject(members).failure() != "" {
		s.failures++
	}
	s.objects++
	if (s.objects-1)%s.step != 0 {
		return
	}
	var row []column.Cell
	for _, m := range members {
		i, found := s.columns[m.name]
		if !found {
			if len(s.titles) == maxSampledMembers {
				continue
			}
			i = len(s.titles)
			s.columns[m.name] = i
			s.titles = append(s.titles, m.name)
		}
		for len(row) <= i {
			row = append(row, column.Cell{})
		}
		row[i] = kindOf([]byte(m.value))
	}
	if s.rows = append(s.rows, row); len(s.rows) < maxSampledRows {
		return
	}
	s.step *= 2
	kept := s.rows[:0]
	for i := 0; i < len(s.rows); i += 2 {
		kept = append(kept, s.rows[i])
	}
	s.rows = kept
}

func (s *memberSample) table() *column.Table {
	return &column.Table{Titles: s.titles, Rows: s.rows, Members: true}
}

// message returns what the objects of a list say if they are error messages of a server, and "" if
// they are not. Of a single object, more counts than of several: those might be results of a
// crawler.
func (s *memberSample) message() string {
	switch {
	case s.around != "":
		return s.around
	case s.objects > 0 && s.objects == s.failures:
		return newErrorObject(s.first).failure()
	case s.objects != 1:
		return ""
	}
	isEntry, isCertain := false, false
	for _, m := range s.first {
		h := column.HeadingOf(m.name)
		isCertain = isCertain || h.Proves()
		isEntry = isEntry || h.Role == column.Name && !h.IsVague() || h.Role == column.Address
	}
	o := newErrorObject(s.first)
	if text := o.stated(); text != "" {
		return text
	}
	if isCertain || isEntry && o.first(codeMembers) == "" {
		return ""
	}
	return o.first(messageMembers)
}

// errorObject has the members of an object by their names as [listWord] writes them.
type errorObject map[string]string

func newErrorObject(members []member) errorObject {
	o := errorObject{}
	for _, m := range members {
		o[listWord(m.name)] = m.value
	}
	return o
}

// Members of errors of servers: of web APIs and gateways, and the problem details of RFC 9457.
var (
	errorMembers   = []string{"error", "errors", "errormessage", "errorcode", "fault", "exception", "err"}
	codeMembers    = []string{"code", "status", "statuscode", "httpstatus", "httpcode", "httpstatuscode"}
	messageMembers = []string{"message", "detail", "details", "msg", "errordescription", "reason"}
	successMembers = []string{"success", "ok"}
)

// failureWords are parts of words with which servers say that they did not answer a request.
var failureWords = []string{
	"error", "fail", "denied", "forbidden", "unauthorized", "unauthenticated", "notfound", "toomany", "ratelimit", "quota",
	"exceeded", "throttl", "unavailable", "badrequest", "apikey", "timeout", "timedout",
}

// first returns the first of the members that has a text.
func (o errorObject) first(names []string) string {
	for _, name := range names {
		if o[name] != "" {
			return o[name]
		}
	}
	return ""
}

// stated returns what an object says if it says itself that it is an error, and "" if it does not,
// whatever indicators it has.
func (o errorObject) stated() string {
	for _, name := range errorMembers {
		if column.IsOff(o[name]) {
			return o[name]
		}
	}
	for _, name := range successMembers {
		if text, found := o[name]; found && column.IsNo(text) {
			return cmp.Or(o.first(messageMembers), name+": "+text)
		}
	}
	if text := o.failure(); text != "" {
		return text
	}
	for _, name := range []string{"message", "msg", "errordescription"} {
		if saysFailure(o[name]) {
			return o[name]
		}
	}
	return ""
}

// failure returns the message that comes with a code of an error, and "" if there is none. The text
// of a problem of RFC 9457 is its title.
func (o errorObject) failure() string {
	message := cmp.Or(o.first(messageMembers), o["title"])
	isProblem := o["title"] != "" && (strings.ContainsAny(o["type"], ":/") || o["instance"] != "")
	if isProblem {
		return message
	}
	for _, name := range codeMembers {
		if isFailure(o[name]) {
			return message
		}
	}
	return ""
}

// isFailure reports whether a code or a status is one of HTTP for an error, or says so in words. An
// object with both counts too.
func isFailure(code string) bool {
	const lowest, highest = 400, 599
	if number, err := strconv.Atoi(code); err == nil {
		return lowest <= number && number <= highest
	}
	return saysFailure(code)
}

func saysFailure(text string) bool {
	text = listWord(text)
	return slices.ContainsFunc(failureWords, func(word string) bool { return strings.Contains(text, word) })
}

// seeAround looks at the members of an object around a list.
func (s *memberSample) seeAround(members []member) {
	if s.around == "" {
		s.around = newErrorObject(members).failure()
	}
}

// sampledText returns the value of a member for a sample. An object or array counts as a word,
// unless it is empty.
func sampledText(first byte, raw, value []byte) string {
	if (first == '{' || first == '[') && len(raw) > len("{}") {
		return "(" + string(raw[:min(len(raw), maxSampledCell)]) + ")"
	}
	return string(value[:min(len(value), maxSampledCell)])
}

// memberText reads the value of a member. While a sample is taken, it also adds the member to
// the row.
func (r *jsonReader) memberText(row *memberRow, name []byte, cursor *jsonscan.Cursor) ([]byte, error) {
	first, start := cursor.Next(), cursor.Pos()
	value, err := scalarText(cursor)
	if err == nil && r.sample != nil {
		row.members = append(row.members, member{string(name), sampledText(first, cursor.Since(start), value)})
	}
	return value, err
}

// addMember reads the value of a member into the row, and returns its text. If no member holds
// an indicator as text, those are read that hold it as an object or an array, such as
// `"indicator":{"value":"evil.example"}`.
func (r *jsonReader) addMember(row *memberRow, name []byte, cursor *jsonscan.Cursor) ([]byte, error) {
	first, start := cursor.Next(), *cursor
	value, err := r.memberText(row, name, cursor)
	if err != nil {
		return nil, err
	}
	row.add(r.plan.headingOf(name), value)
	isInner := (r.plan.inner || r.sample != nil) && (first == '{' || first == '[') && mayHoldIndicator(name)
	switch {
	case isInner && first == '{':
		r.addInnerMembers(row, name, start)
	case isInner:
		r.addInnerTexts(row, name, start)
	}
	return value, nil
}

// mayHoldIndicator reports whether a member is called as one of indicators.
func mayHoldIndicator(name []byte) bool {
	h := column.HeadingOf(string(name))
	return h.Role.IsIndicator() && !h.IsVague()
}

// addInnerMembers adds the members of an object in a member.
func (r *jsonReader) addInnerMembers(row *memberRow, name []byte, cursor jsonscan.Cursor) {
	err := cursor.Open('{')
	for err == nil {
		inner, more, memberErr := cursor.Member()
		if memberErr != nil || !more {
			return
		}
		full := slices.Concat(name, []byte{'.'}, inner.Raw())
		var value []byte
		if value, err = scalarText(&cursor); err == nil {
			r.addInner(row, full, value)
		}
	}
}

// addInnerTexts adds the texts of an array in a member.
func (r *jsonReader) addInnerTexts(row *memberRow, name []byte, cursor jsonscan.Cursor) {
	var values [][]byte
	err := cursor.Open('[')
	for err == nil {
		more, elementErr := cursor.Element()
		if elementErr != nil || more && cursor.Next() != '"' {
			return // not an array of texts
		}
		if !more {
			break
		}
		var value []byte
		if value, err = scalarText(&cursor); err == nil {
			values = append(values, value)
		}
	}
	if err != nil || len(values) == 0 {
		return
	}
	r.addInner(row, name, values[0])
	if role := r.plan.headingOf(name).Role; r.sample == nil && role.IsIndicator() && bytes.Equal(row.cells[role], values[0]) {
		row.more, row.moreRole = values[1:], role
	}
}

func (r *jsonReader) addInner(row *memberRow, name, value []byte) {
	if r.sample != nil {
		row.inner = append(row.inner, member{string(name), string(value[:min(len(value), maxSampledCell)])})
		return
	}
	row.add(r.plan.headingOf(name), value)
}
