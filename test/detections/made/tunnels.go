package made

import (
	"fmt"
	"strings"
	"time"
)

// Paces are how fast the hosts with tunnels query, and those with generated names.
var Paces = []string{"burst", "1 a minute", "1 in 5 min", "1 in 15 min"}

// pace returns the time between queries, and the most queries of a day.
func pace(name string) (gap time.Duration, most int) {
	switch name {
	case "burst":
		return time.Second, 900
	case "1 a minute":
		return time.Minute, 1440
	case "1 in 5 min":
		return 5 * time.Minute, 288
	default:
		return 15 * time.Minute, 96
	}
}

// tunnelShapes are the names of tunnels, by the alphabet and the length of their data.
var tunnelShapes = []struct {
	name  string
	below func(m *maker, i int) string // the labels below the domain
}{
	{"base32 in CNAME, full names", func(m *maker, i int) string { return m.cut(m.chars(180, "abcdefghijklmnopqrstuvwxyz234567"), 60) }},
	{"base64 in TXT, full names", func(m *maker, i int) string {
		return m.cut(m.chars(170, letters+strings.ToUpper(letters)+digits+"-_"), 63)
	}},
	{"hex in A, one label", func(m *maker, i int) string { return m.chars(60, hexes) }},
	{"hex in TXT with a session, 40 characters", func(m *maker, i int) string { return fmt.Sprintf("%s.%04x.s1", m.chars(34, hexes), i) }},
	{"octets in NULL", func(m *maker, i int) string {
		var text strings.Builder
		for range 100 {
			fmt.Fprintf(&text, `\%03d`, 128+m.IntN(128))
			if text.Len()%200 == 0 {
				text.WriteByte('.')
			}
		}
		return strings.Trim(text.String(), ".")
	}},
	{"base32 in MX, 24 characters", func(m *maker, i int) string {
		return fmt.Sprintf("%s.%d", m.chars(20, "abcdefghijklmnopqrstuvwxyz234567"), 1000+i)
	}},
	{"base36 in KEY, 14 characters", func(m *maker, i int) string { return m.chars(14, letters+digits) }},
}

// TunnelShapes returns the number of shapes.
func TunnelShapes() int { return len(tunnelShapes) }

// cut cuts text into labels.
func (m *maker) cut(text string, size int) string {
	var labels []string
	for len(text) > size {
		labels, text = append(labels, text[:size]), text[size:]
	}
	return strings.Join(append(labels, text), ".")
}

// tunnels adds a host for each shape and pace. It also browses.
func (m *maker) tunnels() {
	for n, shape := range tunnelShapes {
		for _, speed := range Paces {
			host := m.host(Kind{Name: shape.name, Pace: speed, What: Tunnel})
			gap, most := pace(speed)
			for i := range most {
				host.ask(time.Duration(i)*gap, fmt.Sprintf("%s.t%d.relay%d.zz", shape.below(m, i), n, len(m.log.Hosts)), noError)
			}
			for range 100 {
				host.browse()
			}
		}
	}
}
