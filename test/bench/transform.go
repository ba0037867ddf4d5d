package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/resolverwatch/resolverwatch/pkg/domainname"
	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/loader"
	"github.com/resolverwatch/resolverwatch/pkg/transformer"
)

const (
	transformRounds = 9
	transformBytes  = 3_000_000 // of an event
)

// benchTransform measures the handling of a Firehose event of 3 MB, from bytes to bytes,
// with an index of many names. The floor is the base64 of the standard library alone:
// decoding each record, encoding it again, and one copy. A straightforward handler cannot
// do less.
func benchTransform(r *report) error {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	b, err := newTransformBench(r)
	if err != nil {
		return err
	}
	r.info("event", float64(len(b.event))/1e6, "MB")
	r.info("records in the event", float64(len(b.data)), "")
	if err := b.warmUp(r); err != nil {
		return err
	}
	var reused, fresh, floor, peer []float64
	for range transformRounds {
		reused = append(reused, b.time(b.append))
		floor = append(floor, b.time(b.base64))
		fresh = append(fresh, b.time(b.invoke))
		peer = append(peer, b.time(b.plain))
	}
	if b.err != nil {
		return b.err
	}
	records := float64(len(b.data))
	r.info("transform", records/median(reused), "records/s")
	r.info("transform, event bytes", float64(len(b.event))/median(reused)/1e6, "MB/s")
	r.info("transform", 1e9*median(reused)/records, "ns/record")
	r.info("base64 of the standard library and a copy", 1e9*median(floor)/records, "ns/record")
	r.atMost("transform / base64 of the standard library and a copy", median(reused)/median(floor), "x", 1.25)
	r.atMost("the same with a new response (Invoke)", median(fresh)/median(floor), "x", 2.2)
	r.atLeast("times faster than encoding/json to maps and back", median(peer)/median(reused), "x", 10)
	if err := b.handlers(r); err != nil {
		return err
	}
	if err := b.hostile(r); err != nil {
		return err
	}
	return b.allocations(r)
}

// hostile measures an event of compressed records of 2 KB that expand to 2 MiB.
func (b *transformBench) hostile(r *report) error {
	const (
		records  = 400
		expanded = 2 << 20
	)
	var packed bytes.Buffer
	w, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		return err
	}
	_, err = w.Write(bytes.Repeat([]byte("{}"), expanded/2))
	if err = errors.Join(err, w.Close()); err != nil {
		return err
	}

	list := make([]string, records)
	for i := range list {
		list[i] = fmt.Sprintf(`{"recordId":"%d","data":"%s"}`, i, base64.StdEncoding.EncodeToString(packed.Bytes()))
	}
	event := []byte(`{"records":[` + strings.Join(list, ",") + `]}`)

	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	seconds := cpuSeconds(func() { _, err = b.tr.Append(context.Background(), nil, event) })
	runtime.ReadMemStats(&after)
	r.atMost("400 records of 2 KB that expand to 2 MiB", seconds, "s", 1)
	r.atMost("the same, memory allocated", float64(after.TotalAlloc-before.TotalAlloc)/(1<<20), "MiB", 64)
	return err
}

// transformBench is an event with the transformer that handles it.
type transformBench struct {
	listed []string // the names in the index
	event  []byte
	data   []string // of the records, in base64
	tr     *transformer.Transformer
	index  *index.Index
	out    []byte
	err    error

	decoded, encoded []byte // of the floor
}

// openTransformBench returns a bench with an index, and no event yet.
func openTransformBench(file []byte) (b *transformBench, err error) {
	b = &transformBench{}
	if b.index, err = index.Open(file); err != nil {
		return nil, err
	}
	b.tr, err = transformer.New(transformer.Config{Store: &benchStore{file, b.index.Info()}})
	return b, err
}

func newTransformBench(r *report) (*transformBench, error) {
	names, err := indexNames(r)
	if err != nil {
		return nil, err
	}
	file, err := names.build()
	if err != nil {
		return nil, err
	}
	b, err := openTransformBench(file)
	if err != nil {
		return nil, err
	}
	b.listed = names.list
	var records []string
	for size := 0; size < transformBytes; size += len(records[len(records)-1]) + 1 {
		data := base64.StdEncoding.EncodeToString([]byte(names.record()))
		b.data = append(b.data, data)
		records = append(records, fmt.Sprintf(
			`{"recordId":"496082219903867305317203445903031856002169917617282744%08d","approximateArrivalTimestamp":1790000000123,"data":"%s"}`,
			len(records), data))
	}
	b.event = []byte(`{"invocationId":"94c7390e-e11b-4140-b526-e6e6970174c4",` +
		`"deliveryStreamArn":"arn:aws:firehose:eu-west-1:012345678901:deliverystream/bench","region":"eu-west-1","records":[` +
		strings.Join(records, ",") + `]}`)
	return b, nil
}

// record returns a log record like those of real VPCs: half of the names are AWS's own, a
// third are popular, one in a hundred is listed; most answers are a chain and two
// addresses.
func (c *indexCorpus) record() string {
	var name string
	switch draw := c.random.IntN(100); {
	case draw < 1:
		name = c.hit()
	case draw < 50:
		name = c.awsName()
	case draw < 80:
		name = c.popularName()
	default:
		name = c.randomName()
	}
	address := func() string { return fmt.Sprintf("192.0.2.%d", c.random.IntN(256)) }
	answers := fmt.Sprintf(`{"Rdata":"%s","Type":"A","Class":"IN"}`, address())
	if c.random.IntN(2) == 0 {
		answers = fmt.Sprintf(`{"Rdata":"%s.","Type":"CNAME","Class":"IN"},`, c.awsName()) + answers
	}
	return fmt.Sprintf(`{"version":"1.100000","account_id":"012345678901","region":"eu-west-1","vpc_id":"vpc-0a1b2c3d4e5f60718",`+
		`"query_timestamp":"2026-11-23T10:%02d:%02dZ","query_name":"%s.","query_type":"A","query_class":"IN","rcode":"NOERROR",`+
		`"answers":[%s],"srcaddr":"10.0.%d.%d","srcport":"%d","transport":"UDP","srcids":{"instance":"i-%017x"}}`,
		c.random.IntN(60), c.random.IntN(60), name, answers, c.random.IntN(256), c.random.IntN(256),
		1024+c.random.IntN(60_000), c.random.Int64N(1<<60))
}

// benchStore holds one index.
type benchStore struct {
	file []byte
	info index.Info
}

func (s *benchStore) Current(_ context.Context, etag string) (index.Current, string, error) {
	if etag != "" {
		return index.Current{}, "", loader.ErrNotModified
	}
	return index.Current{
		Generation:  s.info.Generation,
		Highest:     s.info.Generation,
		Hash:        s.info.Checksum,
		ContentHash: s.info.ContentHash,
		RenewedAt:   time.Now(),
		Object:      index.ObjectKey(s.info.Generation, s.info.Checksum),
	}, "1", nil
}

func (s *benchStore) Object(context.Context, string) ([]byte, error) { return s.file, nil }

// warmUp checks that the measured code gives correct results.
func (b *transformBench) warmUp(r *report) error {
	b.append()
	b.base64()
	if b.err != nil {
		return b.err
	}
	var response struct {
		Records []struct{ Result, Data string }
	}
	if err := json.Unmarshal(b.out, &response); err != nil {
		return err
	}
	malicious := 0
	for _, record := range response.Records {
		line, err := base64.StdEncoding.DecodeString(record.Data)
		switch {
		case err != nil:
			return err
		case record.Result != "Ok" || !strings.Contains(string(line), `"index_generation":1`):
			return fmt.Errorf("record is %s: %s", record.Result, line)
		case strings.Contains(string(line), `"verdict":"malicious"`):
			malicious++
		}
	}
	if len(response.Records) != len(b.data) || malicious == 0 {
		return errors.New("the response is wrong")
	}
	r.info("malicious records", float64(malicious), "")
	r.info("response / event", float64(len(b.out))/float64(len(b.event)), "x")
	return nil
}

// time returns the CPU seconds of one run, without garbage collections.
func (b *transformBench) time(run func()) float64 {
	runtime.GC()
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	return cpuSeconds(run)
}

func (b *transformBench) append() {
	out, err := b.tr.Append(context.Background(), b.out[:0], b.event)
	b.out, b.err = out, errors.Join(b.err, err)
}

func (b *transformBench) invoke() {
	out, err := b.tr.Invoke(context.Background(), b.event)
	b.out, b.err = out, errors.Join(b.err, err)
}

// base64 is the floor.
func (b *transformBench) base64() {
	b.encoded = b.encoded[:0]
	for _, data := range b.data {
		b.decoded = append(b.decoded[:0], data...) // the copy; decoding works in place
		n, err := base64.StdEncoding.Decode(b.decoded, b.decoded)
		if err != nil {
			b.err = err
			return
		}
		b.encoded = base64.StdEncoding.AppendEncode(b.encoded, b.decoded[:n])
	}
}

// plain is the obvious implementation: types and maps, with the same index.
func (b *transformBench) plain() {
	type record struct {
		RecordID string `json:"recordId"`
		Result   string `json:"result"`
		Data     []byte `json:"data"`
	}
	var event struct {
		Records []record `json:"records"`
	}
	if b.err = errors.Join(b.err, json.Unmarshal(b.event, &event)); b.err != nil {
		return
	}
	for i := range event.Records {
		event.Records[i].Result = "Ok"
		event.Records[i].Data, b.err = b.plainMark(event.Records[i].Data)
		if b.err != nil {
			return
		}
	}
	b.out, b.err = json.Marshal(event)
}

func (b *transformBench) plainMark(data []byte) ([]byte, error) {
	var members map[string]any
	if err := json.Unmarshal(data, &members); err != nil {
		return nil, err
	}
	names := []any{members["query_name"]}
	answers, _ := members["answers"].([]any)
	for _, answer := range answers {
		if answer, ok := answer.(map[string]any); ok && answer["Type"] == "CNAME" {
			names = append(names, answer["Rdata"])
		}
	}
	members["verdict"], members["index_generation"] = "clean", 1
	var q domainname.Query
	var m index.Match
	for _, name := range names {
		if text, ok := name.(string); ok && q.Set([]byte(text)) == nil && b.index.Match(&q, &m) {
			members["verdict"] = m.Outcome.String()
			members["threat"] = map[string]any{"indicator": string(m.Indicator), "feeds": m.Feeds}
			break
		}
	}
	marked, err := json.Marshal(members)
	return append(marked, '\n'), err
}

// allocations counts the allocations of an invocation that reuses memory, and how many each
// record adds.
func (b *transformBench) allocations(r *report) error {
	const few = 10
	cut := strings.Index(string(b.event), `},{"recordId":"496082219903867305317203445903031856002169917617282744000000`+fmt.Sprint(few))
	if cut < 0 {
		return errors.New("no tenth record")
	}
	whole := b.event
	lots := b.mallocs()
	b.event = append([]byte(nil), whole[:cut]...)
	b.event = append(b.event, "}]}"...)
	little := b.mallocs()
	b.event = whole
	r.info("allocations of an invocation", lots, "")
	r.atMost("allocations per record", (lots-little)/float64(len(b.data)-few), "", 0.001)
	return b.err
}

// mallocs returns the number of allocations in an invocation.
func (b *transformBench) mallocs() float64 {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	b.append()
	const rounds = 5
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range rounds {
		b.append()
	}
	runtime.ReadMemStats(&after)
	return float64(after.Mallocs-before.Mallocs) / rounds
}
