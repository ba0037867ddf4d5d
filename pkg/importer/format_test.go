package importer_test

import (
	"testing"
	"time"
)

// The importer follows what MISP events, STIX bundles and warninglists say about their entries:
// `to_ids` and `revoked` at once, and `valid_until` when its time comes, without a new list.
func TestImport_mispAndSTIX(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.put("feeds/misp/event.json", `{"Event":{"Attribute":[{"type":"domain","value":"evil.example","to_ids":true},
		{"type":"ip-dst","value":"192.0.2.1"},{"type":"domain","value":"seen.example","to_ids":false}]}}`)
	w.put("feeds/stix/bundle.json", `{"type":"bundle","id":"bundle--1","objects":[
		{"type":"indicator","pattern":"[domain-name:value = 'short.example']","valid_until":"2030-01-02T00:00:00Z"},
		{"type":"indicator","pattern":"[domain-name:value = 'long.example']","valid_until":"2031-01-01T00:00:00Z"},
		{"type":"indicator","pattern":"[url:value = 'http://host.example/x']"},
		{"type":"indicator","pattern":"[domain-name:value = 'gone.example']","revoked":true}]}`)
	w.put("allow/fine/list.json", `{"list":["good.example"],"name":"n","type":"hostname","matching_attributes":["domain"],"version":1}`)
	w.handle(t, keys("feeds/misp/event.json", "feeds/stix/bundle.json", "allow/fine/list.json")...)
	always := lines(
		"fine allow subtree good.example", "misp block cidr 192.0.2.1", "misp block subtree evil.example",
		"stix block name host.example", "stix block subtree long.example",
	)
	wantEqual(t, "served", w.served(t), lines(always, "stix block subtree short.example"))
	w.pass(30 * time.Hour)
	w.handle(t, scheduled())
	wantEqual(t, "served a day later", w.served(t), always)
}
