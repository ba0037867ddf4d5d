package selection_test

import (
	"encoding/json"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/resolverwatch/resolverwatch/internal/selection"
	"github.com/resolverwatch/resolverwatch/pkg/index"
	"github.com/resolverwatch/resolverwatch/pkg/indicator"
	"github.com/resolverwatch/resolverwatch/pkg/verdict"
)

var now = time.Date(2026, 11, 10, 12, 0, 0, 0, time.UTC)

// list returns an index with a name and a block.
func list(t testing.TB) *index.Index {
	t.Helper()
	builder := index.NewBuilder()
	builder.Feed("corp", false)
	for value, scope := range map[string]indicator.Scope{"evil.example": indicator.ScopeSubtree, "203.0.113.0/24": indicator.ScopeCIDR} {
		entry := indicator.Indicator{Scope: scope, Action: indicator.ActionBlock, Severity: indicator.SeverityHigh}
		if err := errors.Join(entry.SetValue(value), builder.Add("corp", &entry)); err != nil {
			t.Fatal(err)
		}
	}
	data, err := builder.Build(index.Options{})
	if err != nil {
		t.Fatal(err)
	}
	x, err := index.Open(data)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// keeps marks a record and reports whether the options select it, with what was skipped.
func keeps(t testing.TB, o selection.Options, record string) (kept bool, skipped selection.Skipped) {
	t.Helper()
	chosen, err := selection.Parse(o, now)
	if err != nil {
		t.Fatal(err)
	}
	chooser := chosen.NewChooser()
	marker := verdict.NewMarker(list(t), verdict.Options{OnMark: func(m *verdict.Mark) { kept = chooser.Keep(m, &skipped) }})
	if _, err := marker.Mark(nil, []byte(record)); err != nil {
		t.Fatal(err)
	}
	return kept, skipped
}

func TestChooser_Keep(t *testing.T) {
	t.Parallel()
	const evil = `{"query_timestamp":"2026-11-09T12:00:00Z","query_name":"a.evil.example.","vpc_id":"vpc-1","srcaddr":"10.0.1.5","srcids":{"instance":"i-1"}}`
	const answered = `{"query_name":"fine.example.","answers":[{"Rdata":"203.0.113.7","Type":"A"}]}`
	const nat64 = `{"query_name":"fine.example.","answers":[{"Rdata":"64:ff9b::cb00:7107","Type":"AAAA"}]}`
	type options = selection.Options
	for _, test := range []struct {
		name, record, want string // want is the reason, or "" if the record is kept
		options            options
	}{
		{"since is included", evil, "", options{Since: "2026-11-09T12:00:00Z"}},
		{"until is not", evil, "at other times", options{Until: "2026-11-09T12:00:00Z"}},
		{"an age counts back from now", evil, "", options{Since: "24h"}},
		{"a shorter age", evil, "at other times", options{Since: "23h"}},
		{"a time of a record with a zone", `{"query_name":"x.example","query_timestamp":"2026-11-09T13:00:00+01:00"}`, "", options{Since: "24h"}},
		{"a fraction of a second", `{"query_name":"x.example","query_timestamp":"2026-11-09T11:59:59.999Z"}`, "at other times", options{Since: "24h"}},
		{"no time", `{"query_name":"x.example"}`, "without a readable time", options{Since: "24h"}},
		{"a day that does not exist", `{"query_name":"x.example","query_timestamp":"2026-02-30T00:00:00Z"}`, "without a readable time", options{Since: "2026-01-01"}},
		{"the time of OCSF", `{"query":{"hostname":"x.example"},"time":1794225600000}`, "", options{Since: "24h"}},
		{"one of two VPCs", evil, "", options{VPCs: []string{"vpc-2", "vpc-1"}}},
		{"the beginning of a VPC", evil, "of other VPCs", options{VPCs: []string{"vpc-"}}},
		{"no VPC", answered, "of other VPCs", options{VPCs: []string{"vpc-1"}}},
		{"an escaped VPC", `{"query_name":"x.example","vpc_id":"vp\u0063-1"}`, "", options{VPCs: []string{"vpc-1"}}},
		{"an address", evil, "", options{Hosts: []string{"10.0.1.5"}}},
		{"a block", evil, "", options{Hosts: []string{"10.0.1.77/24"}}},
		{"another block", evil, "of other hosts", options{Hosts: []string{"10.0.2.0/24"}}},
		{"an instance", evil, "", options{Hosts: []string{"10.0.2.0/24", "i-1"}}},
		{"no host", answered, "of other hosts", options{Hosts: []string{"0.0.0.0/0"}}},
		{"an address in IPv6 form", `{"query_name":"x.example","srcaddr":"::ffff:10.0.1.5"}`, "", options{Hosts: []string{"10.0.1.5"}}},
		{"another writing of an address", `{"query_name":"x.example","srcaddr":"2001:DB8:0::1"}`, "", options{Hosts: []string{"2001:db8::1"}}},
		{"the entry", evil, "", options{Indicators: []string{"EVIL.example."}}},
		{"a parent", evil, "", options{Indicators: []string{"example"}}},
		{"the name itself", evil, "", options{Indicators: []string{"a.evil.example"}}},
		{"a name below", evil, "without a match of --indicator", options{Indicators: []string{"b.a.evil.example"}}},
		{"not at a label", evil, "without a match of --indicator", options{Indicators: []string{"vil.example"}}},
		{"a clean record", `{"query_name":"x.example"}`, "without a match of --indicator", options{Indicators: []string{"x.example"}}},
		{"an address in an answer", answered, "", options{Indicators: []string{"203.0.113.7"}}},
		{"the block of an entry", answered, "", options{Indicators: []string{"203.0.113.0/24"}}},
		{"another address of the entry", answered, "without a match of --indicator", options{Indicators: []string{"203.0.113.8"}}},
		{"an address behind NAT64", nat64, "", options{Indicators: []string{"203.0.113.7"}}},
		{"the first reason counts", evil, "at other times", options{Since: "1h", VPCs: []string{"vpc-9"}}},
		{"all conditions", evil, "", options{Since: "7d", Until: "1h", VPCs: []string{"vpc-1"}, Hosts: []string{"i-1"}, Indicators: []string{"evil.example"}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			kept, skipped := keeps(t, test.options, test.record)
			switch {
			case kept != (test.want == ""):
				t.Errorf("kept is %v, want %q", kept, test.want)
			case kept && skipped.Total() != 0:
				t.Errorf("kept, but counted as skipped: %v", &skipped)
			case !kept && skipped.String() != "1 records skipped: 1 "+test.want:
				t.Errorf("%v, want %q", &skipped, test.want)
			}
		})
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	if none, err := selection.Parse(selection.Options{SinceFlag: "since"}, now); none != nil || err != nil || none.NewChooser() != nil {
		t.Errorf("no options: %v, %v", none, err)
	}
	o := selection.Options{SinceFlag: "from", Since: "soon", VPCs: []string{" "}, Hosts: []string{"10.0.0.0/33"}, Indicators: []string{""}}
	_, err := selection.Parse(o, now)
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{`--from: "soon"`, "--vpc", `--host "10.0.0.0/33"`, `--indicator ""`} { // all problems at once
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in: %v", want, err)
		}
	}
	chosen, err := selection.Parse(selection.Options{Since: "7d", VPCs: []string{"vpc-1", "vpc-2"}}, now)
	if want := []string{"since 2026-11-03T12:00:00Z", "VPC vpc-1 or vpc-2"}; err != nil || !slices.Equal(chosen.Describe(), want) {
		t.Errorf("%v, %q, want %q", err, chosen.Describe(), want)
	}
}

// FuzzChooser compares the selection by time and host with one that decodes the record.
func FuzzChooser(f *testing.F) {
	f.Add("2026-11-09T12:00:00Z", "10.0.1.5")
	f.Add("2026-11-09T14:00:00.5+02:00", "::ffff:10.0.1.5")
	f.Add("2026-11-31T12:00:00Z", "10.0.1.5%eth0")
	f.Add("", "")
	f.Fuzz(func(t *testing.T, stamp, address string) {
		record, err := json.Marshal(map[string]string{"query_name": "x.example", "query_timestamp": stamp, "srcaddr": address})
		if err != nil {
			t.Skip(err)
		}
		var decoded map[string]string
		if err := json.Unmarshal(record, &decoded); err != nil {
			t.Fatal(err)
		}
		at, err := time.Parse(time.RFC3339, decoded["query_timestamp"])
		want := err == nil && !at.Before(now.Add(-24*time.Hour)) && at.Before(now)
		host, err := netip.ParseAddr(decoded["srcaddr"])
		want = want && err == nil && netip.MustParsePrefix("10.0.1.0/24").Contains(host.Unmap().WithZone(""))
		kept, _ := keeps(t, selection.Options{Since: "24h", Until: "0m", Hosts: []string{"10.0.1.0/24"}}, string(record))
		if kept != want {
			t.Errorf("kept is %v, want %v: %s", kept, want, record)
		}
	})
}

// Choosing allocates nothing once the addresses are known.
func BenchmarkChooser(b *testing.B) {
	chosen, err := selection.Parse(selection.Options{Since: "24h", VPCs: []string{"vpc-1"}, Hosts: []string{"10.0.0.0/8"}}, now)
	if err != nil {
		b.Fatal(err)
	}
	chooser, skipped := chosen.NewChooser(), selection.Skipped{}
	record := []byte(`{"query_timestamp":"2026-11-09T12:00:00Z","query_name":"a.evil.example.","vpc_id":"vpc-1","srcaddr":"10.0.1.5"}`)
	var mark *verdict.Mark
	marker := verdict.NewMarker(list(b), verdict.Options{OnMark: func(m *verdict.Mark) { mark = m }})
	if _, err := marker.Mark(nil, record); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if !chooser.Keep(mark, &skipped) {
			b.Fatal("skipped")
		}
	}
}
