// Package sighting collects what marked records say about machines: which host asked for
// which indicator, when, and how often. Marked records go in, a [Summary] or a [Table]
// comes out. Summaries can be merged, so that parts of the input can be read in parallel.
package sighting

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/resolverlog"
	"github.com/resolverwatch/resolverwatch/pkg/verdict"
)

// Sighting is one record with a malicious or allowed part.
type Sighting struct {
	host     Host
	time     string // when it was logged, see [resolverlog.Object.AppendTime]
	name     string // query_name, as logged
	verdict  string
	part     string // query_name or answers[i]
	matched  string // the name or address that was found there
	threat   matchedThreat
	severity indicator.Severity
}

// Host identifies the machine that asked. The instance is not part of it, because not
// every record has one.
type Host struct{ Account, VPC, Address string }

// matchedThreat is the indicator that matched.
type matchedThreat struct {
	indicator, scope string
	feeds            string // see [JoinFeeds]
	category         string
	allowedBy        string // the vetoing entry and its feed; empty unless it was vetoed
}

// HostOf returns the host that sent a query.
func HostOf(o *resolverlog.Object) Host {
	var scratch []byte
	return Host{
		Account: string(o.AccountID.Decode(&scratch)),
		VPC:     string(o.VPCID.Decode(&scratch)),
		Address: string(o.SourceAddr.Decode(&scratch)),
	}
}

// bytes returns the length of the texts of a host.
func (h *Host) bytes() int { return len(h.Account) + len(h.VPC) + len(h.Address) }

func compareHosts(a, b Host) int {
	return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.VPC, b.VPC), cmp.Compare(a.Address, b.Address))
}

// FromMark returns the sighting of a malicious or allowed record.
func FromMark(m *verdict.Mark) Sighting {
	o := m.Object
	var scratch []byte
	s := Sighting{
		host:    HostOf(o),
		time:    string(o.AppendTime(nil)),
		name:    string(o.QueryName.Decode(&scratch)),
		verdict: string(m.Verdict),
	}

	if m.Threat == nil {
		s.readThreat(o)
		return s
	}

	match := &m.Threat.Match
	s.part, s.matched, s.severity = m.Threat.Part.String(), string(m.Threat.Matched), match.Severity
	s.threat = matchedThreat{
		indicator: string(match.Indicator),
		scope:     match.Scope.String(),
		feeds:     JoinFeeds(match.Feeds),
		category:  string(match.Category),
	}
	if len(match.AllowedBy.Indicator) > 0 {
		s.threat.allowedBy = fmt.Sprintf("%s (%s)", match.AllowedBy.Indicator, match.AllowedBy.Feed)
	}
	return s
}

// Columns returns the names of the columns of [Sighting.Cells].
func Columns() []string {
	return []string{"query_timestamp", "account_id", "vpc_id", "srcaddr", "query_name", "verdict", "part", "matched",
		"indicator", "scope", "feeds", "category", "severity", "allowed_by"}
}

// Cells returns the sighting as a row.
func (s *Sighting) Cells() []string {
	severity := ""
	if s.severity != 0 {
		severity = s.severity.String()
	}
	return []string{s.time, s.host.Account, s.host.VPC, s.host.Address, s.name, s.verdict, s.part, s.matched,
		s.threat.indicator, s.threat.scope, s.threat.feeds, s.threat.category, severity, s.threat.allowedBy}
}

// VPC returns the VPC of the host.
func (s *Sighting) VPC() string { return s.host.VPC }

// Severity returns the severity of the indicator, or 0 if the record does not say it.
func (s *Sighting) Severity() indicator.Severity { return s.severity }

// readThreat reads the threat from a record that was already marked. If the member threat
// is not ours, the sighting has no details.
func (s *Sighting) readThreat(o *resolverlog.Object) {
	var marked struct {
		Threat struct {
			Indicator, Scope, Part, Matched, Category, Severity string
			Feeds                                               []string
			AllowedBy                                           string `json:"allowed_by"`
		}
	}
	if json.Unmarshal(o.Bytes, &marked) != nil {
		return
	}

	threat := marked.Threat
	s.part, s.matched = threat.Part, threat.Matched
	s.threat = matchedThreat{
		indicator: threat.Indicator,
		scope:     threat.Scope,
		feeds:     strings.Join(threat.Feeds, feedSeparator),
		category:  threat.Category,
		allowedBy: threat.AllowedBy,
	}
	if severity, err := indicator.ParseSeverity(threat.Severity); err == nil {
		s.severity = severity
	}
}

// unknownReason returns why a record is unknown. The reason of a record that was already
// marked is read from the record; a reason that we do not write is ignored.
func unknownReason(m *verdict.Mark) verdict.Reason {
	if !m.AlreadyMarked || m.Verdict != verdict.Unknown {
		return m.Reason
	}

	var marked struct {
		Reason verdict.Reason `json:"verdict_reason"`
	}
	if json.Unmarshal(m.Object.Bytes, &marked) != nil {
		return ""
	}
	switch marked.Reason {
	case verdict.NoIndex, verdict.Timeout, verdict.BadName, verdict.StaleIndex:
		return marked.Reason
	}
	return ""
}

// feedSeparator separates the feeds of a matchedThreat.
const feedSeparator = ", "

// JoinFeeds returns feed ids as text, separated by a comma and a space.
func JoinFeeds(feeds []indicator.FeedID) string {
	texts := make([]string, len(feeds))
	for i, feed := range feeds {
		texts[i] = string(feed)
	}
	return strings.Join(texts, feedSeparator)
}
