package athena_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/verdict"
)

// The world of the named queries: thirty days of October 2026 in three VPCs of two
// accounts.
var (
	web     = host{"111122223333", "vpc-0a1b2c3d4e5f60001", "10.0.1.11", "i-0aaa0aaa0aaa0aaa1"}
	build   = host{"111122223333", "vpc-0a1b2c3d4e5f60001", "10.0.1.12", "i-0bbb0bbb0bbb0bbb2"}
	office  = host{"111122223333", "vpc-0a1b2c3d4e5f60002", "10.0.1.11", ""} // the address of web, in another VPC
	ipv6    = host{"444455556666", "vpc-0a1b2c3d4e5f60003", "2001:db8::15", "i-0ccc0ccc0ccc0ccc3"}
	machine = []host{web, build, office, ipv6}
)

// The entries of the feeds in October, and those added on the 26th.
const (
	october list = `
urlhaus       block subtree evil.example          malware_download high     90 2026-09-01
botnet        block name    beacon.botnet.example botnet_cc        critical 95 2026-09-01
botnet        block cidr    203.0.113.66          botnet_cc        critical 95 2026-09-01
doh-servers   block subtree resolver.example      doh              low      50 2026-09-01
abuse         block subtree botnet.example        spam             low      30 2026-09-01
allow-partner allow subtree partner.evil.example  -                medium   50 2026-09-15
`
	added list = `
urlhaus       block subtree newbad.example        malware_download high     80 2026-10-26
urlhaus       block name    newbad.example        phishing         medium   60 2026-10-26
botnet        block cidr    198.51.100.0/28       botnet_cc        critical 99 2026-10-26
allow-partner allow subtree ok.newbad.example     -                medium   50 2026-10-26
`
)

const (
	firstGeneration  = 7
	secondGeneration = 8
)

func october2026(day, hour, minute, second int) time.Time {
	return time.Date(2026, time.October, day, hour, minute, second, 0, time.UTC)
}

// world returns the marked lines of the month. Some are duplicates, because delivery is at
// least once, and two are not records.
func world(t *testing.T) (lines []line) {
	t.Helper()
	index := october.index(t, firstGeneration)
	markers := map[time.Time]*verdict.Marker{
		october2026(1, 0, 0, 0):   verdict.NewMarker(nil, verdict.Options{}),
		october2026(1, 6, 0, 0):   verdict.NewMarker(index, verdict.Options{}),
		october2026(25, 0, 0, 0):  verdict.NewMarker(index, verdict.Options{Stale: true}),
		october2026(25, 12, 0, 0): verdict.NewMarker(index, verdict.Options{}),
		october2026(26, 0, 0, 0):  verdict.NewMarker((october+added).index(t, secondGeneration), verdict.Options{}),
	}
	for _, q := range slices.Concat(ordinary(), extraordinary(), behaving()) {
		line := mark(t, markers, &q)
		lines = append(lines, line)
		if day := q.asked.Day(); day == 15 || day == 8 {
			lines = append(lines, line)
		}
	}
	for _, text := range []string{`{"version":"1.100000","acc`, ``} {
		lines = append(lines, line{october2026(15, 3, 0, 0), []byte(text + "\n")})
	}
	return lines
}

// ordinary returns queries for names that no list contains. There are no logs on the 20th,
// and one VPC is silent from the 10th to the 12th. One host asks for generated names.
func ordinary() (queries []query) {
	for day := 1; day <= 30; day++ {
		for i, from := range machine {
			if day == 20 || from == office && day >= 10 && day <= 12 {
				continue
			}
			for hour := range 4 {
				q := query{asked: october2026(day, 6*hour, 10*i, day), host: from, name: fmt.Sprintf("www.site%d.example.", hour),
					answers: []answer{{fmt.Sprintf("192.0.2.%d", hour), "A", "IN"}}}
				if from == ipv6 && hour > 0 {
					q.name, q.rcode, q.answers = fmt.Sprintf("x%02d%d.made-up.test.", day, hour), "NXDOMAIN", nil
				}
				queries = append(queries, q)
			}
		}
	}
	return queries
}

// extraordinary returns the queries that an analyst should see.
func extraordinary() []query {
	a := func(address string) []answer { return []answer{{address, "A", "IN"}} }
	cname := func(to string) []answer { return []answer{{to, "CNAME", "IN"}, {"192.0.2.80", "A", "IN"}} }
	return []query{
		{asked: october2026(3, 10, 15, 0), host: web, name: "beacon.botnet.example.", answers: a("192.0.2.66")},
		{asked: october2026(4, 10, 15, 0), host: web, name: "beacon.botnet.example.", answers: a("192.0.2.66")},
		{asked: october2026(6, 9, 0, 0), host: web, name: "Evil.Example", srcids: `["i-0aaa0aaa0aaa0aaa1","rslvr-in-1"]`},
		{asked: october2026(7, 11, 0, 0), host: office, name: "no..name.example."},
		{asked: october2026(8, 12, 30, 0), host: office, name: "www.shop.example.", answers: cname("tunnel.evil.example.")},
		{asked: october2026(9, 12, 0, 0), host: build, name: "partner.evil.example.", answers: a("192.0.2.9")},
		{asked: october2026(12, 8, 5, 0), host: web, name: "updates.example.", answers: a("203.0.113.66")},
		{asked: october2026(14, 23, 59, 50), arrived: october2026(15, 0, 1, 0), host: web, name: "cdn.evil.example."},
		{asked: october2026(15, 10, 15, 0), host: web, name: "beacon.botnet.example.", answers: a("192.0.2.66")},
		{asked: october2026(15, 10, 16, 0), host: build, name: "cdn.evil.example.", answers: a("192.0.2.67")},
		{asked: october2026(16, 7, 0, 0), host: build, name: "cdn.evil.example.", firewall: "BLOCK"},
		{asked: october2026(17, 7, 0, 0), host: build, name: "odd.site.example.", answers: a("192.0.2.17"), firewall: "ALERT"},
		{asked: october2026(18, 10, 20, 0), time: "2026-10-18T10:20:177Z", host: web, name: "spam.botnet.example."},
		{asked: october2026(25, 9, 0, 0), host: build, name: "cdn.evil.example."},

		{asked: october2026(21, 3, 0, 0), host: ipv6, name: "X011.Made-Up.TEST.", rcode: "NXDOMAIN"},

		// Before and after newbad.example and 198.51.100.0/28 were listed.
		{asked: october2026(5, 13, 0, 0), host: build, name: "Drop.NewBad.example."},
		{asked: october2026(11, 13, 0, 0), host: build, name: "newbad.example."},
		{asked: october2026(19, 13, 0, 0), host: build, name: "\xff.newbad.example.",
			answers: []answer{{"\xe2\x82.shop.example.", "CNAME", "IN"}}},
		{asked: october2026(2, 13, 0, 0), host: web, name: "early.newbad.example.", plain: true},
		{asked: october2026(13, 13, 0, 0), host: office, name: "www.shop.example.", answers: cname("x.newbad.example.")},
		{asked: october2026(14, 13, 0, 0), host: office, name: "pool.example.", answers: a("198.51.100.9")},
		{asked: october2026(14, 14, 0, 0), host: office, name: "pool.example.", answers: a("198.51.100.19")},
		{asked: october2026(10, 13, 0, 0), host: web, name: "ok.newbad.example."},
		{asked: october2026(21, 13, 0, 0), host: ipv6, name: `drop\.newbad.example.`},
		{asked: october2026(22, 13, 0, 0), host: ipv6, name: "a.drop.newbad.example."},
		{asked: october2026(27, 13, 0, 0), host: ipv6, name: "a.drop.newbad.example."},
	}
}
