package slow

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"
)

// ResolverRule is the rule of the query own-resolvers.
type ResolverRule struct {
	Category   string
	Canaries   []string
	Exceptions Exceptions
}

// OwnResolver is a row of the query own-resolvers.
type OwnResolver struct {
	Host
	Name, Reason, Feeds string
	Queries             int
	First, Last         time.Time
}

// OwnResolvers returns the rows of the query own-resolvers.
func OwnResolvers(records []Record, rule ResolverRule) []OwnResolver {
	type key struct {
		asker
		reason string
	}
	rows := map[key]*OwnResolver{}
	for i := range records {
		r := &records[i]
		name, reason := strings.Join(labels(r.Name), "."), "canary"
		if r.Verdict == "malicious" && r.Category == rule.Category {
			reason = "listed"
		}
		if reason == "canary" && !slices.Contains(rule.Canaries, name) || rule.Exceptions.have(name, r.host()) {
			continue
		}
		k := key{asker{r.host(), name}, reason}
		row := rows[k]
		if row == nil {
			row = &OwnResolver{Host: r.host(), Name: name, Reason: reason, First: r.At, Last: r.At}
			rows[k] = row
		}
		row.Queries++
		if r.At.Before(row.First) {
			row.First = r.At
		}
		if r.At.After(row.Last) {
			row.Last = r.At
		}
		if reason == "listed" {
			feeds := append(strings.Fields(row.Feeds), r.Feeds...)
			slices.Sort(feeds)
			row.Feeds = strings.Join(slices.Compact(feeds), " ")
		}
	}

	var all []OwnResolver
	for _, row := range slices.Collect(maps.Values(rows)) {
		all = append(all, *row)
	}
	slices.SortFunc(all, func(a, b OwnResolver) int {
		return cmp.Or(a.First.Compare(b.First), compareHosts(a.Host, b.Host), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Reason, b.Reason))
	})
	return all
}
