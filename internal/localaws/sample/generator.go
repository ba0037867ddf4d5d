package sample

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// queriesPerSecond sets the pace of the time stamps.
const queriesPerSecond = 100

// ports are the source ports in use, from 1024; with the time stamp they tell log
// objects apart.
const ports = 1 << 15

// Generator makes records. It is not safe for concurrent use.
type Generator struct {
	random    *rand.Rand
	start     time.Time
	hosts     []Host
	scenarios []scenario
	infected  int // scenarios from here on are those of infected hosts
	odd       []func(*Generator) Record
	made      int // records
	queries   int
}

// New returns a generator whose first query was asked at start.
func New(seed uint64, start time.Time) *Generator {
	g := &Generator{start: start.UTC(), hosts: hosts(), scenarios: slices.Concat(ordinary(), lookalike()),
		random: rand.New(rand.NewPCG(seed, 0))} //nolint:gosec // repeatable on purpose
	g.infected = len(g.scenarios)
	g.scenarios = slices.Concat(g.scenarios, asked(), led())
	g.odd = append(unusual(), malformed()...)
	return g
}

// oddEvery is how many records one comes after that is blank, a control message,
// marked already, or malformed.
const oddEvery = 500

// Next makes one record. The first ones show every scenario in every shape and every
// envelope once, and every odd record; then the mix is that of a busy VPC.
func (g *Generator) Next() Record {
	g.made++
	n := g.made - 1
	combinations := max(len(g.scenarios)*len(shapes()), len(envelopes()))
	switch {
	case n < len(g.odd):
		return g.odd[n](g)
	case n < len(g.odd)+combinations:
		n -= len(g.odd)
		return g.record(envelopes()[n%len(envelopes())], func(i int) (int, shape) {
			return (n + i) % len(g.scenarios), shapes()[(n/len(g.scenarios)+i)%len(shapes())]
		})
	case n%oddEvery == 0:
		return g.odd[g.random.IntN(len(g.odd))](g)
	}
	wrapping := envelopes()
	chosen := weighted(g.random, len(wrapping), func(i int) int { return wrapping[i].weight })
	return g.record(wrapping[chosen], func(int) (int, shape) {
		number := weighted(g.random, len(g.scenarios), func(i int) int { return g.scenarios[i].weight })
		if g.random.IntN(20) == 0 {
			return number, shapes()[1+g.random.IntN(2)]
		}
		return number, current
	})
}

// Ask makes a record of one query by an infected host, that is to be marked as wanted.
func (g *Generator) Ask(name string, want Want) Record {
	g.made++
	line := g.line(noError(name, "A", want, benign(g.random)), g.hosts[0], current)
	return Record{Data: append(bytes.Clone(line.Object), '\n'), Lines: []Line{line}}
}

// record fills an envelope with queries that choose picks, by scenario and shape.
func (g *Generator) record(e envelope, choose func(i int) (int, shape)) Record {
	var record Record
	var objects [][]byte
	for i := range e.objects {
		number, write := choose(i)
		line := g.line(g.scenarios[number].make(g.random), g.host(number), write)
		record.Lines = append(record.Lines, line)
		objects = append(objects, bytes.Clone(line.Object))
	}
	record.Data = e.wrap(objects)
	return record
}

// line logs a query.
func (g *Generator) line(q query, host Host, write shape) Line {
	n := g.queries
	g.queries++
	l := &logged{query: q, host: host, port: 1024 + n%ports,
		time: g.start.Add(time.Duration(n) * time.Second / queriesPerSecond).Format(time.RFC3339)}
	if l.answers == nil {
		l.answers = []answer{}
	}
	return Line{Key: fmt.Sprintf("%s/%d", l.time, l.port), Object: write(l), Host: host, Query: q.name, Want: q.want}
}

// infectedHosts is how many of the hosts ask for listed names.
const infectedHosts = 5

// hosts are all machines of the sample.
func hosts() []Host {
	var all []Host
	for i := range 60 {
		all = append(all, Host{
			AccountID: []string{"111122223333", "444455556666"}[i%2],
			VPCID:     fmt.Sprintf("vpc-0a1b2c3d4e5f6%04d", i%4+1),
			SrcAddr:   fmt.Sprintf("10.0.%d.%d", i%4, 10+i),
			Instance:  fmt.Sprintf("i-0%016x", 0xabcde000+i),
		})
	}
	return all
}

// host returns who asks the queries of a scenario: always the same host if it is an
// infected one, so that the sightings make a short table.
func (g *Generator) host(scenario int) Host {
	if scenario >= g.infected {
		return g.hosts[(scenario-g.infected)%infectedHosts]
	}
	return g.hosts[g.random.IntN(len(g.hosts))]
}

// weighted picks one of n choices.
func weighted(r *rand.Rand, n int, weight func(i int) int) int {
	total := 0
	for i := range n {
		total += weight(i)
	}
	at, chosen := r.IntN(total), 0
	for at -= weight(0); at >= 0; at -= weight(chosen) {
		chosen++
	}
	return chosen
}

// unusual are records that are good and hold no query to mark.
func unusual() []func(*Generator) Record {
	return []func(*Generator) Record{
		func(*Generator) Record { return Record{} },
		func(*Generator) Record { return Record{Data: []byte(" \r\n")} },
		func(*Generator) Record { return Record{Data: control()} },
		func(g *Generator) Record { // marked before, as after a replay
			line := g.harmlessLine()
			line.Marked = true
			line.Object = fmt.Appendf(line.Object[:len(line.Object)-1], `,"verdict":"clean","index_generation":1}`)
			return Record{Data: append(bytes.Clone(line.Object), '\n'), Lines: []Line{line}}
		},
	}
}

// malformed are records that cannot be marked. Each fails as a whole.
func malformed() []func(*Generator) Record {
	return []func(*Generator) Record{
		func(g *Generator) Record {
			return Record{Data: fmt.Appendf(nil, "%d is no log record\n", g.made), Failed: "not JSON"}
		},
		func(g *Generator) Record {
			object := g.harmlessLine().Object
			return Record{Data: object[:len(object)*2/3], Failed: "cut off"}
		},
		func(g *Generator) Record {
			return Record{Data: fmt.Appendf(nil, "[%s]\n", g.harmlessLine().Object), Failed: "an array"}
		},
		func(g *Generator) Record {
			first, second := g.harmlessLine().Object, g.harmlessLine().Object
			return Record{Data: fmt.Appendf(nil, "%s\n%s\n", first, second[:len(second)/2]),
				Failed: "second of two objects cut off"}
		},
		func(g *Generator) Record {
			object := g.harmlessLine().Object
			return Record{Data: fmt.Appendf(nil, "%s,%q:%q}\n", object[:len(object)-1], "Verdict", "clean"),
				Failed: "a member of ours in other case"}
		},
		func(g *Generator) Record {
			object := g.harmlessLine().Object
			return Record{Data: fmt.Appendf(nil, "%s,%q:{}}\n", object[:len(object)-1], "threat"),
				Failed: "a member of ours without a verdict"}
		},
	}
}

func (g *Generator) harmlessLine() Line {
	return g.line(g.scenarios[0].make(g.random), g.hosts[infectedHosts], current)
}
