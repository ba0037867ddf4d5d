package verdict

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"unsafe"

	"github.com/resolverwatch/resolverwatch/pkg/catalog"
	"github.com/resolverwatch/resolverwatch/pkg/domainname"
	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/jsonscan"
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
	SkipCNAMEs    bool // do not check CNAME targets in answers
	SkipAddresses bool // do not check A and AAAA addresses in answers
	Stale         bool // the index is too old to call anything clean
	// OnMark is called for each object of a record after all objects of the record have
	// been checked. The mark is valid only during the call. If it is nil, nothing is called.
	OnMark func(*Mark)
}

// Mark describes how one object was marked.
type Mark struct {
	Verdict Verdict
	Reason  Reason  // set for Unknown, unless AlreadyMarked
	Threat  *Threat // set for Malicious and Allowed, unless AlreadyMarked
	// AlreadyMarked reports that the object came with a verdict, which is in Verdict.
	AlreadyMarked bool
	Object        *resolverlog.Object
	Line          []byte // the line that was written, including the line end
}

// Threat is the part of an object that decided the verdict, with its match.
type Threat struct {
	Match   index.Match
	Matched []byte // the name or address in canonical form
	Part    Part
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
	options    Options
	index      *index.Index // nil if there is none
	addresses  bool         // whether to check addresses
	expired    bool
	generation []byte // the index_generation member after a comma; empty without an index

	scanner resolverlog.Scanner
	query   domainname.Query
	match   index.Match // of the current lookup
	text    []byte      // the current part, decoded
	threat  Threat      // of the current object
	mark    Mark
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
	m.index, m.options = x, o
	m.expired = false
	m.counts = Counts{}
	m.addresses = false
	m.generation = m.generation[:0]
	if x == nil {
		return
	}

	info := x.Info()
	m.addresses = !o.SkipAddresses && info.Addresses > 0
	m.generation = append(m.generation, `,"`+catalog.IndexGeneration+`":`...)
	m.generation = strconv.AppendUint(m.generation, info.Generation, 10)
}

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
	more, err := m.begin(record)
	if err != nil {
		return dst, err
	}
	for ; more; more = m.scanner.Next() {
		dst = m.markObject(dst, m.scanner.Object())
	}
	return dst, nil
}

// begin checks all objects of a record, then moves to the first object. It reports whether
// there is one.
func (m *Marker) begin(record []byte) (found bool, err error) {
	m.scanner.Reset(record)
	if !m.scanner.Next() {
		return false, m.scanner.Err()
	}

	if !m.scanner.More() {
		return true, checkObject(m.scanner.Object())
	}

	for more := true; more; more = m.scanner.Next() {
		if err := checkObject(m.scanner.Object()); err != nil {
			return false, err
		}
	}

	if err := m.scanner.Err(); err != nil {
		return false, err
	}

	m.scanner.Reset(record)
	return m.scanner.Next(), nil
}

// checkObject returns an error if the object cannot be marked.
func checkObject(o *resolverlog.Object) error {
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

// markObject marks one object and appends its line.
func (m *Marker) markObject(dst []byte, o *resolverlog.Object) []byte {
	m.mark = Mark{Object: o, Verdict: verdictOf(o)}
	if m.mark.Verdict != "" {
		m.mark.AlreadyMarked = true
	} else {
		m.decide(o)
	}

	start := len(dst)
	dst = m.appendLine(dst)
	m.counts.count(&m.mark)
	if m.options.OnMark != nil {
		m.mark.Line = dst[start:]
		m.options.OnMark(&m.mark)
	}
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

// lookUp looks up the parts of an object until one of them is malicious. It returns the
// outcome of m.threat, and whether the object has a valid query name.
func (m *Marker) lookUp(o *resolverlog.Object) (outcome index.Outcome, named bool) {
	m.threat.Match.Outcome = index.None
	if o.QueryName.IsSet() {
		var decided, covered bool
		named, covered, decided = m.lookUpName(o.QueryName.Decode(&m.text), QueryName)
		if decided || covered {
			return m.threat.Match.Outcome, named
		}
	}

	for i := range o.Answers {
		if m.lookUpAnswer(&o.Answers[i]) {
			break
		}
	}
	return m.threat.Match.Outcome, named
}

// lookUpAnswer looks up one answer and reports whether it decides the verdict. Only CNAME,
// A and AAAA answers are looked up.
func (m *Marker) lookUpAnswer(a *resolverlog.Answer) (decided bool) {
	switch {
	case isType(a.Type, "CNAME"):
		if m.options.SkipCNAMEs {
			return false
		}
		// The preview shape puts a space after Rdata. No name ends with a space in its text
		// form.
		_, _, decided = m.lookUpName(bytes.TrimRight(a.Rdata.Decode(&m.text), " "), Part(a.Index))
		return decided
	case m.addresses && (isType(a.Type, "A") || isType(a.Type, "AAAA")):
		return m.lookUpAddr(bytes.TrimRight(a.Rdata.Decode(&m.text), " "), Part(a.Index))
	default:
		return false
	}
}

func isType(t jsonscan.Text, name string) bool {
	return len(t.Raw()) == len(name) && bytes.EqualFold(t.Raw(), []byte(name))
}

// lookUpName looks up a name. It reports whether the name is valid, whether an allow feed
// covers it, and whether it decides the verdict.
func (m *Marker) lookUpName(text []byte, part Part) (valid, covered, decided bool) {
	if err := m.query.Set(text); err != nil {
		return false, false, false
	}
	if !m.index.Match(&m.query, &m.match) {
		return true, m.match.AllowCovered, false
	}
	covered = m.match.AllowCovered
	return true, covered, m.keepMatch(m.query.Bytes(), part)
}

// lookUpAddr looks up an address and reports whether it decides the verdict.
func (m *Marker) lookUpAddr(text []byte, part Part) (decided bool) {
	address, err := parseAddr(text)
	if err != nil || !m.index.MatchAddr(address, &m.match) {
		return false
	}
	var buf [len("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255")]byte
	return m.keepMatch(address.AppendTo(buf[:0]), part)
}

// parseAddr is [netip.ParseAddr] without copying text. It drops the zone, which has no
// meaning in an answer.
func parseAddr(text []byte) (netip.Addr, error) {
	text, _, _ = bytes.Cut(text, []byte{'%'})
	//nolint:gosec // only the error keeps the string, and the callers drop the error
	address, err := netip.ParseAddr(unsafe.String(unsafe.SliceData(text), len(text)))
	if err != nil {
		return netip.Addr{}, err
	}
	return address, nil
}

// keepMatch makes the current match the threat of the object if it is malicious, which
// decides the verdict, or if it is the first vetoed match.
func (m *Marker) keepMatch(matched []byte, part Part) (decided bool) {
	decided = m.match.Outcome == index.Malicious
	if !decided && m.threat.Match.Outcome == index.Allowed {
		return false
	}
	m.threat.Match, m.match = m.match, m.threat.Match
	m.threat.Matched = append(m.threat.Matched[:0], matched...)
	m.threat.Part = part
	return decided
}
