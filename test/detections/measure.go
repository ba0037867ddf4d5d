package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/resolverwatch/resolverwatch/internal/sighting"
	"github.com/resolverwatch/resolverwatch/test/detections/made"
	"github.com/resolverwatch/resolverwatch/test/detections/slow"
)

func compareTunnels(a, b sighting.Tunnel) int {
	return cmp.Or(cmp.Compare(a.Address, b.Address), cmp.Compare(a.Registrable, b.Registrable), cmp.Compare(a.Day, b.Day))
}

// sameTunnel reports whether a counter found what the slow count want found. An estimate may
// be off by a fifth.
func sameTunnel(want, got sighting.Tunnel) bool {
	if want.Exact {
		return want == got
	}
	near := func(a, b int) bool { return 5*max(a-b, b-a) <= a }
	return compareTunnels(want, got) == 0 && near(want.Names, got.Names) && near(want.Characters, got.Characters) && !got.Exact
}

// table is a table of docs/detections.md.
type table struct{ name, text string }

func tables(fleet, history *made.Log) []table {
	return []table{
		{"tunnels by rule", tunnelsByRule(fleet)},
		{"tunnels by shape", tunnelsByShape(fleet)},
		{"generated names by rule", generatedByRule(fleet)},
		{"generated names by family", generatedByFamily(fleet)},
		{"false results", falseResults(fleet)},
		{"beacons", beacons(fleet)},
		{"first seen", firstSeen(history)},
	}
}

// grid writes a table in Markdown.
func grid(head string, rows ...string) string {
	columns := strings.Count(head, "|") + 1
	return "| " + head + " |\n|" + strings.Repeat(" --- |", columns) + "\n| " + strings.Join(rows, " |\n| ") + " |\n"
}

// hostsOf counts the hosts of which something is to be found, by the column of their pace.
func hostsOf(log *made.Log, found map[slow.Host]bool, what made.What, paces []string) (counts []string) {
	for _, pace := range paces {
		n, of := 0, 0
		for host, kind := range log.Hosts {
			if kind.What == what && kind.Pace == pace {
				of++
				if found[host] {
					n++
				}
			}
		}
		counts = append(counts, fmt.Sprintf("%d of %d", n, of))
	}
	return counts
}

// tunnelRules are rules that can be given as parameters of the query.
var tunnelRules = []struct {
	name string
	rule slow.TunnelRule
}{
	{"hour: 100 names", slow.TunnelRule{Window: time.Hour, Names: 100}},
	{"hour: 20 names and 1,000 characters", slow.TunnelRule{Window: time.Hour, Names: 20, Characters: 1000}},
	{"day: 50 names and 1,000 characters", slow.TunnelRule{Window: 24 * time.Hour, Names: 50, Characters: 1000}},
	{"day: 100 names", slow.TunnelRule{Window: 24 * time.Hour, Names: 100}},
	{"**day: 100 names and 4,000 characters** (default)", slow.DefaultTunnels()},
	{"day: 200 names and 8,000 characters", slow.TunnelRule{Window: 24 * time.Hour, Names: 200, Characters: 8000}},
}

// tunnelHosts returns the hosts with tunnels that a rule finds, and its false results.
func tunnelHosts(log *made.Log, rule slow.TunnelRule) (found map[slow.Host]bool, wrong []slow.Tunnel) {
	found = map[slow.Host]bool{}
	for _, row := range slow.Tunnels(log.Records, rule) {
		if log.Hosts[row.Host].What == made.Tunnel && strings.HasPrefix(row.Registrable, "relay") {
			found[row.Host] = true
		} else {
			wrong = append(wrong, row)
		}
	}
	return found, wrong
}

func tunnelsByRule(log *made.Log) string {
	var rows []string
	for _, r := range tunnelRules {
		r.rule.Exceptions = ""
		_, all := tunnelHosts(log, r.rule)
		r.rule.Exceptions = slow.DefaultTunnels().Exceptions
		found, wrong := tunnelHosts(log, r.rule)
		hosts := map[slow.Host]bool{}
		for _, row := range wrong {
			hosts[row.Host] = true
		}
		cells := append([]string{r.name}, hostsOf(log, found, made.Tunnel, made.Paces)...)
		rows = append(rows, strings.Join(append(cells, fmt.Sprint(len(all)), fmt.Sprintf("%d, hosts: %d", len(wrong), len(hosts))), " | "))
	}
	return grid("rule | "+strings.Join(made.Paces, " | ")+" | false, no exceptions | false, default exceptions", rows...)
}

// byPace returns a row for each name of a kind: what each of its paces gave.
func byPace(log *made.Log, what made.What, paces []string, cell func(slow.Host) string) (rows []string) {
	names, cells := []string{}, map[string]map[string]string{}
	for _, host := range slices.SortedFunc(maps.Keys(log.Hosts), func(a, b slow.Host) int { return cmp.Compare(a.String(), b.String()) }) {
		kind := log.Hosts[host]
		if kind.What != what {
			continue
		}
		if cells[kind.Name] == nil {
			cells[kind.Name] = map[string]string{}
			names = append(names, kind.Name)
		}
		cells[kind.Name][kind.Pace] = cell(host)
	}
	slices.Sort(names)
	for _, name := range names {
		row := name
		for _, pace := range paces {
			row += " | " + cells[name][pace]
		}
		rows = append(rows, row)
	}
	return rows
}

func tunnelsByShape(log *made.Log) string {
	found, _ := tunnelHosts(log, slow.DefaultTunnels())
	rows := byPace(log, made.Tunnel, made.Paces, func(host slow.Host) string {
		if found[host] {
			return "found"
		}
		return "missed"
	})
	return grid("names | "+strings.Join(made.Paces, " | "), rows...)
}

// kindsOf returns the kinds of hosts, with their number.
func kindsOf(log *made.Log, hosts map[slow.Host]bool) string {
	counts := map[string]int{}
	for host := range hosts {
		counts[log.Hosts[host].Name]++
	}
	var texts []string
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		texts = append(texts, fmt.Sprintf("%d %s", counts[name], name))
	}
	return cmp.Or(strings.Join(texts, ", "), "none")
}

func generatedHosts(log *made.Log, domains int) (found, wrong map[slow.Host]bool, counts map[slow.Host]int) {
	found, wrong, counts = map[slow.Host]bool{}, map[slow.Host]bool{}, map[slow.Host]int{}
	for _, row := range slow.GeneratedNames(log.Records, slow.GeneratedRule{Domains: domains}) {
		if log.Hosts[row.Host].What == made.Generated {
			found[row.Host], counts[row.Host] = true, row.Domains
		} else {
			wrong[row.Host] = true
		}
	}
	return found, wrong, counts
}

func generatedByRule(log *made.Log) string {
	var rows []string
	for _, domains := range []int{5, 10, 20, 40, 100} {
		name := fmt.Sprintf("day: %d domains", domains)
		if domains == slow.DefaultGenerated().Domains {
			name = "**" + name + "** (default)"
		}
		found, wrong, _ := generatedHosts(log, domains)
		cells := append([]string{name}, hostsOf(log, found, made.Generated, made.FamilyPaces)...)
		rows = append(rows, strings.Join(append(cells, kindsOf(log, wrong)), " | "))
	}
	return grid("rule | "+strings.Join(made.FamilyPaces, " | ")+" | false hosts", rows...)
}

func generatedByFamily(log *made.Log) string {
	_, _, counts := generatedHosts(log, slow.DefaultGenerated().Domains)
	rows := byPace(log, made.Generated, made.FamilyPaces, func(host slow.Host) string {
		if counts[host] == 0 {
			return "missed"
		}
		return fmt.Sprintf("found, %d domains", counts[host])
	})
	return grid("family | "+strings.Join(made.FamilyPaces, " | "), rows...)
}

// falseResults lists what each kind of ordinary host is taken for, with the default rules.
func falseResults(log *made.Log) string {
	_, tunnels := tunnelHosts(log, slow.DefaultTunnels())
	unexcepted := slow.DefaultTunnels()
	unexcepted.Exceptions = ""
	_, allTunnels := tunnelHosts(log, unexcepted)
	_, generated, _ := generatedHosts(log, slow.DefaultGenerated().Domains)
	hostsOfRows := func(rows []slow.Tunnel) map[slow.Host]bool {
		hosts := map[slow.Host]bool{}
		for _, row := range rows {
			hosts[row.Host] = true
		}
		return hosts
	}

	hosts := map[string]int{}
	for _, kind := range log.Hosts {
		if kind.What == made.Nothing {
			hosts[kind.Name]++
		}
	}
	var rows []string
	for _, name := range slices.Sorted(maps.Keys(hosts)) {
		row := fmt.Sprintf("%s | %d", name, hosts[name])
		for _, found := range []map[slow.Host]bool{hostsOfRows(allTunnels), hostsOfRows(tunnels), generated} {
			n := 0
			for host := range found {
				if log.Hosts[host].Name == name {
					n++
				}
			}
			row += fmt.Sprintf(" | %d", n)
		}
		rows = append(rows, row)
	}
	return grid("hosts | number | taken for a tunnel, no exceptions | taken for a tunnel | taken for generated names", rows...)
}
