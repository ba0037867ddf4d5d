package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/resolverwatch/resolverwatch/pkg/alert"
	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/transformer"
)

const (
	stormRounds  = 15
	stormRecords = 2000      // of an event: with batches of 1 MiB, a minute of a million has 500 events
	stormMatches = 1_000_000 // in a minute
	stormHosts   = 5000
	stormGoal    = 1.03
)

// benchStorm measures what alerts add to the marking of records: with few matches, as on a usual
// day, and when every record matches. The queue is in this process, so the time on the network is
// not part of it.
func benchStorm(r *report) error {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	b, err := newStormBench(r)
	if err != nil {
		return err
	}
	one, host := b.names.hit(), func() int { return b.names.random.IntN(stormHosts) }
	for _, storm := range []struct {
		name   string
		record func(i int) string
	}{
		{"one match in a hundred", func(int) string { return b.names.record() }},
		{"ten hosts ask for one name", func(i int) string { return b.record(i, i%10, one) }},
		{"all hosts ask for one name", func(i int) string { return b.record(i, host(), one) }},
		{"all hosts ask for different names", func(i int) string { return b.record(i, host(), b.names.hit()) }},
	} {
		if err := b.run(r, storm.name, storm.record); err != nil {
			return fmt.Errorf("%s: %w", storm.name, err)
		}
	}
	return nil
}

// stormBench has two transformers that differ only in whether they send alerts.
type stormBench struct {
	transformBench // its transformer has no queue
	names          *indexCorpus
	loud           *transformer.Transformer
	queue          stormQueue
}

// stormQueue takes messages and keeps the last one.
type stormQueue struct {
	messages int
	last     []byte
}

func (q *stormQueue) Send(_ context.Context, body []byte) error {
	q.messages++
	q.last = append(q.last[:0], body...)
	return nil
}

func newStormBench(r *report) (*stormBench, error) {
	names, err := indexNames(r)
	if err != nil {
		return nil, err
	}
	file, err := names.build()
	if err != nil {
		return nil, err
	}
	b := &stormBench{names: names}
	if b.index, err = index.Open(file); err != nil {
		return nil, err
	}
	store := &benchStore{file, b.index.Info()}
	if b.tr, err = transformer.New(transformer.Config{Store: store}); err != nil {
		return nil, err
	}
	b.loud, err = transformer.New(transformer.Config{Store: store, Alerts: &b.queue})
	return b, err
}

// record returns a log record of an event: a host asks for a name. In a storm, a batch lasts
// little more than a second.
func (b *stormBench) record(i, host int, name string) string {
	random := b.names.random
	return fmt.Sprintf(`{"version":"1.100000","account_id":"012345678901","region":"eu-west-1","vpc_id":"vpc-0a1b2c3d4e5f60718",`+
		`"query_timestamp":"2026-11-23T10:00:%02dZ","query_name":"%s.","query_type":"A","query_class":"IN","rcode":"NOERROR",`+
		`"answers":[{"Rdata":"192.0.2.%d","Type":"A","Class":"IN"}],"srcaddr":"10.0.%d.%d","srcport":"%d","transport":"UDP","srcids":{"instance":"i-%017x"}}`,
		i*2/stormRecords, name, random.IntN(256), host/250, host%250, 1024+random.IntN(60_000), host)
}

// run measures one storm.
func (b *stormBench) run(r *report, name string, record func(int) string) error {
	b.event = stormEvent(record)
	b.append()
	b.loudAppend()
	var off, on, ratios []float64
	for range stormRounds {
		off = append(off, stormTime(b.append))
		on = append(on, stormTime(b.loudAppend))
		ratios = append(ratios, on[len(on)-1]/off[len(off)-1])
	}
	if b.err != nil {
		return b.err
	}
	r.info(name+": without alerts", 1e9*median(off)/stormRecords/stormRepeats, "ns/record")
	r.info(name+": with alerts", 1e9*median(on)/stormRecords/stormRepeats, "ns/record")
	r.atMost(name+": with / without alerts", median(ratios), "x", stormGoal)
	return b.count(r, name)
}

const stormRepeats = 10 // in each measurement, so that it takes much longer than the clock's step

// stormTime returns the CPU seconds of some runs, without garbage collections. A collection
// takes the memory that a transformer keeps, so the first run is not measured.
func stormTime(run func()) float64 {
	runtime.GC()
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	run()
	return cpuSeconds(func() {
		for range stormRepeats {
			run()
		}
	})
}

func (b *stormBench) loudAppend() {
	out, err := b.loud.Append(context.Background(), b.out[:0], b.event)
	b.out, b.err = out, errors.Join(b.err, err)
}

// count reports the messages and rows of a minute.
func (b *stormBench) count(r *report, name string) error {
	b.queue = stormQueue{}
	events, rows := stormMatches/stormRecords, 0
	for range events {
		b.loudAppend()
		m, err := alert.Decode(b.queue.last)
		if err != nil {
			return err
		}
		rows += len(m.Rows)
	}
	r.atMost(name+": messages for a million records", float64(b.queue.messages), "", 500)
	r.info(name+": rows in them", float64(rows), "")
	r.info(name+": bytes of the last message", float64(len(b.queue.last)), "bytes")
	return b.err
}

// stormEvent returns an event of records.
func stormEvent(record func(int) string) []byte {
	records := make([]string, stormRecords)
	for i := range records {
		records[i] = fmt.Sprintf(`{"recordId":"496082219903867305317203445903031856002169917617282744%08d","approximateArrivalTimestamp":1790000000123,"data":"%s"}`,
			i, base64.StdEncoding.EncodeToString([]byte(record(i))))
	}
	return []byte(`{"invocationId":"94c7390e-e11b-4140-b526-e6e6970174c4","records":[` + strings.Join(records, ",") + `]}`)
}
