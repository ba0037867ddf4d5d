package athena_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/resolverwatch/resolverwatch/pkg/verdict"
)

// host is a machine that sends queries.
type host struct{ account, vpc, address, instance string }

// query is one record of the query log.
type query struct {
	asked    time.Time
	arrived  time.Time // when Firehose received it; a minute and a half later if not set
	host     host
	name     string
	rcode    string // NOERROR if not set
	answers  []answer
	firewall string
	// time and srcids, if set, are written to the record as they are.
	time, srcids string
	plain        bool // logged before there was a marker
}

type answer struct{ Rdata, Type, Class string }

// record returns the record in the format of Resolver.
func (q *query) record(t *testing.T) []byte {
	t.Helper()
	srcids := map[string]string{}
	if q.host.instance != "" {
		srcids["instance"] = q.host.instance
	}
	members := []struct {
		name  string
		value any
	}{
		{"version", "1.100000"}, {"account_id", q.host.account}, {"region", "eu-west-1"}, {"vpc_id", q.host.vpc},
		{"query_timestamp", q.asked.Format(time.RFC3339)}, {"query_name", q.name}, {"query_type", "A"},
		{"query_class", "IN"}, {"rcode", "NOERROR"}, {"answers", q.answers}, {"srcaddr", q.host.address},
		{"srcport", fmt.Sprint(10_000 + q.asked.Unix()%50_000)}, {"transport", "UDP"}, {"srcids", srcids},
	}
	if q.answers == nil {
		members[9].value = []answer{}
	}
	if q.rcode != "" {
		members[8].value = q.rcode
	}
	if q.time != "" {
		members[4].value = q.time
	}
	if q.srcids != "" {
		members[13].value = json.RawMessage(q.srcids)
	}
	if q.host.vpc == "" {
		members = slices.Delete(members, 3, 4)
	}
	var record bytes.Buffer
	for i, member := range members {
		value, err := json.Marshal(member.value)
		if err != nil {
			t.Fatal(err)
		}
		if text, isText := member.value.(string); isText && !utf8.ValidString(text) {
			value = []byte(`"` + text + `"`) // unchanged; an encoder would change it
		}
		fmt.Fprintf(&record, "%c%q:%s", "{,"[min(i, 1)], member.name, value)
	}
	if q.firewall != "" {
		fmt.Fprintf(&record, `,"firewall_rule_action":%q,"firewall_rule_group_id":"rslvr-frg-1"`, q.firewall)
	}
	record.WriteByte('}')
	return record.Bytes()
}

// line is a marked record with its arrival time.
type line struct {
	arrived time.Time
	text    []byte
}

// delivered returns lines by object key, named as Firehose names the object for an hour's
// records.
func delivered(folder, layout string, lines []line) map[string][]byte {
	objects := map[string][]byte{}
	for _, line := range lines {
		hour := line.arrived.Truncate(time.Hour)
		key := folder + hour.Format(layout) + "/resolverwatch-1-" + hour.Format("2006-01-02-15-04-05") + "-0"
		objects[key] = append(objects[key], line.text...)
	}
	return objects
}

// mark marks a record with the marker of its time.
func mark(t *testing.T, markers map[time.Time]*verdict.Marker, q *query) line {
	t.Helper()
	if q.arrived.IsZero() {
		q.arrived = q.asked.Add(90 * time.Second)
	}
	if q.plain {
		return line{q.arrived, append(q.record(t), '\n')}
	}
	var marker *verdict.Marker
	for _, since := range slices.SortedFunc(maps.Keys(markers), time.Time.Compare) {
		if !since.After(q.arrived) {
			marker = markers[since]
		}
	}
	text, err := marker.Mark(nil, q.record(t))
	if err != nil {
		t.Fatal(err)
	}
	return line{q.arrived, text}
}
