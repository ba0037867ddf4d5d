package made

import (
	"fmt"
	"time"
)

// Jitters are by how much, in percent, the times of beacons vary.
var Jitters = []int{0, 10, 30, 50}

// BeaconPaces are the caches between the hosts with beacons and the logs.
var BeaconPaces = []string{"TTL 60 s", "TTL 1 h"}

// BeaconPeriods are the times between the queries of beacons.
var BeaconPeriods = []time.Duration{5 * time.Minute, 10 * time.Minute, 20 * time.Minute, 30 * time.Minute}

// JitterName returns the name of the rule of beacons with a jitter.
func JitterName(jitter int) string { return fmt.Sprintf("jitter %d %%", jitter) }

// BeaconDays is the number of days of the beacons, of which [Day] is the first.
const BeaconDays = 3

// beacons adds a host for each period, jitter and cache. Resolver logs only what its cache
// cannot answer.
func (m *maker) beacons() { //nolint:gocognit // one plain pass
	for _, cache := range BeaconPaces {
		ttl := time.Minute
		if cache == BeaconPaces[1] {
			ttl = time.Hour
		}
		for _, jitter := range Jitters {
			for _, period := range BeaconPeriods {
				host := m.host(Kind{Name: JitterName(jitter), Pace: cache, What: Beacon})
				name := fmt.Sprintf("c2.order%d.zz", len(m.log.Hosts))
				cached := -ttl
				for at := time.Duration(0); at < BeaconDays*day; at += period + time.Duration(float64(period)*float64(jitter)/100*(2*m.Float64()-1)) {
					if at-cached >= ttl {
						host.ask(at, name, noError)
						cached = at
					}
				}
				for range 100 {
					host.browse()
				}
			}
		}
	}
}
