package slow

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// FirstRule is the rule of the query first-seen. The records include those of the history.
type FirstRule struct {
	From       time.Time
	Hosts      int // maximum
	Exceptions Exceptions
}

// First is a row of the query first-seen.
type First struct {
	Host
	Registrable string
	Seen        time.Time
	Hosts       int
	Example     string
	LogsSince   time.Time
}

// FirstSeen returns the rows of the query first-seen.
func FirstSeen(records []Record, rule FirstRule) (rows []First) { //nolint:gocognit // one plain pass
	type owned struct{ account, domain string }
	all, firsts := map[owned]map[Host]*First{}, map[string]time.Time{}
	for i := range records {
		r := &records[i]
		domain, _, _, ok := Registrable(r.Name)
		if !ok {
			continue
		}
		if since := firsts[r.Account]; since.IsZero() || r.At.Before(since) {
			firsts[r.Account] = r.At
		}
		key, name := owned{r.Account, domain}, strings.Join(labels(r.Name), ".")
		if all[key] == nil {
			all[key] = map[Host]*First{}
		}
		row := all[key][r.host()]
		if row == nil {
			row = &First{Host: r.host(), Registrable: domain, Seen: r.At, Example: name}
			all[key][r.host()] = row
		}
		row.Example = min(row.Example, name)
		if r.At.Before(row.Seen) {
			row.Seen = r.At
		}
	}

	for _, hosts := range all {
		known := false
		for _, row := range hosts {
			known = known || row.Seen.Before(rule.From)
		}
		for _, row := range hosts {
			if !known && len(hosts) <= rule.Hosts && !rule.Exceptions.have(row.Registrable, row.Host) {
				row.Hosts, row.LogsSince = len(hosts), firsts[row.Account]
				rows = append(rows, *row)
			}
		}
	}
	slices.SortFunc(rows, func(a, b First) int {
		return cmp.Or(cmp.Compare(a.Hosts, b.Hosts), a.Seen.Compare(b.Seen), compareHosts(a.Host, b.Host),
			cmp.Compare(a.Registrable, b.Registrable))
	})
	return rows
}
