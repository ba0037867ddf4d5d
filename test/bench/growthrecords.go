package main

import (
	"encoding/base64"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"

	"github.com/resolverwatch/resolverwatch/test/bench/chart"
)

// growthEventBytes is the size of an event. It is below that of a full one, because marks of
// malicious records make the response longer.
const growthEventBytes = 2_000_000

// growthRecord says what a record is like.
type growthRecord struct {
	size    int // in bytes; 0 if it follows from the answers
	answers int
	hitRate int // in per cent
}

// byRecords measures how long a transformer takes to mark a record, for different records.
func (b *growthBench) byRecords() ([]chart.Panel, error) {
	if _, _, err := b.build(b.scale.recordNames, 1); err != nil {
		return nil, err
	}
	file, err := os.ReadFile(filepath.Join(b.dir, "lists.rwx"))
	if err != nil {
		return nil, err
	}
	bench, err := openTransformBench(file)
	if err != nil {
		return nil, err
	}

	var panels []chart.Panel
	for _, p := range []struct {
		title, label string
		values       []int
		record       func(value int) growthRecord
	}{
		{"Mark a record, by its size", "bytes of a record", b.scale.sizes, func(v int) growthRecord { return growthRecord{size: v, hitRate: 1} }},
		{"Mark a record, by its answers", "answers in a record", b.scale.answers, func(v int) growthRecord { return growthRecord{answers: v, hitRate: 1} }},
		{"Mark a record, by malicious share", "malicious records, per cent", b.scale.hitRates, func(v int) growthRecord { return growthRecord{answers: 2, hitRate: v} }},
	} {
		var points []chart.Point
		for _, value := range p.values {
			nanoseconds, err := bench.markGrowth(p.record(value), b.scale.recordNames)
			if err != nil {
				return nil, fmt.Errorf("%s, %d: %w", p.title, value, err)
			}
			fmt.Printf("  %s: %d: %.4g ns\n", p.title, value, nanoseconds)
			points = append(points, chart.Point{X: float64(value), Y: rounded(nanoseconds)})
		}
		panels = append(panels, chart.Panel{
			Title: p.title, X: chart.Axis{Label: p.label}, Y: chart.Axis{Label: "ns per record"},
			Series: []chart.Series{{Points: points}},
		})
	}
	return panels, nil
}

// markGrowth returns the time to mark a record, in nanoseconds. It is an error if a record fails
// or if not as many are malicious as there should be.
func (b *transformBench) markGrowth(kind growthRecord, names int) (nanoseconds float64, err error) {
	var event strings.Builder
	event.WriteString(`{"invocationId":"1","deliveryStreamArn":"arn:aws:firehose:eu-west-1:012345678901:deliverystream/bench","region":"eu-west-1","records":[`)
	records, malicious := 0, 0
	for ; event.Len() < growthEventBytes; records++ {
		if records > 0 {
			event.WriteByte(',')
		}
		listed := records*kind.hitRate/100 != (records+1)*kind.hitRate/100
		if listed {
			malicious++
		}
		fmt.Fprintf(&event, `{"recordId":"496082219903867305317203445903031856002169917617282744%08d","approximateArrivalTimestamp":1790000000123,"data":"%s"}`,
			records, base64.StdEncoding.EncodeToString([]byte(kind.text(records*7919%names, listed))))
	}
	event.WriteString(`]}`)
	b.event = []byte(event.String())

	var seconds []float64
	for range transformRounds {
		seconds = append(seconds, b.time(b.append))
	}
	if b.err != nil {
		return 0, b.err
	}
	if ok, found := b.countResults(); ok != records || found != malicious {
		return 0, fmt.Errorf("%d of %d records are marked, %d of %d as malicious", ok, records, found, malicious)
	}
	return 1e9 * median(seconds) / float64(records), nil
}

// countResults counts the marked records in the response, and the malicious ones.
func (b *transformBench) countResults() (ok, malicious int) {
	for _, part := range strings.Split(string(b.out), `"result":"Ok"`)[1:] {
		_, rest, _ := strings.Cut(part, `"data":"`)
		data, _, _ := strings.Cut(rest, `"`)
		line, err := base64.StdEncoding.DecodeString(data)
		if err != nil {
			continue
		}
		ok++
		if strings.Contains(string(line), `"verdict":"malicious"`) {
			malicious++
		}
	}
	return ok, malicious
}

// text returns a record. In a record of a given size, a TXT answer fills it, or the id of the VPC
// if there is no room for an answer.
func (g growthRecord) text(n int, listed bool) string {
	name := map[bool]func([]byte, int) []byte{true: listedName, false: unlistedName}[listed](nil, n)
	answers := make([]string, 0, g.answers+1)
	for i := range g.answers {
		answers = append(answers, fmt.Sprintf(`{"Rdata":"192.0.2.%d","Type":"A","Class":"IN"}`, i))
	}
	head := fmt.Sprintf(`{"query_name":"%s.","query_type":"A","rcode":"NOERROR","answers":[`, name)
	tail := `],"srcaddr":"10.0.0.1"}`
	if g.size > 0 {
		const txt, txtEnd, vpc, vpcEnd = `{"Rdata":"`, `","Type":"TXT","Class":"IN"}`, `],"vpc_id":"`, `","srcaddr":"10.0.0.1"}`
		if fill := g.size - len(head) - len(tail) - len(txt) - len(txtEnd); fill >= 0 {
			answers = append(answers, txt+strings.Repeat("x", fill)+txtEnd)
		} else {
			tail = vpc + strings.Repeat("x", g.size-len(head)-len(vpc)-len(vpcEnd)) + vpcEnd
		}
	}
	return head + strings.Join(answers, ",") + tail
}

// rounded returns a figure with four digits, which is more than a measurement is worth.
func rounded(value float64) float64 {
	if value == 0 {
		return 0
	}
	unit := math.Pow10(int(math.Floor(math.Log10(math.Abs(value)))) - 3)
	return math.Round(math.Round(value/unit)*unit*1e6) / 1e6
}
