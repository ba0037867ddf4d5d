package cli

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/resolverwatch/resolverwatch/internal/sighting"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/resolverlog"
	"github.com/resolverwatch/resolverwatch/pkg/verdict"
)

// sighting says of a malicious or allowed record who asked for what.
func (w *scanWorker) sighting(m *verdict.Mark) sighting.Sighting {
	o := m.Object
	seen := sighting.Sighting{
		Host:    sighting.Host{Account: w.string(o.AccountID), VPC: w.string(o.VPCID), Address: w.string(o.SourceAddr)},
		Time:    w.string(o.QueryTimestamp),
		Name:    w.string(o.QueryName),
		Verdict: string(m.Verdict),
	}
	if m.Threat == nil {
		fromMarked(o, &seen)
		return seen
	}
	match := &m.Threat.Match
	seen.Part, seen.Matched, seen.Severity = m.Threat.Part.String(), string(m.Threat.Matched), match.Severity
	seen.Threat = sighting.Threat{
		Indicator: string(match.Indicator), Scope: match.Scope.String(), Category: string(match.Category),
	}
	seen.Threat.Feeds = joinFeeds(match.Feeds)
	if len(match.AllowedBy.Indicator) > 0 {
		seen.Threat.AllowedBy = fmt.Sprintf("%s (%s)", match.AllowedBy.Indicator, match.AllowedBy.Feed)
	}
	return seen
}

// markedReason returns the reason of an unknown record that came with it.
func markedReason(m *verdict.Mark) verdict.Reason {
	var marked struct {
		Reason verdict.Reason `json:"verdict_reason"`
	}
	if m.Verdict != verdict.Unknown || json.Unmarshal(m.Object.Bytes, &marked) != nil {
		return ""
	}
	switch marked.Reason {
	case verdict.NoIndex, verdict.Timeout, verdict.BadName, verdict.StaleIndex:
		return marked.Reason
	}
	return "" // somebody else's word
}

// fromMarked fills in the threat of a record that came with one.
func fromMarked(o *resolverlog.Object, seen *sighting.Sighting) {
	var marked struct {
		Threat struct {
			Indicator, Scope, Part, Matched, Category, Severity string
			Feeds                                               []string
			AllowedBy                                           string `json:"allowed_by"`
		}
	}
	if json.Unmarshal(o.Bytes, &marked) != nil {
		return // somebody else's verdict: what it says is counted, no more is known
	}
	threat := marked.Threat
	seen.Part, seen.Matched = threat.Part, threat.Matched
	seen.Threat = sighting.Threat{
		Indicator: threat.Indicator, Scope: threat.Scope, Feeds: strings.Join(threat.Feeds, ", "),
		Category: threat.Category, AllowedBy: threat.AllowedBy,
	}
	if severity, err := indicator.ParseSeverity(threat.Severity); err == nil {
		seen.Severity = severity
	}
}
