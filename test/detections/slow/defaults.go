package slow

import "time"

// DefaultTunnels returns the rule of the query tunnels if no parameter is set.
func DefaultTunnels() TunnelRule {
	return TunnelRule{
		Window:     24 * time.Hour,
		Names:      100,
		Characters: 4000,
		Exceptions: "amazonaws.com cloudfront.net spamhaus.org mcafee.com sophosxl.net",
	}
}

// DefaultGenerated returns the rule of the query nxdomain-domains if no parameter is set.
func DefaultGenerated() GeneratedRule { return GeneratedRule{Domains: 20} }

// DefaultBeacons returns the rule of the query beacons if no parameter is set.
func DefaultBeacons() BeaconRule {
	return BeaconRule{Queries: 24, Hosts: 2, Spread: 60, Duration: 12 * time.Hour}
}
