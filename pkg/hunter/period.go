package hunter

import (
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/settings"
)

// period is the time that a run asks about.
type period struct {
	from, until time.Time
	parameters  map[string]string // of the query, those that it has are set
}

// Names of queries that are treated in a special way.
const (
	queryCoverage  = "coverage"
	queryFirstSeen = "first-seen"
	queryTunnels   = "tunnels"
	queryGenerated = "nxdomain-domains"
)

const day = 24 * time.Hour

// coverageDays is how many days the query for gaps looks at. A VPC that logged on none of them is
// not known to it.
const coverageDays = 7

// newPeriod returns the period of a query that runs at a time. The newest logs are left out,
// because their delivery is still under way.
func newPeriod(query string, at time.Time, s *settings.HunterFunction) period {
	from, until := at.Add(-s.LookBack.Std()), at.Add(-settings.QueryDelay)
	switch query {
	case queryTunnels, queryGenerated:
		// They count by days. A day that is cut off would have too small counts.
		from = from.Truncate(day)
	case queryCoverage:
		// Only a day that is over can be a gap.
		until = at.Truncate(day)
		from = until.Add(-coverageDays * day)
	case queryFirstSeen:
		from = until.Add(-day)
	}
	return period{from, until, bounds(from, until)}
}

// bounds returns the parameters that all of our queries have.
func bounds(from, until time.Time) map[string]string {
	return map[string]string{"from": from.Format(time.RFC3339), "until": until.Format(time.RFC3339)}
}

// publishMargin is how much earlier than the last retro-hunt the next one begins to look for new
// entries. An entry gets its time when its list is accepted, and the index with it is published
// some minutes later.
const publishMargin = time.Hour

// newRetroPeriod returns the period of a retro-hunt: entries since the last one, in all logs of
// the look-back.
func newRetroPeriod(at, last time.Time, s *settings.HunterFunction) period {
	from, until := at.Add(-s.RetroLookBack.Std()), at.Add(-settings.QueryDelay)
	since := last.Add(-publishMargin)
	if recent := at.Add(-s.LookBack.Std()); since.After(recent) {
		since = recent
	}
	if since.Before(from) {
		since = from
	}
	p := period{from, until, bounds(from, until)}
	p.parameters["since"] = since.Format(time.RFC3339)
	return p
}
