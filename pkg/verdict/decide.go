package verdict

import (
	"bytes"
	"net/netip"
	"unsafe"

	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/jsonscan"
	"github.com/resolverwatch/resolverwatch/pkg/resolverlog"
)

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
