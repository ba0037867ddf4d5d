package slow

import (
	"cmp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// GeneratedRule is the rule of the query nxdomain-domains.
type GeneratedRule struct {
	Domains    int // minimum
	Exceptions Exceptions
}

// Generated is a row of the query nxdomain-domains.
type Generated struct {
	Host
	Day                             time.Time
	Domains, WithDigits, Characters int
	Example                         string
}

// GeneratedNames returns the rows of the query nxdomain-domains.
func GeneratedNames(records []Record, rule GeneratedRule) (rows []Generated) { //nolint:gocognit // one plain pass
	type day struct {
		host  Host
		start time.Time
	}
	type owned struct{ account, domain string }
	answered, dead := map[owned]bool{}, map[day]map[string]string{} // the label of each domain
	for i := range records {
		r := &records[i]
		domain, label, _, ok := Registrable(r.Name)
		if !ok || strings.EqualFold(r.Action, "BLOCK") {
			continue
		}
		switch strings.ToUpper(r.RCODE) {
		case "NOERROR":
			answered[owned{r.Account, domain}] = true
		case "NXDOMAIN":
			key := day{r.host(), r.At.UTC().Truncate(24 * time.Hour)}
			if dead[key] == nil {
				dead[key] = map[string]string{}
			}
			dead[key][domain] = label
		}
	}

	for key, domains := range dead {
		row, longest := Generated{Host: key.host, Day: key.start}, -1
		for domain, label := range domains {
			if answered[owned{key.host.Account, domain}] || rule.Exceptions.have(domain, key.host) {
				continue
			}
			size := utf8.RuneCountInString(label)
			row.Domains++
			row.Characters += size
			if strings.ContainsAny(label, "0123456789") {
				row.WithDigits++
			}
			if size > longest || size == longest && domain > row.Example {
				longest, row.Example = size, domain
			}
		}
		if row.Domains >= rule.Domains {
			rows = append(rows, row)
		}
	}
	slices.SortFunc(rows, func(a, b Generated) int {
		return cmp.Or(cmp.Compare(b.Domains, a.Domains), compareHosts(a.Host, b.Host), a.Day.Compare(b.Day))
	})
	return rows
}
