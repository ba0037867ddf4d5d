package made

import (
	"fmt"
	"time"
)

// site returns the domain of one of 2,000 sites, the first of which are the most popular.
func (m *maker) site() string {
	rank := int(2000 * m.Float64() * m.Float64() * m.Float64())
	return fmt.Sprintf("site%04d.%s", rank, []string{"example", "test", "zz", "co.zz"}[rank%4])
}

// ordinary adds hosts that browse, poll, and look names up with a search list.
func (m *maker) ordinary() {
	for i := range 24 {
		host := m.host(Kind{Name: "browses", What: Nothing})
		for range 1200 {
			host.browse()
		}
		for range i % 4 { // typing errors
			host.ask(m.anytime(), "www."+m.chars(9, letters)+".test", nxDomain)
		}
	}
	for i := range 10 {
		host := m.host(Kind{Name: "polls an API", What: Nothing})
		name := fmt.Sprintf("api.service%d.example", i%3)
		for at := time.Duration(i) * time.Second; at < day; at += time.Duration(1+i) * time.Minute {
			host.ask(at, name, noError)
		}
	}
	for range 8 {
		host := m.host(Kind{Name: "uses a search list", What: Nothing})
		for range 400 {
			at, name := m.anytime(), "www."+m.site()
			for _, suffix := range []string{".eu-west-1.compute.internal", ".default.svc.cluster.local", ".svc.cluster.local"} {
				host.ask(at, name+suffix, nxDomain)
			}
			host.ask(at, name, noError)
		}
	}
	for range 6 {
		host := m.host(Kind{Name: "uses buckets", What: Nothing})
		for range 600 {
			host.ask(m.anytime(), m.chars(m.between(10, 40), letters+digits)+".s3.eu-west-1.amazonaws.com", noError)
		}
	}
}

// browse makes the queries of a page: its site, and sites that it refers to.
func (m *machine) browse() {
	at := m.anytime()
	m.ask(at, "www."+m.site(), noError)
	for range m.IntN(3) {
		m.ask(at+time.Second, pick(m.maker, []string{"cdn", "static", "img", "api", "login", "metrics"})+"."+m.site(), noError)
	}
}

// odd adds hosts whose queries look like tunnels or generated names, but are not.
func (m *maker) odd() {
	m.lookUps("looks addresses up", 3000, nxDomain, func() string {
		return fmt.Sprintf("%d.%d.%d.%d.in-addr.arpa", m.IntN(256), m.IntN(256), m.IntN(256), m.IntN(256))
	})
	mail := m.lookUps("mail server with a DNSBL", 2500, nxDomain, func() string {
		return fmt.Sprintf("%d.%d.%d.%d.zen.spamhaus.org", m.IntN(256), m.IntN(256), m.IntN(256), m.IntN(256))
	})
	for range 60 { // senders whose domains do not exist
		mail.ask(m.anytime(), m.chars(m.between(6, 14), letters)+".test", nxDomain)
	}
	for i := range 6 {
		m.lookUps("virus scanner", 500, noError, func() string {
			return m.chars(40, hexes) + "." + m.chars(8, hexes) + []string{".avqs.mcafee.com", ".f.sophosxl.net"}[i%2]
		})
	}
	for range 4 {
		m.lookUps("uses a CDN with names for customers", 300, noError, func() string {
			return "d" + m.chars(13, letters+digits) + ".cloudfront.net"
		})
	}
	for i := range 2 {
		m.lookUps("telemetry with ids", 300, noError, func() string {
			return m.chars(32, hexes) + fmt.Sprintf(".telemetry.vendor%d.example", i)
		})
	}
	crawler := m.host(Kind{Name: "crawler", What: Nothing})
	for i := range 3000 {
		name, rcode := fmt.Sprintf("%s%d.test", m.chars(7, letters), i), noError
		if i%15 == 0 {
			rcode = nxDomain
		}
		crawler.ask(m.anytime(), name, rcode)
	}
	m.lookUps("asks for many short names of a service", 800, noError, func() string {
		return fmt.Sprintf("n%d.cell%d.cloud.example", m.IntN(900), m.IntN(20))
	})
}

// lookUps adds a host that also browses a little.
func (m *maker) lookUps(kind string, count int, rcode string, name func() string) *machine {
	host := m.host(Kind{Name: kind, What: Nothing})
	for range count {
		host.ask(m.anytime(), name(), rcode)
	}
	for range 200 {
		host.browse()
	}
	return host
}
