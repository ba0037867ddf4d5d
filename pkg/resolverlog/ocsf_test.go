package resolverlog_test

import (
	"fmt"
	"testing"

	"github.com/resolverwatch/resolverwatch/pkg/resolverlog"
)

// recordOCSF is a record in the shape of Route 53 Global Resolver, with example names.
const recordOCSF = `{"action":"Allowed","action_id":1,"activity_id":2,"class_name":"DNS Activity","class_uid":4003,` +
	`"time":1793527200123,"rcode":"NoError","cloud":{"provider":"AWS","region":"eu-west-1","account":{"uid":"012345678901"}},` +
	`"metadata":{"version":"1.2.0","product":{"name":"Global Resolver","vendor_name":"AWS"}},` +
	`"query":{"hostname":"www.shop.example.","class":"IN","type":"A"},` +
	`"answers":[{"type":"CNAME","class":"IN","rdata":"cdn.evil.example.","ttl":60},{"type":"A","class":"IN","rdata":"192.0.2.7"}],` +
	`"src_endpoint":{"ip":"203.0.113.5","port":40001},"enrichments":[{"name":"global-resolver","data":{"dns_view_id":"dnsv-0example"}}]}`

// The values of a DNS Activity are those of the Resolver members that mean the same.
func TestScanner_ocsf(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, record string
		want         string // shape, name, type, account, Region, VPC, address, instance, firewall action, time
	}{
		{"Global Resolver", recordOCSF, "2 www.shop.example. A 012345678901 eu-west-1 - 203.0.113.5 - - 2026-11-01T10:00:00.123Z"},
		{
			"Security Lake, which knows the VPC and the instance",
			`{"query":{"hostname":"a.test.","type":"AAAA"},"src_endpoint":{"ip":"10.0.0.5","vpc_uid":"vpc-0example","instance_uid":"i-0example"},` +
				`"cloud":{"account_uid":"012345678901","region":"eu-central-1"},"time":1793527200000,"time_dt":"2026-11-01T10:00:00Z","disposition":"Blocked"}`,
			"2 a.test. AAAA 012345678901 eu-central-1 vpc-0example 10.0.0.5 i-0example BLOCK 2026-11-01T10:00:00Z",
		},
		{"denied", `{"query":{"hostname":"a.test."},"action":"Denied"}`, "2 a.test. - - - - - - BLOCK "},
		{"alert", `{"query":{"hostname":"a.test."},"action":"Allowed","disposition":"alert"}`, "2 a.test. - - - - - - ALERT "},
		{"no name", `{"query":{"type":"A"},"time":1}`, "0 - - - - - - - - "},
		{"query of another type", `{"query":"a.test"}`, "0 - - - - - - - - "},
		{"unexpected types", `{"query":{"hostname":"a.test"},"src_endpoint":[],"cloud":{"account":7,"region":[]},"time":"x"}`, "2 a.test - - - - - - - "},
		{
			"the members of Resolver come first", `{"query_name":"a.test","query":{"hostname":"b.test"},"time":1,"src_endpoint":{"ip":"10.0.0.5"}}`,
			"1 a.test - - - - - - - ",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var s resolverlog.Scanner
			s.Reset([]byte(tt.record))
			if !s.Next() {
				t.Fatal(s.Err())
			}
			o := s.Object()
			got := fmt.Sprint(int(o.Shape), " ", text(o.QueryName), " ", text(o.QueryType), " ", text(o.AccountID), " ", text(o.Region), " ", text(o.VPCID), " ",
				text(o.SourceAddr), " ", text(o.Instance), " ", text(o.FirewallAction), " ", string(o.AppendTime(nil)))
			if got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			if s.Reset([]byte(recordBare)); !s.Next() || s.Object().Shape != resolverlog.ShapeResolver || len(s.Object().AppendTime(nil)) > 0 {
				t.Errorf("the next object has values of the one before: %+v", s.Object())
			}
		})
	}
}

func TestScanner_delayed(t *testing.T) {
	t.Parallel()
	for record, want := range map[string]bool{
		`{"additional_properties":{"is_delayed":true}}`:                                             true,
		`{"additional_properties":{"other":[1],"is_delayed":"True"}}`:                               true,
		`{"additional_properties":{"is_delayed":false}}`:                                            false,
		`{"additional_properties":{"is_delayed":true},"additional_properties":{}}`:                  false,
		`{"additional_properties":"{\"is_delayed\":true}"}`:                                         false,
		`{"additional_properties":[{"is_delayed":true}],"query_name":"a.test","is_delayed":"true"}`: false,
	} {
		var s resolverlog.Scanner
		s.Reset([]byte(record))
		if !s.Next() || s.Object().Delayed != want {
			t.Errorf("%s: delayed %t, error %v", record, s.Object().Delayed, s.Err())
		}
	}
}
