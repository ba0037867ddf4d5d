package slow

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// TunnelRule is the rule of the query tunnels.
type TunnelRule struct {
	Window            time.Duration
	Names, Characters int // minimum
	Exceptions        Exceptions
}

// Tunnel is a row of the query tunnels.
type Tunnel struct {
	Host
	Registrable       string
	Start             time.Time // of the window
	Names, Characters int
	Example           string
}

// Tunnels returns the rows of the query tunnels.
func Tunnels(records []Record, rule TunnelRule) (rows []Tunnel) {
	type group struct {
		host        Host
		registrable string
		start       time.Time
	}
	groups := map[group]map[string]int{} // characters of each distinct text below the domain
	for i := range records {
		r := &records[i]
		domain, _, below, ok := Registrable(r.Name)
		if !ok || len(below) == 0 || rule.Exceptions.have(domain, r.host()) {
			continue
		}
		key := group{r.host(), domain, r.At.UTC().Truncate(rule.Window)}
		if groups[key] == nil {
			groups[key] = map[string]int{}
		}
		groups[key][strings.Join(below, ".")] = Characters(below)
	}

	for key, names := range groups {
		row := Tunnel{Host: key.host, Registrable: key.registrable, Start: key.start, Names: len(names)}
		for _, characters := range names {
			row.Characters += characters
		}
		if row.Names < rule.Names || row.Characters < rule.Characters {
			continue
		}
		row.Example = slices.MaxFunc(slices.Collect(maps.Keys(names)), func(a, b string) int {
			return cmp.Or(cmp.Compare(names[a], names[b]), cmp.Compare(a, b))
		}) + "." + key.registrable
		rows = append(rows, row)
	}
	slices.SortFunc(rows, func(a, b Tunnel) int {
		return cmp.Or(cmp.Compare(b.Characters, a.Characters), compareHosts(a.Host, b.Host), cmp.Compare(a.Registrable, b.Registrable),
			a.Start.Compare(b.Start))
	})
	return rows
}

// Characters returns the number of characters of labels.
func Characters(labels []string) (sum int) {
	for _, label := range labels {
		sum += utf8.RuneCountInString(label)
	}
	return sum
}
