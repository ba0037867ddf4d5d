package sample

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

// queriesPerSecond is the rate at which time stamps advance.
const queriesPerSecond = 100

// ports is the number of source ports, starting at 1024. Source port and time stamp together
// identify a log object.
const ports = 1 << 15

// Generator generates records. It is not safe for concurrent use.
type Generator struct {
	random    *rand.Rand
	time      func(query int) time.Time
	hosts     []Host
	scenarios []scenario
	infected  int // index of the first scenario of infected hosts
	odd       []func(*Generator) Record
	made      int // number of records
	queries   int // number of queries
}

// New returns a generator whose first query has the time start.
func New(seed uint64, start time.Time) *Generator {
	g := &Generator{
		random:    rand.New(rand.NewPCG(seed, 0)), //nolint:gosec // repeatable on purpose
		time:      func(n int) time.Time { return start.UTC().Add(time.Duration(n) * time.Second / queriesPerSecond) },
		hosts:     hosts(),
		scenarios: slices.Concat(ordinary(), lookalike()),
	}
	g.infected = len(g.scenarios)
	g.scenarios = slices.Concat(g.scenarios, listedNames(), listedAnswers())
	g.odd = append(unusual(), malformed()...)
	return g
}

// Over spreads the queries of the given number of records over a number of days, from start on, with
// more queries by day than by night. The first records, which show everything there is, are spread
// over all days.
func (g *Generator) Over(start time.Time, days, records int) {
	const swing = 0.5 // at noon there are three times as many queries as at midnight
	queries := max(objectsPerRecord*float64(records)+objectsOfFirst, 2*spreadQueries)
	wave := 2 * math.Pi * float64(days)
	midnight := 2 * math.Pi * float64(start.Unix()%secondsPerDay) / secondsPerDay
	g.time = func(n int) time.Time {
		at := min(float64(n-spreadQueries)/(queries-spreadQueries), 1)
		if n < spreadQueries {
			_, at = math.Modf(float64(n) * math.Phi)
		}
		at += swing * (math.Sin(wave*at+midnight) - math.Sin(midnight)) / wave
		return start.UTC().Add(time.Duration(at * float64(days) * float64(24*time.Hour)))
	}
}

const secondsPerDay = 24 * 60 * 60

const (
	spreadQueries = 200 // of the first records
	// Records have so many log objects: the mean, and what the first records have above it.
	objectsPerRecord = 1.1
	objectsOfFirst   = 30
)

// oddEvery is the interval of records that are blank, a control message, already marked, or
// malformed.
const oddEvery = 500

// Next generates a record. The first records show every odd record, and every scenario in every
// shape and envelope. After that the mix resembles a busy VPC.
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

// Ask generates a record with one query by an infected host and its expected result.
func (g *Generator) Ask(name string, want Want) Record { return g.AskFrom(g.hosts[0], name, want) }

// AskFrom is Ask for another host.
func (g *Generator) AskFrom(host Host, name string, want Want) Record {
	g.made++
	line := g.line(noError(name, "A", want, benign(g.random)), host, current)
	return Record{Data: append(bytes.Clone(line.Object), '\n'), Lines: []Line{line}}
}

// record fills an envelope with queries. choose picks the scenario and the shape of each.
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

// line writes a query as a log object.
func (g *Generator) line(q query, host Host, write shape) Line {
	n := g.queries
	g.queries++

	l := &logged{
		query: q,
		host:  host,
		port:  1024 + n%ports,
		time:  g.time(n).Format(time.RFC3339),
	}
	if l.answers == nil {
		l.answers = []answer{}
	}

	return Line{
		Key:    fmt.Sprintf("%s/%d", l.time, l.port),
		Object: write(l),
		Host:   host,
		Query:  q.name,
		Want:   q.want,
	}
}

// infectedHosts is the number of hosts that query listed names.
const infectedHosts = 5

// hosts returns all machines of the sample.
func hosts() []Host {
	var all []Host
	for i := range 60 {
		all = append(all, Host{
			accountID: []string{"111122223333", "444455556666"}[i%2],
			VPCID:     fmt.Sprintf("vpc-0a1b2c3d4e5f6%04d", i%4+1),
			SrcAddr:   fmt.Sprintf("10.0.%d.%d", i%4, 10+i),
			Instance:  fmt.Sprintf("i-0%016x", 0xabcde000+i),
		})
	}
	return all
}

// QuietHost returns a host that asks for nothing that is listed.
func (g *Generator) QuietHost() Host { return g.hosts[infectedHosts+2] }

// host returns a host for a scenario. Scenarios of infected hosts always use the same host, so
// that the table of sightings is short.
func (g *Generator) host(scenario int) Host {
	if scenario >= g.infected {
		return g.hosts[(scenario-g.infected)%infectedHosts]
	}
	return g.hosts[g.random.IntN(len(g.hosts))]
}

// weighted picks one of n choices at random, in proportion to their weights.
func weighted(r *rand.Rand, n int, weight func(i int) int) int {
	total := 0
	for i := range n {
		total += weight(i)
	}

	position, chosen := r.IntN(total), 0
	for position -= weight(0); position >= 0; position -= weight(chosen) {
		chosen++
	}
	return chosen
}

// unusual returns generators of valid records without a query to mark.
func unusual() []func(*Generator) Record {
	return []func(*Generator) Record{
		func(*Generator) Record { return Record{} },
		func(*Generator) Record { return Record{Data: []byte(" \r\n")} },
		func(*Generator) Record { return Record{Data: control()} },
		func(g *Generator) Record { // already marked, as in a replay
			line := g.harmlessLine()
			line.marked = true
			line.Object = fmt.Appendf(line.Object[:len(line.Object)-1], `,"verdict":"clean","index_generation":1}`)
			return Record{Data: append(bytes.Clone(line.Object), '\n'), Lines: []Line{line}}
		},
	}
}

// malformed returns generators of records that cannot be marked and fail as a whole.
func malformed() []func(*Generator) Record {
	return []func(*Generator) Record{
		func(g *Generator) Record {
			return Record{Data: fmt.Appendf(nil, "%d is not a log record\n", g.made), Failed: "not JSON"}
		},
		func(g *Generator) Record {
			object := g.harmlessLine().Object
			return Record{Data: object[:len(object)*2/3], Failed: "truncated"}
		},
		func(g *Generator) Record {
			return Record{Data: fmt.Appendf(nil, "[%s]\n", g.harmlessLine().Object), Failed: "an array"}
		},
		func(g *Generator) Record {
			first, second := g.harmlessLine().Object, g.harmlessLine().Object
			return Record{Data: fmt.Appendf(nil, "%s\n%s\n", first, second[:len(second)/2]),
				Failed: "second of two objects is truncated"}
		},
		func(g *Generator) Record {
			object := g.harmlessLine().Object
			return Record{Data: fmt.Appendf(nil, "%s,%q:%q}\n", object[:len(object)-1], "Verdict", "clean"),
				Failed: "our member in another case"}
		},
		func(g *Generator) Record {
			object := g.harmlessLine().Object
			return Record{Data: fmt.Appendf(nil, "%s,%q:{}}\n", object[:len(object)-1], "threat"),
				Failed: "threat without a verdict"}
		},
	}
}

// harmlessLine returns a log object with a harmless query.
func (g *Generator) harmlessLine() Line {
	return g.line(g.scenarios[0].make(g.random), g.hosts[infectedHosts], current)
}
