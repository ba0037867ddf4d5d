package notifier

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/alert"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
)

// The detail types of events. docs/schemas has a schema for each. Members may be added to a
// version. To remove or change one, add a version, and send both for a release.
const (
	detailMatch     = "Malicious query"
	detailStorm     = "Malicious query storm"
	detailBehaviour = "Suspicious behaviour"
)

// eventVersion is the version of the schemas.
const eventVersion = 1

// alertDetail is the detail of an event about one match.
type alertDetail struct {
	Version    int              `json:"version"`
	ID         string           `json:"id"`
	MatchID    string           `json:"match_id"`
	Origin     alert.Origin     `json:"origin"`
	Stack      string           `json:"stack"`
	Query      string           `json:"query,omitempty"`
	Test       bool             `json:"test,omitempty"`
	Host       hostDetail       `json:"host"`
	Indicator  *indicatorDetail `json:"indicator,omitempty"`
	Behaviour  *behaviourDetail `json:"behaviour,omitempty"`
	Severity   string           `json:"severity"`
	Firewall   string           `json:"firewall"`
	Records    int              `json:"records"`
	FirstSeen  time.Time        `json:"first_seen"`
	LastSeen   time.Time        `json:"last_seen"`
	Window     windowDetail     `json:"window"`
	Generation uint64           `json:"generation,omitempty"`
}

type hostDetail struct {
	AccountID string `json:"account_id"`
	Region    string `json:"region,omitempty"`
	VPCID     string `json:"vpc_id"`
	SrcAddr   string `json:"srcaddr"`
	Instance  string `json:"instance,omitempty"`
}

type indicatorDetail struct {
	Value      string            `json:"value"`
	Scope      string            `json:"scope"`
	Matched    string            `json:"matched,omitempty"`
	Part       string            `json:"part,omitempty"`
	Feeds      []string          `json:"feeds"`
	Category   string            `json:"category,omitempty"`
	Confidence int               `json:"confidence,omitempty"`
	Details    map[string]string `json:"details,omitempty"`
}

// behaviourDetail is what a scheduled query found that is not about an indicator.
type behaviourDetail struct {
	Name    string            `json:"name"`    // of the query
	Subject string            `json:"subject"` // such as a registrable domain or a day
	Details map[string]string `json:"details,omitempty"`
}

type windowDetail struct {
	From  time.Time `json:"from"`
	Until time.Time `json:"until"`
	// SentBefore is true if an alert about the same host and indicator was sent before.
	SentBefore bool `json:"sent_before"`
	// Suppressed counts the records since that alert that were not reported.
	Suppressed int `json:"suppressed_records"`
}

// stormDetail is the detail of an event about alerts that got no event of their own.
type stormDetail struct {
	Version int       `json:"version"`
	ID      string    `json:"id"`
	Stack   string    `json:"stack"`
	At      time.Time `json:"at"`
	*tally
}

// isBehaviour reports whether a row of a scheduled query is about a behaviour, rather than an
// indicator of a list.
func isBehaviour(m *match) bool {
	_, err := indicator.ParseAnyScope(m.row.Scope)
	return m.origin == alert.OriginHunt && err != nil
}

// event returns the event of a claim.
func (co *composer) event(c *claim) Event {
	detail := co.detail(c)
	kind := detailMatch
	if detail.Behaviour != nil {
		kind = detailBehaviour
	}
	return Event{DetailType: kind, Detail: encode(detail), Time: co.now()}
}

func (co *composer) detail(c *claim) *alertDetail {
	row := &c.row
	detail := &alertDetail{
		Version: eventVersion, ID: c.id, MatchID: digestOf(c.key), Origin: c.origin, Stack: bounded(c.stack, maxWord),
		Query: c.query,
		Host: hostDetail{
			AccountID: bounded(row.AccountID, maxWord),
			Region:    bounded(row.Region, maxWord),
			VPCID:     bounded(row.VPCID, maxWord),
			SrcAddr:   bounded(row.SrcAddr, maxWord),
			Instance:  bounded(row.Instance, maxWord),
		},
		Severity:  severityOf(row.Severity).String(),
		Firewall:  firewallOf(row.Firewall),
		Records:   row.Records,
		FirstSeen: row.FirstSeen.UTC(), LastSeen: row.LastSeen.UTC(),
		Window: windowDetail{
			From: c.sent.WindowFrom, Until: c.sent.WindowFrom.Add(window(&co.settings.Alerting, c.match)),
			SentBefore: !c.sent.SentBefore.IsZero(), Suppressed: c.sent.Suppressed,
		},
		Generation: c.generation,
	}
	if isBehaviour(c.match) {
		detail.Behaviour = &behaviourDetail{
			Name: c.query, Subject: bounded(row.Indicator, maxText), Details: boundedDetails(row.Details),
		}
	} else {
		detail.Indicator = newIndicatorDetail(row)
	}
	return detail
}

func newIndicatorDetail(row *alert.Row) *indicatorDetail {
	feeds := []string{}
	for _, feed := range row.Feeds[:min(len(row.Feeds), maxFeeds)] {
		feeds = append(feeds, bounded(feed, maxWord))
	}
	scope := indicator.ScopeName
	if known, err := indicator.ParseAnyScope(row.Scope); err == nil {
		scope = known
	}
	return &indicatorDetail{
		Value:      bounded(row.Indicator, maxText),
		Scope:      scope.String(),
		Matched:    bounded(row.Matched, maxText),
		Part:       bounded(row.Part, maxWord),
		Feeds:      feeds,
		Category:   bounded(row.Category, maxWord),
		Confidence: min(max(row.Confidence, 0), 100),
		Details:    boundedDetails(row.Details),
	}
}

// boundedDetails returns the first details by name.
func boundedDetails(details map[string]string) map[string]string {
	out := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(details)) {
		if len(out) < maxDetails {
			out[bounded(name, maxWord)] = bounded(details[name], maxText)
		}
	}
	return out
}

// firewallOf returns what DNS Firewall did.
func firewallOf(text string) string {
	if text == "ALERT" || text == "BLOCK" {
		return text
	}
	return "none"
}

// stormEvent returns the event about alerts that got no event of their own. id is the same if
// the same alerts are reported again.
func (co *composer) stormEvent(id string, t *tally) Event {
	sum := *t
	sum.Hosts = append([]hostLine{}, t.Hosts[:min(len(t.Hosts), stormHosts)]...)
	return Event{DetailType: detailStorm, Time: co.now(), Detail: encode(&stormDetail{
		Version: eventVersion, ID: id, Stack: bounded(co.settings.Stack, maxWord), At: co.now(), tally: &sum,
	})}
}

// encode returns JSON. Values here always have one.
func encode(value any) []byte {
	text, err := json.Marshal(value)
	if err != nil {
		panic(fmt.Errorf("encoding texts, numbers and times: %w", err))
	}
	return text
}
