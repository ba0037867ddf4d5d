package slow

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// BeaconRule is the rule of the query beacons.
type BeaconRule struct {
	Queries    int // minimum
	Hosts      int // maximum
	Spread     int // maximum, in percent
	Duration   time.Duration
	Exceptions Exceptions
}

// Beacon is a row of the query beacons.
type Beacon struct {
	Host
	Name           string
	Queries, Hosts int
	Median         int // seconds
	Spread         float64
	First, Last    time.Time
}

// asker is a host and a name that it queries.
type asker struct {
	host Host
	name string
}

// Beacons returns the rows of the query beacons.
func Beacons(records []Record, rule BeaconRule) (rows []Beacon) {
	asked, hosts := map[asker][]time.Time{}, map[string]int{}
	for i := range records {
		r := &records[i]
		all := labels(r.Name)
		if local(all) {
			continue
		}
		key := asker{r.host(), strings.Join(all, ".")}
		if asked[key] == nil {
			hosts[key.name]++
		}
		asked[key] = append(asked[key], r.At.Truncate(time.Second))
	}

	for key, times := range asked {
		slices.SortFunc(times, time.Time.Compare)
		times = slices.CompactFunc(times, time.Time.Equal)
		row := Beacon{Host: key.host, Name: key.name, Queries: len(times), Hosts: hosts[key.name], First: times[0], Last: times[len(times)-1]}
		if row.Queries < max(rule.Queries, 2) || row.Hosts > rule.Hosts || row.Last.Sub(row.First) < rule.Duration ||
			rule.Exceptions.have(key.name, key.host) {
			continue
		}
		var gaps []int
		for i := range times[1:] {
			gaps = append(gaps, int(times[i+1].Sub(times[i])/time.Second))
		}
		slices.Sort(gaps)
		quartile := func(n int) int { return gaps[(n*len(gaps)+3)/4-1] }
		row.Median = quartile(2)
		row.Spread = 100 * float64(quartile(3)-quartile(1)) / float64(row.Median)
		if row.Spread <= float64(rule.Spread) {
			rows = append(rows, row)
		}
	}
	slices.SortFunc(rows, func(a, b Beacon) int {
		return cmp.Or(cmp.Compare(b.Queries, a.Queries), compareHosts(a.Host, b.Host), cmp.Compare(a.Name, b.Name))
	})
	return rows
}
