package verdict

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"strconv"

	"github.com/resolverwatch/resolverwatch/pkg/catalog"
	"github.com/resolverwatch/resolverwatch/pkg/domainname"
	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/resolverlog"
)

// ErrReserved reports an object that already has a member with a name that we add but no
// valid verdict, or that has such a member twice or in another case. Athena folds the case
// of names, so marking the object would give it the same column twice.
var ErrReserved = errors.New("member name is reserved")

// ErrShape reports an object with a member that would fail every query over its row: a
// scalar among the answers, or a mark whose numbers or threat have the wrong type. Neither
// Resolver nor the marker writes such members.
var ErrShape = errors.New("member has a type that a query cannot read")

// Options configure a [Marker]. The zero Options check everything.
type Options struct {
	SkipCNAMEs    bool // do not check names in answers: targets of CNAME, MX, SRV, HTTPS and SVCB
	SkipAddresses bool // do not check addresses in answers: A, AAAA, and hints of HTTPS and SVCB
	Stale         bool // the index is too old to call anything clean
	// Remark replaces the mark of objects that came with one, if there is an index. Otherwise
	// they stay as they are.
	Remark bool
	// OnMark is called for each object of a record after all objects of the record have
	// been checked. The mark is valid only during the call. [Marker.MarkWithin] also calls it
	// for objects whose lines turn out not to fit, and again if it then marks the record with
	// less detail; Number tells which object it is. If it is nil, nothing is called.
	OnMark func(*Mark)
	// OnMatch is like OnMark, but it is called for malicious objects only, because a call for
	// each object takes a hundredth of the time that marking takes.
	OnMatch func(*Mark)
}

// Mark describes how one object was marked.
type Mark struct {
	Verdict Verdict
	Reason  Reason  // set for Unknown, unless AlreadyMarked
	Threat  *Threat // set for Malicious and Allowed, unless AlreadyMarked
	// AlreadyMarked reports that the object came with a verdict, which is in Verdict and was
	// kept.
	AlreadyMarked bool
	// Previous is the verdict that the object came with, if it was replaced. Changed reports
	// whether the new mark differs from it in more than the generation.
	Previous Verdict
	Changed  bool
	Number   int // of the object in its record, from 0
	Object   *resolverlog.Object
	Line     []byte // the line that was written, including the line end
}

// Threat is the part of an object that decided the verdict, with its match.
type Threat struct {
	Match   index.Match
	Matched []byte // the name or address in canonical form
	Part    Part
	// moreParts is the number of other parts that are malicious too. An answer is one part,
	// whatever is in it.
	moreParts int
}

// Part is a place in an object: [QueryName], or the index of an answer.
type Part int

// QueryName is the query name of an object.
const QueryName Part = -1

// String returns "query_name" or "answers[i]".
func (p Part) String() string {
	return string(p.append(nil))
}

// Marker marks records. It reuses its memory: once that has grown, marking allocates
// nothing. It is not safe for concurrent use.
type Marker struct {
	options Options
	expired bool

	index          *index.Index // nil if there is none
	listsAddresses bool         // the index does
	generation     []byte       // the index_generation member after a comma; empty without an index

	scanner resolverlog.Scanner
	query   domainname.Query
	match   index.Match // of the current lookup
	text    []byte      // the current part, decoded
	threat  Threat      // of the current object
	bad     int         // malicious parts of the current object
	lastBad Part        // the last of them
	mark    Mark
	detail  detail // of the current record
	plain   []byte // the current object without the mark that it came with
	counts  Counts
}

// NewMarker returns a marker that looks things up in x. If x is nil, everything is
// unknown.
func NewMarker(x *index.Index, o Options) *Marker {
	m := &Marker{}
	m.Reset(x, o)
	return m
}

// Reset brings m into the state of a new marker, but keeps its memory.
func (m *Marker) Reset(x *index.Index, o Options) {
	if x != m.index {
		m.setIndex(x)
	}
	m.options = o
	m.expired = false
	m.counts = Counts{}
}

// setIndex sets the index and what follows from it. A description of an index takes
// allocations, so this is not done for each invocation.
func (m *Marker) setIndex(x *index.Index) {
	m.index = x
	m.listsAddresses = false
	m.generation = m.generation[:0]
	if x == nil {
		return
	}

	info := x.Info()
	m.listsAddresses = info.Addresses > 0
	m.generation = append(m.generation, `,"`+catalog.IndexGeneration+`":`...)
	m.generation = strconv.AppendUint(m.generation, info.Generation, 10)
}

// checksAddresses reports whether addresses are looked up.
func (m *Marker) checksAddresses() bool { return m.listsAddresses && !m.options.SkipAddresses }

// Expire tells m that there is no time left. Until the next [Marker.Reset], nothing is
// looked up and new objects are marked unknown.
func (m *Marker) Expire() { m.expired = true }

// Counts returns the numbers of objects that were marked since the last [Marker.Reset].
func (m *Marker) Counts() Counts { return m.counts }

// Mark appends one line to dst for each log object in record. A blank record and a control
// message of CloudWatch Logs have no objects.
//
// A record is marked completely or not at all. If one of its objects cannot be marked, Mark
// returns dst unchanged and an error that wraps [ErrReserved] or [ErrShape], or that says
// where the record stops being valid JSON.
func (m *Marker) Mark(dst, record []byte) ([]byte, error) {
	m.detail = full
	return m.markRecord(dst, record, math.MaxInt)
}

// markRecord is Mark with a limit for the bytes that are appended. If a limit is exceeded,
// the error is errOverflow or wraps [ErrNoRoom], and nothing is counted.
func (m *Marker) markRecord(dst, record []byte, limit int) ([]byte, error) {
	more, err := m.begin(record, limit)
	if err != nil {
		return dst, err
	}

	start, counts := len(dst), m.counts
	for number := 0; more; number++ {
		dst = m.markObject(dst, m.scanner.Object(), number)
		if len(dst)-start > limit {
			err := m.overflow(&counts)
			m.counts = counts
			return dst[:start], err
		}
		more = m.scanner.Next()
	}
	return dst, nil
}

// begin checks all objects of a record, then moves to the first object. It reports whether
// there is one.
func (m *Marker) begin(record []byte, limit int) (found bool, err error) {
	m.scanner.Reset(record)
	if !m.scanner.Next() {
		return false, m.scanner.Err()
	}

	if !m.scanner.More() {
		return true, m.checkObject(m.scanner.Object(), &limit)
	}

	for more := true; more; more = m.scanner.Next() {
		if err := m.checkObject(m.scanner.Object(), &limit); err != nil {
			return false, err
		}
	}

	if err := m.scanner.Err(); err != nil {
		return false, err
	}

	m.scanner.Reset(record)
	return m.scanner.Next(), nil
}

// checkObject returns an error if the object cannot be marked, or if its line certainly has
// more than room bytes. It takes what the line has at least from room.
func (m *Marker) checkObject(o *resolverlog.Object, room *int) error {
	if *room -= m.leastSize(o); *room < 0 {
		return ErrNoRoom
	}

	switch {
	case o.Clash != "":
		return fmt.Errorf("%w: duplicate member %q, or the same name in another case", ErrReserved, o.Clash)
	case o.Reserved != "" && verdictOf(o) == "":
		return fmt.Errorf("%w: object has %q but no valid verdict", ErrReserved, o.Reserved)
	case o.OddAnswers:
		return fmt.Errorf("%w: %q", ErrShape, "answers")
	case o.Reserved != "":
		return checkMark(o.Bytes)
	}
	return nil
}

// checkMark returns an error if the members of a mark do not have the types of their
// columns. Few objects come with a mark, so this may be slow.
func checkMark(object []byte) error {
	var mark struct {
		Generation *int64 `json:"index_generation"`
		Threat     *struct {
			Confidence *int32 `json:"confidence"`
			MoreParts  *int32 `json:"more_parts"`
			MoreFeeds  *int32 `json:"more_feeds"`
		} `json:"threat"`
	}
	var wrong *json.UnmarshalTypeError
	if errors.As(json.Unmarshal(object, &mark), &wrong) {
		return fmt.Errorf("%w: %q", ErrShape, wrong.Field)
	}
	return nil
}

// verdictOf returns the verdict that an object came with, or "" if there is none.
func verdictOf(o *resolverlog.Object) Verdict {
	switch string(o.Verdict.Raw()) {
	case string(Malicious):
		return Malicious
	case string(Allowed):
		return Allowed
	case string(Clean):
		return Clean
	case string(Unknown):
		return Unknown
	default:
		return ""
	}
}

// markObject marks one object and appends its line. Number is that of [Mark].
func (m *Marker) markObject(dst []byte, o *resolverlog.Object, number int) []byte {
	m.mark = Mark{Number: number, Object: o, Verdict: verdictOf(o)}
	start := len(dst)
	switch {
	case m.mark.Verdict == "":
		m.decide(o)
		dst = m.appendLine(dst)
	case m.options.Remark && m.index != nil:
		dst = m.remark(dst, o)
	default:
		m.mark.AlreadyMarked = true
		dst = m.appendLine(dst)
	}

	m.counts.count(&m.mark)
	if m.detail != full && m.mark.Threat != nil {
		m.counts.Shortened++
	}
	if m.options.OnMark != nil {
		m.mark.Line = dst[start:]
		m.options.OnMark(&m.mark)
	}
	if m.options.OnMatch != nil && m.mark.Verdict == Malicious {
		m.mark.Line = dst[start:]
		m.options.OnMatch(&m.mark)
	}
	return dst
}

// remark replaces the mark that an object came with, and appends its line.
func (m *Marker) remark(dst []byte, o *resolverlog.Object) []byte {
	before := decisionOf(o.Bytes)
	m.mark.Previous = m.mark.Verdict
	m.plain = stripMark(m.plain[:0], o.Bytes)
	o.Bytes, o.Empty = m.plain, len(bytes.TrimSpace(m.plain[1:])) == 1
	m.decide(o)

	start := len(dst)
	dst = m.appendLine(dst)
	m.mark.Changed = !before.equal(decisionOf(dst[start:]))
	return dst
}

// decide sets verdict, reason and threat of an object that came without a mark.
func (m *Marker) decide(o *resolverlog.Object) {
	m.mark.Verdict = Unknown
	switch {
	case m.index == nil:
		m.mark.Reason = NoIndex
		return
	case m.expired:
		m.mark.Reason = Timeout
		return
	}

	outcome, named := m.lookUp(o)
	switch {
	case outcome == index.Malicious:
		m.mark.Verdict, m.mark.Threat = Malicious, &m.threat
	case outcome == index.Allowed:
		m.mark.Verdict, m.mark.Threat = Allowed, &m.threat
	case !named:
		m.mark.Reason = BadName
	case m.options.Stale:
		m.mark.Reason = StaleIndex
	default:
		m.mark.Verdict = Clean
	}
}

// lookUp looks up the parts of an object. It returns the outcome of m.threat, and whether
// the object has a valid query name.
func (m *Marker) lookUp(o *resolverlog.Object) (outcome index.Outcome, named bool) {
	m.threat.Match.Outcome = index.None
	m.bad, m.threat.moreParts = 0, 0
	if o.QueryName.IsSet() {
		var covered bool
		named, covered = m.lookUpName(o.QueryName.Decode(&m.text), QueryName)
		if covered {
			return m.threat.Match.Outcome, named
		}
	}

	for i := range o.Answers {
		if !m.lookUpAnswer(&o.Answers[i]) {
			m.counts.UnreadAnswers++
		}
	}
	m.threat.moreParts = max(m.bad-1, 0)
	return m.threat.Match.Outcome, named
}

// lookUpAnswer looks up what is checked in one answer. It returns false if that cannot be
// read.
func (m *Marker) lookUpAnswer(a *resolverlog.Answer) (ok bool) {
	kind, part := kindOf(a.Type), Part(a.Index)
	switch {
	case kind == unchecked, kind == addressAnswer && !m.checksAddresses():
		return true
	case kind != addressAnswer && m.options.SkipCNAMEs && (kind != serviceAnswer || !m.checksAddresses()):
		return true
	}

	// The preview shape puts a space after Rdata. No name ends with a space in its text form.
	rdata := bytes.TrimRight(a.Rdata.Decode(&m.text), " ")
	switch kind {
	case addressAnswer:
		return m.lookUpAddr(rdata, part)
	case nameAnswer:
		ok, _ = m.lookUpName(rdata, part)
		return ok
	case lastAnswer:
		return m.lookUpTarget(lastField(rdata), part)
	default:
		return m.lookUpService(rdata, part)
	}
}

// lookUpTarget looks up the target of a service. The root means that there is no target, or
// none other than the name that was asked for.
func (m *Marker) lookUpTarget(name []byte, part Part) (ok bool) {
	if string(name) == "." {
		return true
	}
	ok, _ = m.lookUpName(name, part)
	return ok
}

// lookUpService looks up the target of an HTTPS or SVCB answer and the addresses that it
// hints at.
func (m *Marker) lookUpService(rdata []byte, part Part) (ok bool) {
	target, params, ok := cutService(rdata)
	if !ok {
		return false
	}

	if !m.options.SkipCNAMEs {
		ok = m.lookUpTarget(target, part)
	}
	if !m.checksAddresses() {
		return ok
	}
	for {
		var hints []byte
		if hints, params = cutHints(params); len(hints) == 0 {
			return ok
		}
		for len(hints) > 0 {
			var hint []byte
			hint, hints, _ = bytes.Cut(hints, []byte{','})
			ok = m.lookUpAddr(hint, part) && ok
		}
	}
}

// lookUpName looks up a name. It reports whether the name is valid, and whether an allow
// feed covers it.
func (m *Marker) lookUpName(text []byte, part Part) (valid, covered bool) {
	if err := m.query.Set(text); err != nil {
		return false, false
	}
	if m.index.Match(&m.query, &m.match) {
		covered = m.match.AllowCovered
		m.keepMatch(m.query.Bytes(), part)
		return true, covered
	}
	return true, m.match.AllowCovered
}

// lookUpAddr looks up an address, and the IPv4 address that it carries. It returns false if
// the text is not an address.
func (m *Marker) lookUpAddr(text []byte, part Part) (ok bool) {
	address, err := parseAddr(text)
	if err != nil {
		return false
	}
	m.matchAddr(address, address, part)
	if inner, ok := EmbeddedIPv4(address); ok {
		m.matchAddr(inner, address, part)
	}
	return true
}

// matchAddr looks up an address that was seen in the form of another.
func (m *Marker) matchAddr(address, seen netip.Addr, part Part) {
	if !m.index.MatchAddr(address, &m.match) {
		return
	}
	var buf [len("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255")]byte
	m.keepMatch(seen.AppendTo(buf[:0]), part)
}

// keepMatch makes the current match the threat of the object if it is malicious and more
// severe than all before it, or if it is the first vetoed match and nothing is malicious.
func (m *Marker) keepMatch(matched []byte, part Part) {
	kept := &m.threat.Match
	switch {
	case m.match.Outcome == index.Malicious:
		if m.bad == 0 || m.lastBad != part {
			m.bad, m.lastBad = m.bad+1, part
		}
		if kept.Outcome == index.Malicious && m.match.Severity <= kept.Severity {
			return
		}
	case kept.Outcome != index.None:
		return
	}

	m.threat.Match, m.match = m.match, m.threat.Match
	m.threat.Matched = append(m.threat.Matched[:0], matched...)
	m.threat.Part = part
}
