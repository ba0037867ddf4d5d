package athena_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/catalog"
)

// oracles calculate the results of the named queries in Go, from the same lines.
var oracles = map[string]func(t *testing.T, lines []line, values map[string]string) [][]any{
	"malicious-hosts":          maliciousHosts,
	"indicators-seen":          indicatorsSeen,
	"timeline":                 timeline,
	"top-indicators":           topIndicators,
	"unknown-verdicts":         unknownVerdicts,
	"nxdomain-ratio":           nxdomainRatio,
	"firewall-against-verdict": firewallAgainstVerdict,
	"around-a-match":           aroundAMatch,
	"coverage":                 coverage,
	"retro-hunt":               retroHunt,
	"host-records":             hostRecords,
	"tunnels":                  tunnels,
	"nxdomain-domains":         nxdomainDomains,
	"first-seen":               firstSeen,
	"beacons":                  beacons,
	"own-resolvers":            ownResolvers,
}

func nameOf(r *marked) string      { return strings.ToLower(r.Name) }
func hostOf(r *marked) string      { return r.host() }
func indicatorOf(r *marked) string { return r.Threat.Indicator }

func maliciousHosts(t *testing.T, lines []line, values map[string]string) (rows [][]any) {
	all := where(records(t, lines, values), malicious)
	_, byIndicator := by(all, indicatorOf)
	prevalence := func(r *marked) int { return len(distinct(byIndicator[r.Threat.Indicator], hostOf)) }
	hosts, groups := by(all, hostOf)
	for _, host := range hosts {
		r := slices.MinFunc(groups[host], func(a, b marked) int {
			return cmp.Or(cmp.Compare(b.severity(), a.severity()), cmp.Compare(prevalence(&a), prevalence(&b)), cmp.Compare(indicatorOf(&a), indicatorOf(&b)))
		})
		first, last := span(groups[host])
		rows = append(rows, []any{r.Account, r.VPC, r.Address, joined(distinct(groups[host], (*marked).instance)),
			r.Threat.Severity, len(groups[host]), len(distinct(groups[host], indicatorOf)), first, last,
			r.Threat.Indicator, prevalence(&r)})
	}
	severity := func(row []any) int { return slices.Index(severities, row[4].(string)) }
	slices.SortStableFunc(rows, func(a, b []any) int {
		return cmp.Or(cmp.Compare(severity(b), severity(a)), cmp.Compare(a[10].(int), b[10].(int)), strings.Compare(b[7].(string), a[7].(string)),
			cmp.Compare(b[5].(int), a[5].(int)))
	})
	return rows
}

func indicatorsSeen(t *testing.T, lines []line, values map[string]string) (rows [][]any) {
	indicators, groups := by(where(records(t, lines, values), malicious), indicatorOf)
	for _, indicator := range indicators {
		feeds := map[string]bool{}
		for _, r := range groups[indicator] {
			for _, feed := range r.Threat.Feeds {
				feeds[feed] = true
			}
		}
		first, last := span(groups[indicator])
		rows = append(rows, []any{indicator, joined(distinct(groups[indicator], func(r *marked) string { return r.Threat.Scope })),
			joined(sortedKeys(feeds)), joined(distinct(groups[indicator], func(r *marked) string { return r.Threat.Category })),
			worst(groups[indicator]).Threat.Severity, first, last, len(groups[indicator]), len(distinct(groups[indicator], hostOf))})
	}
	slices.SortStableFunc(rows, func(a, b []any) int { return strings.Compare(b[6].(string), a[6].(string)) })
	return rows
}

func timeline(t *testing.T, lines []line, values map[string]string) (rows [][]any) {
	keys, groups := by(where(records(t, lines, values), func(r *marked) bool { return r.Verdict != "" }), func(r *marked) string {
		return stamp(r.asked.Truncate(time.Hour)) + " " + r.Account + " " + r.VPC
	})
	for _, key := range keys {
		count := func(verdict string) int {
			return len(where(groups[key], func(r *marked) bool { return r.Verdict == verdict }))
		}
		hour, account, vpc := cut3(key)
		rows = append(rows, []any{hour, account, vpc, len(groups[key]), count("malicious"), count("allowed"), count("unknown"),
			len(distinct(where(groups[key], malicious), hostOf))})
	}
	return rows
}

func topIndicators(t *testing.T, lines []line, values map[string]string) (rows [][]any) {
	var listings []marked // each record once for each of its feeds
	for _, r := range where(records(t, lines, values), malicious) {
		feeds := r.Threat.Feeds
		if len(feeds) == 0 {
			feeds = []string{"(unnamed)"}
		}
		for _, feed := range feeds {
			r.Threat.Feeds = []string{feed}
			listings = append(listings, r)
		}
	}
	lists, groups := by(listings, func(r *marked) string { return r.Threat.Feeds[0] + " " + r.Threat.Category })
	for _, list := range lists {
		feed, category, _ := strings.Cut(list, " ")
		indicators, with := by(groups[list], indicatorOf)
		slices.SortStableFunc(indicators, func(a, b string) int { return cmp.Compare(len(with[b]), len(with[a])) })
		for i, indicator := range indicators {
			rows = append(rows, []any{feed, category, i + 1, indicator, len(with[indicator]), len(distinct(with[indicator], hostOf))})
		}
	}
	return rows
}

func unknownVerdicts(t *testing.T, lines []line, values map[string]string) (rows [][]any) {
	reasons, groups := by(where(records(t, lines, values), func(r *marked) bool { return r.Verdict == "unknown" || r.Verdict == "" }),
		func(r *marked) string {
			switch {
			case r.Verdict == "" && r.Name != "":
				return "not_marked"
			default:
				return cmp.Or(r.Reason, "unreadable_line")
			}
		})
	for _, reason := range reasons {
		hosts := where(groups[reason], func(r *marked) bool { return r.Name != "" })
		first, last := span(groups[reason])
		rows = append(rows, []any{reason, len(groups[reason]), len(distinct(hosts, hostOf)),
			len(distinct(hosts, func(r *marked) string { return r.VPC })), first, last})
	}
	slices.SortStableFunc(rows, func(a, b []any) int { return cmp.Compare(b[1].(int), a[1].(int)) })
	return rows
}

func nxdomainRatio(t *testing.T, lines []line, values map[string]string) (rows [][]any) {
	hosts, groups := by(where(records(t, lines, values), func(r *marked) bool { return r.Verdict != "" }), hostOf)
	for _, host := range hosts {
		none := where(groups[host], func(r *marked) bool { return strings.EqualFold(r.RCODE, "NXDOMAIN") })
		percent := 100 * float64(len(none)) / float64(len(groups[host]))
		if r := groups[host][0]; len(groups[host]) >= 100 {
			rows = append(rows, []any{r.Account, r.VPC, r.Address, joined(distinct(groups[host], (*marked).instance)), len(groups[host]),
				len(none), json.Number(strconv.FormatFloat(percent, 'f', 1, 64)),
				len(distinct(none, nameOf))})
		}
	}
	percent := func(row []any) float64 { return float64(row[5].(int)) / float64(row[4].(int)) }
	slices.SortStableFunc(rows, func(a, b []any) int {
		return cmp.Or(cmp.Compare(percent(b), percent(a)), cmp.Compare(b[5].(int), a[5].(int)))
	})
	return rows
}

func firewallAgainstVerdict(t *testing.T, lines []line, values map[string]string) (rows [][]any) {
	keys, groups := by(where(records(t, lines, values), func(r *marked) bool { return r.Verdict != "" }),
		func(r *marked) string { return cmp.Or(r.Firewall, "none") + " " + r.Verdict })
	for _, key := range keys {
		action, verdict, _ := strings.Cut(key, " ")
		rows = append(rows, []any{action, verdict, len(groups[key]), len(distinct(groups[key], hostOf)),
			len(distinct(groups[key], nameOf))})
	}
	slices.SortStableFunc(rows, func(a, b []any) int {
		return cmp.Or(strings.Compare(a[0].(string), b[0].(string)), cmp.Compare(b[2].(int), a[2].(int)))
	})
	return rows
}

func aroundAMatch(t *testing.T, lines []line, values map[string]string) (rows [][]any) {
	at := moment(values["at"], "")
	minutes, err := strconv.Atoi(values["minutes"])
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range records(t, lines, nil) {
		if r.Address != values["srcaddr"] || values["vpc_id"] != "" && r.VPC != values["vpc_id"] ||
			r.asked.Sub(at).Abs() > time.Duration(minutes)*time.Minute {
			continue
		}
		var data []string
		for _, a := range r.Answers {
			data = append(data, a.Rdata)
		}
		rows = append(rows, []any{stamp(r.asked), r.Account, r.VPC, r.Name, r.RRtype, r.RCODE, orNull(r.Verdict),
			orNull(r.Threat.Indicator),
			strings.Join(data, " ")})
	}
	slices.SortStableFunc(rows, func(a, b []any) int { return strings.Compare(a[0].(string), b[0].(string)) })
	return rows
}

func coverage(t *testing.T, lines []line, values map[string]string) (rows [][]any) {
	logged := map[string]map[string]bool{"*": {}} // days with logs, by VPC
	for _, vpc := range strings.Fields(values["vpcs"]) {
		logged[vpc] = map[string]bool{}
	}
	for _, r := range where(records(t, lines, values), func(r *marked) bool { return r.Verdict != "" }) {
		for _, vpc := range []string{r.VPC, "*"} {
			if logged[vpc] == nil {
				logged[vpc] = map[string]bool{}
			}
			logged[vpc][r.asked.Format(time.DateOnly)] = true
		}
	}
	for day := moment(values["from"], ""); day.Before(moment(values["until"], "")); day = day.AddDate(0, 0, 1) {
		for _, vpc := range sortedKeys(logged) {
			if !logged[vpc][day.Format(time.DateOnly)] {
				var last any
				if days := sortedKeys(logged[vpc]); len(days) > 0 {
					last = days[len(days)-1]
				}
				rows = append(rows, []any{day.Format(time.DateOnly), vpc, last})
			}
		}
	}
	return rows
}

func hostRecords(t *testing.T, lines []line, values map[string]string) (rows [][]any) {
	hosts := strings.Fields(values["hosts"])
	all := where(records(t, lines, values), func(r *marked) bool {
		return slices.Contains(hosts, strings.ReplaceAll(r.host(), " ", "/"))
	})
	slices.SortStableFunc(all, func(a, b marked) int {
		return cmp.Or(a.asked.Compare(b.asked), strings.Compare(a.host(), b.host()), strings.Compare(a.Name, b.Name))
	})
	for _, r := range all {
		var members map[string]json.RawMessage
		if err := json.Unmarshal([]byte(r.text), &members); err != nil {
			t.Fatal(err)
		}
		var row []any
		for _, column := range catalog.LogColumns() {
			row = append(row, cellOf(t, column.Name, members[column.Name]))
		}
		rows = append(rows, append(row, orNull(r.Verdict), orNull(r.Threat.Indicator)))
	}
	return rows
}

// orNull returns text, or NULL if it is empty.
func orNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}

// cellOf converts a member to a text column: anything but a string becomes JSON. The
// members of a map are sorted.
func cellOf(t *testing.T, name string, member json.RawMessage) any {
	t.Helper()
	if member == nil {
		return nil
	}
	var value any
	if name == "answers" {
		value = []map[string]string{}
	}
	if err := json.Unmarshal(member, &value); err != nil {
		t.Fatal(err)
	}
	if text, isText := value.(string); isText {
		return text
	}
	return text(value)
}

func cut3(key string) (a, b, c string) {
	if n, err := fmt.Sscan(key, &a, &b, &c); n != 3 {
		panic(err)
	}
	return a, b, c
}
