package made

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/resolverwatch/resolverwatch/test/detections/slow"
)

// HistoryDays is the number of days before [Day] in a history.
const HistoryDays = 14

// Implant is the domain that a host of a history queries on [Day] alone.
const Implant = "implant.zz"

// History returns the logs of forty hosts over two weeks and [Day], with a long tail of
// domains: those that one host queries once.
func History(seed uint64) *Log {
	m := &maker{rand.New(rand.NewPCG(seed, 2)), &Log{Hosts: map[slow.Host]Kind{}}}
	for i := range 40 {
		host := m.host(Kind{Name: "browses", What: Nothing})
		for n := range HistoryDays + 1 {
			before := -time.Duration(n) * day
			for range 60 {
				host.ask(before+m.anytime(), "www."+m.site(), noError)
			}
			for range m.IntN(9) { // sites that few know
				host.ask(before+m.anytime(), fmt.Sprintf("www.rare%04d.zz", m.IntN(4000)), noError)
			}
			for range m.IntN(9) {
				host.ask(before+m.anytime(), fmt.Sprintf("www.%s.%s", m.chars(8, letters), pick(m, manyTLDs)), noError)
			}
		}
		if i == 0 {
			host.ask(m.anytime(), "a."+Implant, noError)
		}
	}
	return m.log
}
