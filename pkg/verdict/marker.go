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

// ErrReserved reports an object that has a member of ours and yet no valid verdict,
// or has one twice or in another case. Marking it would give Athena, which folds the
// case of names, the same column twice.
var ErrReserved = errors.New("member name is reserved")

// ErrShape reports an object with a member that would end every query over its row: a
// scalar among the answers, or a mark whose numbers or threat are none. Resolver and the
// marker write neither.
var ErrShape = errors.New("member has a value that no query gets past")

// Options say what a [Marker] looks at. The zero Options check everything.
type Options struct {
	SkipCNAMEs    bool // do not check CNAME targets in answers
	SkipAddresses bool // do not check A and AAAA addresses in answers
	Stale         bool // the index is too old to call anything clean
	// OnMark is called for each object of a record, once all of them are known to be
	// good. What it is given is valid during the call. Nil means nobody asks.
	OnMark func(*Mark)
}

// Mark is what was said of one object.
type Mark struct {
	Verdict Verdict
	Reason  Reason  // of Unknown; unset for an object that came marked
	Threat  *Threat // of Malicious and Allowed, unless the object came marked
	// AlreadyMarked says that the object came with a verdict, which Verdict repeats.
	AlreadyMarked bool
	Object        *resolverlog.Object
	Line          []byte // what was written, up to and with the line end
}

// Threat is the part of an object that decided, and what it matched.
type Threat struct {
	Match   index.Match
	Matched []byte // the name or address in canonical form
	Part    Part
}

// Part is a place in an object: [QueryName], or the index of an answer.
type Part int

// QueryName is the part that is not in the answers.
const QueryName Part = -1

// String returns "query_name" or "answers[i]".
func (p Part) String() string {
	return string(p.append(nil))
}

// Marker marks records. It keeps its memory from one to the next: marking allocates
// nothing once that has grown. It is not safe for concurrent use.
type Marker struct {
	options    Options
	index      *index.Index // nil = none
	addresses  bool         // there are addresses to check, and they are to be checked
	expired    bool
	generation []byte // the member that says it, with a comma; empty without index

	scanner resolverlog.Scanner
	query   domainname.Query
	match   index.Match // of the look-up at hand
	text    []byte      // of the part at hand
	threat  Threat      // of the object at hand
	mark    Mark
	counts  Counts
}

// NewMarker returns a marker that looks things up in x; without an index (nil),
// everything is unknown.
func NewMarker(x *index.Index, o Options) *Marker {
	m := &Marker{}
	m.Reset(x, o)
	return m
}

// Reset makes m as good as a new marker, with the memory it has.
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

// Expire says that there is no time left: until the next [Marker.Reset] nothing is
// looked up, and what is marked is unknown.
func (m *Marker) Expire() { m.expired = true }

// Counts returns what was marked since the last [Marker.Reset].
func (m *Marker) Counts() Counts { return m.counts }

// Mark appends one line for each log object in record to dst: none for a blank
// record or a control message of CloudWatch Logs.
//
// A record is marked in whole or not at all: if any of its objects cannot be, dst is
// returned as it was, with an error that wraps [ErrReserved] or [ErrShape], or says where the
// record stops being JSON.
func (m *Marker) Mark(dst, record []byte) ([]byte, error) {
	more, err := m.settle(record)
	if err != nil {
		return dst, err
	}
	for ; more; more = m.scanner.Next() {
		dst = m.object(dst, m.scanner.Object())
	}
	return dst, nil
}

// settle moves to the first object, if there is one, after making sure that no
// object of the record is bad.
func (m *Marker) settle(record []byte) (found bool, err error) {
	m.scanner.Reset(record)
	if !m.scanner.Next() {
		return false, m.scanner.Err()
	}
	if !m.scanner.More() {
		return true, check(m.scanner.Object())
	}
	for more := true; more; more = m.scanner.Next() {
		if err := check(m.scanner.Object()); err != nil {
			return false, err
		}
	}
	if err := m.scanner.Err(); err != nil {
		return false, err
	}
	m.scanner.Reset(record)
	return m.scanner.Next(), nil
}

// check returns an error if nothing can be added to the object.
func check(o *resolverlog.Object) error {
	switch {
	case o.Clash != "":
		return fmt.Errorf("%w: %q is there twice, or in another case", ErrReserved, o.Clash)
	case o.Reserved != "" && verdictOf(o) == "":
		return fmt.Errorf("%w: %q is there without a valid verdict", ErrReserved, o.Reserved)
	case o.OddAnswers:
		return fmt.Errorf("%w: %q", ErrShape, "answers")
	case o.Reserved != "":
		return checkMark(o.Bytes)
	}
	return nil
}

// checkMark returns an error if the members of a mark have not the types of their
// columns. Few objects come marked, so this may be slow.
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

// verdictOf returns the verdict that an object came with, "" if there is none.
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

// object marks one object.
func (m *Marker) object(dst []byte, o *resolverlog.Object) []byte {
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

// decide sets verdict, reason and threat of an object that is not marked yet.
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

// lookUp looks the parts of an object up until one is malicious. The outcome is that
// of m.threat. It also reports whether there is a query name that can be looked up.
func (m *Marker) lookUp(o *resolverlog.Object) (outcome index.Outcome, named bool) {
	m.threat.Match.Outcome = index.None
	if o.QueryName.IsSet() {
		var decided, covered bool
		named, covered, decided = m.name(o.QueryName.Decode(&m.text), QueryName)
		if decided || covered {
			return m.threat.Match.Outcome, named
		}
	}
	for i := range o.Answers {
		if m.answer(&o.Answers[i]) {
			break
		}
	}
	return m.threat.Match.Outcome, named
}

// answer looks one answer up and reports whether it decides. Types other than CNAME,
// A and AAAA hold nothing that a client connects to.
func (m *Marker) answer(a *resolverlog.Answer) (decided bool) {
	switch {
	case isType(a.Type, "CNAME"):
		if m.options.SkipCNAMEs {
			return false
		}
		// The preview shape ends Rdata with a space, which no name ends with as text.
		_, _, decided = m.name(bytes.TrimRight(a.Rdata.Decode(&m.text), " "), Part(a.Index))
		return decided
	case m.addresses && (isType(a.Type, "A") || isType(a.Type, "AAAA")):
		return m.address(bytes.TrimRight(a.Rdata.Decode(&m.text), " "), Part(a.Index))
	default:
		return false
	}
}

func isType(t jsonscan.Text, name string) bool {
	return len(t.Raw()) == len(name) && bytes.EqualFold(t.Raw(), []byte(name))
}

// name looks a name up. It reports whether the name is one, whether an allow feed
// covers it, and whether it decides.
func (m *Marker) name(text []byte, part Part) (valid, covered, decided bool) {
	if err := m.query.Set(text); err != nil {
		return false, false, false
	}
	if !m.index.Match(&m.query, &m.match) {
		return true, m.match.AllowCovered, false
	}
	covered = m.match.AllowCovered
	return true, covered, m.note(m.query.Bytes(), part)
}

// address looks an address up and reports whether it decides.
func (m *Marker) address(text []byte, part Part) (decided bool) {
	address, err := parseAddr(text)
	if err != nil || !m.index.MatchAddr(address, &m.match) {
		return false
	}
	var buf [len("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255")]byte
	return m.note(address.AppendTo(buf[:0]), part)
}

// parseAddr is [netip.ParseAddr] without the copy. A zone is dropped: it would be
// kept, and means nothing in an answer.
func parseAddr(text []byte) (netip.Addr, error) {
	text, _, _ = bytes.Cut(text, []byte{'%'})
	//nolint:gosec // only the error keeps the string, and it goes no further
	address, err := netip.ParseAddr(unsafe.String(unsafe.SliceData(text), len(text)))
	if err != nil {
		return netip.Addr{}, err
	}
	return address, nil
}

// note keeps the match at hand as the object's threat: a malicious one, which
// decides, or the first that was vetoed.
func (m *Marker) note(matched []byte, part Part) (decided bool) {
	decided = m.match.Outcome == index.Malicious
	if !decided && m.threat.Match.Outcome == index.Allowed {
		return false
	}
	m.threat.Match, m.match = m.match, m.threat.Match
	m.threat.Matched = append(m.threat.Matched[:0], matched...)
	m.threat.Part = part
	return decided
}
