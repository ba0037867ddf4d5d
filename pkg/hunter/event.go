package hunter

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// request is what an event asks for.
type request struct {
	query string
	// at is the time that the period of the query depends on. It is the same if Lambda repeats
	// the event.
	at         time.Time
	parameters map[string]string
	publish    *publish // nil unless the event is about a publish
}

// publish is the detail of the event [settings.EventIndexPublished]. Anyone who may put events on
// the bus can write it.
type publish struct {
	Stack string `json:"stack"`
	Added *int   `json:"added"`
}

// isElsewhere reports whether the publish was that of another stack: all stacks of an account
// share the bus.
func (p *publish) isElsewhere(stack string) bool { return p.Stack != stack }

// addsNothing reports whether the publish has no new indicators. If their number is not known,
// there may be some.
func (p *publish) addsNothing() bool { return p.Added != nil && *p.Added <= 0 }

// errUnknownEvent reports an event that asks for nothing.
var errUnknownEvent = errors.New(`unknown event: must be {"query":"<name>"} or the event ` +
	settings.EventIndexPublished + ` of the source ` + settings.EventSource)

// queryName matches the names of queries. They become values of a dimension, and the notifier accepts
// no others.
var queryName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,63}$`)

// decodeEvent reads an event: `{"query":"tunnels","at":"2026-11-30T10:00:00Z"}`, with optional
// `parameters`, from a schedule or a person; or the event of a publish from the event bus.
func decodeEvent(text []byte, now time.Time) (request, error) {
	var e struct {
		Query      string            `json:"query"`
		At         string            `json:"at"`
		Parameters map[string]string `json:"parameters"`

		Source     string   `json:"source"`
		DetailType string   `json:"detail-type"`
		Time       string   `json:"time"`
		Detail     *publish `json:"detail"`
	}
	if err := json.Unmarshal(text, &e); err != nil {
		return request{}, fmt.Errorf("decoding the event: %w", err)
	}

	switch {
	case e.Source == settings.EventSource && e.DetailType == settings.EventIndexPublished && e.Detail != nil:
		return request{query: settings.QueryRetroHunt, at: moment(e.Time, now), publish: e.Detail}, nil
	case e.Query == "":
		return request{}, errUnknownEvent
	case !queryName.MatchString(e.Query):
		return request{}, fmt.Errorf("query %q: must begin with a letter and have at most 64 characters of a-z, 0-9 and -", e.Query)
	}
	return request{query: e.Query, at: moment(e.At, now), parameters: e.Parameters}, nil
}

// Bounds of the time of an event. Its sender chooses it, and a repeat comes within hours.
const (
	maxEventAge  = 6 * time.Hour
	maxClockSkew = 5 * time.Minute
)

// moment returns the time in an event, or now if the event has none that is recent.
func moment(text string, now time.Time) time.Time {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil || at.Before(now.Add(-maxEventAge)) || at.After(now.Add(maxClockSkew)) {
		return now
	}
	return at.UTC().Truncate(time.Second)
}
