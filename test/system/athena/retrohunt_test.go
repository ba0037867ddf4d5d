package athena_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/resolverwatch/resolverwatch/pkg/verdict"
)

// retroHunt marks the lines again, with the new block entries and all allow entries.
func retroHunt(t *testing.T, lines []line, values map[string]string) (rows [][]any) {
	marker := verdict.NewMarker(october.since(values["since"]).index(t, secondGeneration), verdict.Options{})
	var hits []marked
	unmarked := map[string]int{}
	for _, before := range records(t, lines, values) {
		now, hit := remark(t, marker, &before)
		if !hit {
			continue
		}
		hits = append(hits, now)
		if before.Verdict != "malicious" {
			unmarked[now.host()+now.Threat.Indicator+now.Threat.Scope]++
		}
	}
	keys, groups := by(hits, func(r *marked) string { return r.host() + " " + r.Threat.Indicator + " " + r.Threat.Scope })
	for _, key := range keys {
		r := worst(groups[key])
		first, last := span(groups[key])
		rows = append(rows, []any{r.Account, r.VPC, r.Address, joined(distinct(groups[key], (*marked).instance)),
			r.Threat.Indicator, r.Threat.Scope, joined(r.Threat.Feeds), r.Threat.Category, r.Threat.Severity, r.Threat.Confidence,
			"2026-10-26T00:00:00Z", distinct(groups[key], func(r *marked) string { return r.Threat.Matched })[0],
			len(groups[key]), unmarked[r.host()+r.Threat.Indicator+r.Threat.Scope], first, last})
	}
	slices.SortStableFunc(rows, func(a, b []any) int {
		severity := func(row []any) int { return slices.Index(severities, row[8].(string)) }
		return cmp.Or(cmp.Compare(severity(b), severity(a)), cmp.Compare(b[13].(int), a[13].(int)))
	})
	return rows
}

// since returns all allow entries of the month's lists, and the block entries that were
// added since a day.
func (l list) since(day string) (kept list) {
	for line := range strings.Lines(string(october + added)) {
		if fields := strings.Fields(line); len(fields) > 0 && (fields[1] == "allow" || fields[7] >= day) {
			kept += list(line)
		}
	}
	return kept
}

// remark removes the mark from a record and marks it again.
func remark(t *testing.T, marker *verdict.Marker, before *marked) (now marked, hit bool) {
	t.Helper()
	original, _, isMarked := strings.Cut(before.text, `,"verdict":"`)
	switch {
	case before.Name == "": // a line that is not a record
		return marked{}, false
	case !isMarked:
		original = strings.TrimSuffix(before.text, "}\n")
	}
	text, err := marker.Mark(nil, []byte(original+"}"))
	if err == nil {
		err = json.Unmarshal(text, &now)
	}
	if err != nil {
		t.Fatal(err)
	}
	now.asked, now.text = before.asked, string(text)
	return now, now.Verdict == "malicious"
}

// matching tests the rules by which names and addresses match, each with a few entries and
// one query. All names differ, so that the cases do not interfere.
var matching = []struct {
	name, list string
	query      string
	answers    []answer
}{
	{name: "name: itself", list: "f block name n1.example", query: "n1.example."},
	{name: "name: not a subdomain", list: "f block name n2.example", query: "a.n2.example."},
	{name: "subtree: itself", list: "f block subtree s1.example", query: "s1.example."},
	{name: "subtree: far below", list: "f block subtree s2.example", query: "a.b.c.d.e.s2.example."},
	{name: "under: not itself", list: "f block under u1.example", query: "u1.example."},
	{name: "under: below", list: "f block under u2.example", query: "a.u2.example."},
	{name: "the end of a label is not a label", list: "f block subtree l1.example", query: "notl1.example."},
	{name: "a longer suffix", list: "f block subtree l2.example", query: "l2.example.test."},
	{name: "case", list: "f block subtree c1.example", query: "WwW.C1.eXample."},
	{name: "only ASCII letters have a case", list: "f block subtree kc2.example", query: "\u212ac2.example."},
	{name: "no final dot", list: "f block subtree d1.example", query: "a.d1.example"},
	{name: "two final dots", list: "f block subtree d2.example", query: "a.d2.example.."},
	{name: "an empty label", list: "f block subtree d3.example", query: "a..d3.example."},
	{name: "a first dot", list: "f block subtree d4.example", query: ".d4.example."},
	{name: "the root", list: "f block subtree d5.example", query: "."},
	{name: "no name", list: "f block subtree d6.example", query: ""},
	{name: "a single label", list: "f block subtree single1", query: "single1."},
	{name: "under a single label", list: "f block subtree single2", query: "a.single2."},
	{name: "an escaped dot is not a separator", list: "f block subtree e1.example", query: `a\.e1.example.`},
	{name: "an escaped dot below", list: "f block subtree e2.example", query: `a\.b.e2.example.`},
	{name: "an escaped backslash before a dot", list: "f block subtree e3.example", query: `a\\.e3.example.`},
	{name: "decimal escapes", list: "f block subtree e4.example", query: `a\046b.e4.example.`},
	{name: "an escaped final dot", list: "f block subtree e5.example", query: `a.e5.example\.`},
	{name: "a backslash at the end", list: "f block subtree e6.example", query: `a.e6.example.\`},
	{name: "any octet", list: "f block subtree o1.example", query: "c2=x /*\t'\"\u00e9\u2028.o1.example."},
	{name: "a line break in a label", list: "f block subtree o2.example", query: "a\nb\\\nc.o2.example."},
	{name: "an underscore", list: "f block subtree _o3.example", query: "_tcp._o3.example."},
	{name: "a label of 63", list: "f block subtree m1.example", query: strings.Repeat("a", 63) + ".m1.example."},
	{name: "a label of 64", list: "f block subtree m2.example", query: strings.Repeat("a", 64) + ".m2.example."},
	{name: "a label of 63 escapes", list: "f block subtree m3.example", query: strings.Repeat(`\001`, 63) + ".m3.example."},
	{name: "a label of 64 escapes", list: "f block subtree m4.example", query: strings.Repeat(`\.`, 64) + ".m4.example."},
	{name: "a label of 32 letters of two octets", list: "f block subtree m5.example", query: strings.Repeat("\u00e9", 32) + ".m5.example."},
	{name: "a name of 255", list: "f block subtree m6.example", query: strings.Repeat("a.", 121) + "m6.example."},
	{name: "a name of 257", list: "f block subtree m7.example", query: strings.Repeat("a.", 122) + "m7.example."},
	{name: "an A-label", list: "f block subtree xn--bcher-kva.example", query: "WWW.XN--BCHER-KVA.example."},
	{name: "a U-label is not an A-label", list: "f block subtree xn--bcher-kva.w1.example", query: "b\u00fccher.w1.example."},
	{name: "a star is a label", list: "f block subtree w2.example", query: "*.w2.example."},
	{name: "a star is not an ancestor", list: "f block under w3.example", query: "*w3.example."},
	{name: "below an underscore alone", list: "f block name _.w4.example", query: "_.w4.example."},
	{name: "an escape of a listed letter", list: "f block subtree w5.example", query: `\1195.example.`},
	{name: "a label of digits", list: "f block subtree 10.example", query: "192.0.2.10.example."},
	{name: "the deepest entry", list: "f block subtree g1.example\ng block subtree a.g1.example", query: "b.a.g1.example."},
	{name: "the deepest match", list: "f block subtree g2.example\ng block name a.g2.example", query: "b.a.g2.example."},
	{name: "the narrowest of one depth", list: "f block subtree g3.example\nf block name g3.example", query: "g3.example."},
	{name: "all feeds", list: "z block subtree g4.example\nb block name a.g4.example\na block under g4.example", query: "a.g4.example."},
	{name: "the rating of the most severe", list: "a block subtree r1.example low 99\nb block subtree a.r1.example high 10", query: "a.r1.example."},
	{name: "same severity: the higher confidence", list: "a block subtree r2.example high 10\nb block subtree a.r2.example high 60", query: "a.r2.example."},
	{name: "same rating: the first feed", list: "b block subtree a.r3.example\na block subtree r3.example", query: "a.r3.example."},
	{name: "allow at the same depth", list: "f block subtree a1.example\nallow-x allow name a1.example", query: "a1.example."},
	{name: "allow deeper", list: "f block subtree a2.example\nallow-x allow subtree a.a2.example", query: "b.a.a2.example."},
	{name: "allow above", list: "f block subtree a.a3.example\nallow-x allow subtree a3.example", query: "a.a3.example."},
	{name: "allow for a sibling", list: "f block subtree a4.example\nallow-x allow name b.a4.example", query: "a.a4.example."},
	{name: "a feed's exception", list: "f block subtree a5.example\nf allow subtree a.a5.example", query: "a.a5.example."},
	{name: "a feed's exception does not apply to other feeds", list: "f block subtree a6.example\ng allow subtree a.a6.example", query: "a.a6.example."},
	{name: "an exception leaves other feeds", list: "f block subtree a7.example\nf allow subtree a.a7.example\ng block subtree a7.example low 1",
		query: "a.a7.example."},
	{name: "CNAME target", list: "f block subtree t1.example", query: "www.good1.example.",
		answers: []answer{{"x.T1.example.", "CNAME", "IN"}, {"192.0.2.1", "A", "IN"}}},
	{name: "CNAME target with a trailing space", list: "f block subtree t2.example", query: "www.good2.example.",
		answers: []answer{{"x.t2.example. ", "cname", "IN"}}},
	{name: "not in answers of other types", list: "f block subtree t3.example", query: "www.good3.example.",
		answers: []answer{{"x.t3.example.", "PTR", "IN"}, {"t3.example.", "NS", "IN"}, {"t3.example", "TXT", "IN"}}},
	{name: "the query name before answers", list: "f block subtree t4.example\nf block subtree good4.example", query: "www.good4.example.",
		answers: []answer{{"x.t4.example.", "CNAME", "IN"}}},
	{name: "answers in order", list: "f block subtree t5.example\nf block subtree t6.example", query: "www.good5.example.",
		answers: []answer{{"x.t6.example.", "CNAME", "IN"}, {"x.t5.example.", "CNAME", "IN"}}},
	{name: "an allowed query name ends the check", list: "f block subtree t7.example\nallow-x allow subtree good7.example", query: "www.good7.example.",
		answers: []answer{{"x.t7.example.", "CNAME", "IN"}}},
	{name: "an allowed answer does not end the check", list: "f block subtree t8.example\nf block subtree t9.example\nallow-x allow subtree t8.example",
		query: "www.good8.example.", answers: []answer{{"x.t8.example.", "CNAME", "IN"}, {"t9.example.", "CNAME", "IN"}}},
	{name: "a bad query name does not end the check", list: "f block subtree t10.example", query: "a..good.example.",
		answers: []answer{{"x.t10.example.", "CNAME", "IN"}}},
	{name: "an address", list: "f block cidr 198.51.100.1", query: "www.good9.example.", answers: []answer{{"198.51.100.1", "A", "IN"}}},
	{name: "another address", list: "f block cidr 198.51.100.2", query: "www.good10.example.", answers: []answer{{"198.51.100.20", "A", "IN"}}},
	{name: "in a block", list: "f block cidr 203.0.113.0/25", query: "www.good11.example.", answers: []answer{{"203.0.113.127", "A", "IN"}}},
	{name: "next to a block", list: "f block cidr 203.0.113.192/26", query: "www.good12.example.", answers: []answer{{"203.0.113.191", "A", "IN"}}},
	{name: "an IPv6 address", list: "f block cidr 2001:db8::1", query: "www.good13.example.",
		answers: []answer{{"2001:0DB8:0:0:0:0:0:1", "AAAA", "IN"}}},
	{name: "in an IPv6 block", list: "f block cidr 2001:db8:bac::/47", query: "www.good14.example.",
		answers: []answer{{"2001:db8:bad:ffff::9", "AAAA", "IN"}}},
	{name: "next to an IPv6 block", list: "f block cidr 2001:db8:cad::/48", query: "www.good15.example.",
		answers: []answer{{"2001:db8:cae::9", "AAAA", "IN"}}},
	{name: "IPv4 in IPv6 form", list: "f block cidr 198.51.100.3", query: "www.good16.example.",
		answers: []answer{{"::ffff:198.51.100.3", "AAAA", "IN"}}},
	{name: "not an address", list: "f block cidr 198.51.100.4", query: "www.good17.example.", answers: []answer{{"198.51.100.4.", "A", "IN"}}},
	{name: "an address with a trailing space", list: "f block cidr 198.51.100.5", query: "www.good18.example.",
		answers: []answer{{"198.51.100.5 ", "A", "IN"}}},
	{name: "an address with a leading space", list: "f block cidr 198.51.100.6", query: "www.good21.example.",
		answers: []answer{{" 198.51.100.6", "A", "IN"}}},
	{name: "an address with leading zeros", list: "f block cidr 198.51.100.7", query: "www.good22.example.",
		answers: []answer{{"198.051.100.007", "A", "IN"}}},
	{name: "an address of three parts", list: "f block cidr 198.51.0.8", query: "www.good23.example.",
		answers: []answer{{"198.51.8", "A", "IN"}}},
	{name: "IPv4 in another IPv6 form", list: "f block cidr 198.51.100.9", query: "www.good24.example.",
		answers: []answer{{"::ffff:c633:6409", "AAAA", "IN"}, {"::198.51.100.9", "AAAA", "IN"}}},
	{name: "IPv4 at the end of IPv6", list: "f block cidr 198.51.100.10", query: "www.good25.example.",
		answers: []answer{{"::198.51.100.10", "AAAA", "IN"}}},
	{name: "a zone", list: "f block cidr fe80::11", query: "www.good26.example.", answers: []answer{{"fe80::11%eth0", "AAAA", "IN"}}},
	{name: "an address in a CNAME", list: "f block cidr 198.51.100.12", query: "www.good27.example.",
		answers: []answer{{"198.51.100.12", "CNAME", "IN"}}},
	{name: "a target with a trailing tab", list: "f block subtree t11.example", query: "www.good28.example.",
		answers: []answer{{"x.t11.example.\t", "CNAME", "IN"}}},
	{name: "a target with a trailing wide space", list: "f block subtree t12.example", query: "www.good29.example.",
		answers: []answer{{"x.t12.example.\u2003", "CNAME", "IN"}}},
	{name: "a target with trailing spaces", list: "f block subtree t13.example", query: "www.good30.example.",
		answers: []answer{{"x.t13.example.  ", "CNAME", "IN"}}},
	{name: "the smallest block", list: "f block cidr 198.51.100.64/26\ng block cidr 198.51.100.70", query: "www.good19.example.",
		answers: []answer{{"198.51.100.70", "A", "IN"}}},
	{name: "MX target", list: "f block subtree h1.example", query: "www.good31.example.", answers: []answer{{"10 mail.h1.example. ", "MX", "IN"}}},
	{name: "MX target without a preference", list: "f block subtree h2.example", query: "www.good32.example.", answers: []answer{{"h2.example", "mx", "IN"}}},
	{name: "SRV target", list: "f block subtree h3.example", query: "www.good33.example.", answers: []answer{{"0 5\t5060 sip.h3.example.\t", "SRV", "IN"}}},
	{name: "no SRV target", list: "f block subtree h4.example", query: "www.good34.example.", answers: []answer{{"0 0 0 .", "SRV", "IN"}, {"", "MX", "IN"}}},
	{name: "HTTPS alias", list: "f block subtree h5.example", query: "www.good35.example.", answers: []answer{{"0 cdn.h5.example.", "HTTPS", "IN"}}},
	{name: "HTTPS target with parameters", list: "f block subtree h6.example", query: "www.good36.example.",
		answers: []answer{{`1  svc.H6.example  alpn="h3,h2" port=8443`, "https", "IN"}}},
	{name: "HTTPS without a priority", list: "f block subtree h7.example", query: "www.good37.example.", answers: []answer{{"svc.h7.example. alpn=h2", "HTTPS", "IN"}}},
	{name: "SVCB by number", list: "f block subtree h8.example", query: "www.good38.example.", answers: []answer{{"1 svc.h8.example.", "TYPE64", "IN"}}},
	{name: "IPv4 hint", list: "f block cidr 198.51.100.31", query: "www.good39.example.",
		answers: []answer{{"1 . alpn=h2 ipv4hint=192.0.2.1,198.51.100.31", "HTTPS", "IN"}}},
	{name: "IPv4 hint in quotes", list: "f block cidr 198.51.100.32", query: "www.good40.example.",
		answers: []answer{{`1 . IPv4hint="198.51.100.32,192.0.2.1" alpn=h2`, "SVCB", "IN"}}},
	{name: "IPv6 hint", list: "f block cidr 2001:db8:31::/48", query: "www.good41.example.", answers: []answer{{"1 . ipv6hint=2001:db8:31::9", "HTTPS", "IN"}}},
	{name: "a hint in the text of another parameter", list: "f block cidr 198.51.100.33", query: "www.good42.example.",
		answers: []answer{{`1 . x="a ipv4hint=198.51.100.33" y="\" ipv4hint=198.51.100.33"`, "HTTPS", "IN"}}},
	{name: "a hint after an escaped backslash", list: "f block cidr 198.51.100.34", query: "www.good43.example.",
		answers: []answer{{`1 . x="a\\" ipv4hint=198.51.100.34`, "HTTPS", "IN"}}},
	{name: "DNS64", list: "f block cidr 198.51.100.35", query: "www.good44.example.", answers: []answer{{"64:ff9b::198.51.100.35", "AAAA", "IN"}}},
	{name: "DNS64, in a block", list: "f block cidr 198.51.100.224/27", query: "www.good45.example.", answers: []answer{{"64:ff9b::c633:64f0", "AAAA", "IN"}}},
	{name: "DNS64 in a hint", list: "f block cidr 198.51.100.36", query: "www.good46.example.", answers: []answer{{"1 . ipv6hint=64:ff9b::c633:6424", "HTTPS", "IN"}}},
	{name: "DNS64, in its IPv6 form", list: "f block cidr 64:ff9b::c633:6425", query: "www.good47.example.", answers: []answer{{"64:ff9b::c633:6425", "AAAA", "IN"}}},
	{name: "DNS64, allowed IPv4 address", list: "f block cidr 198.51.100.38\nallow-x allow cidr 198.51.100.38", query: "www.good48.example.",
		answers: []answer{{"64:ff9b::c633:6426", "AAAA", "IN"}}},
	{name: "beside the prefix of DNS64", list: "f block cidr 198.51.100.39", query: "www.good49.example.", answers: []answer{{"64:ff9b:1::c633:6427", "AAAA", "IN"}}},
	{name: "the most severe answer", list: "f block subtree v1.example low 50\ng block subtree v2.example high 10", query: "www.good50.example.",
		answers: []answer{{"v1.example.", "CNAME", "IN"}, {"v2.example.", "CNAME", "IN"}}},
	{name: "an answer that is more severe than the query name", list: "f block subtree v3.example low 50\ng block cidr 198.51.100.40 critical 10",
		query: "www.v3.example.", answers: []answer{{"198.51.100.40", "A", "IN"}}},
	{name: "the most severe part of an answer", list: "f block subtree v4.example low 50\ng block cidr 198.51.100.41 critical 10",
		query: "www.good51.example.", answers: []answer{{"1 v4.example. ipv4hint=198.51.100.41", "HTTPS", "IN"}}},
	{name: "the severity without vetoed entries", list: "f block subtree v5.example critical 50\nf allow subtree v5.example\ng block subtree v6.example low 10",
		query: "www.v5.example.", answers: []answer{{"v6.example.", "CNAME", "IN"}}},
	{name: "an allowed block", list: "f block cidr 198.51.100.128/26\nallow-x allow cidr 198.51.100.129", query: "www.good20.example.",
		answers: []answer{{"198.51.100.129", "A", "IN"}}},
}

// The retro-hunt matches exactly as the marker does. Each case is a host.
func TestRetroHunt_matching(t *testing.T) {
	var all list
	var queries []query
	for i, test := range matching {
		for line := range strings.Lines(test.list) {
			fields := append(strings.Fields(line), "malware", "medium", "50")
			if len(strings.Fields(line)) > 4 {
				fields = slices.Insert(strings.Fields(line), 4, "malware-"+strings.Fields(line)[0])
			}
			all += list(strings.Join(append(fields[:7:7], "2026-10-25"), " ") + "\n")
		}
		queries = append(queries, query{asked: october2026(10, i/60, i%60, 0), name: test.query, answers: test.answers,
			host: host{"111122223333", "vpc-1", caseName(i), ""}})
	}
	r := newRig(t, wayJSON, "2006/01/02", map[string]any{})
	r.replace(t, all, queries)
	got := r.ask(t, "retro-hunt", asked["retro-hunt"])
	answered := map[string][]any{}
	for _, row := range got.Rows {
		answered[row[2].(string)] = row[4:10]
	}
	marker := verdict.NewMarker(all.index(t, secondGeneration), verdict.Options{})
	hits := 0
	for i, test := range matching {
		var want string
		text, err := marker.Mark(nil, queries[i].record(t))
		var m marked
		if err == nil {
			err = json.Unmarshal(text, &m)
		}
		if err != nil {
			t.Fatal(err)
		}
		want = "null"
		if m.Verdict == "malicious" {
			hits++
			want = asLines([][]any{{m.Threat.Indicator, m.Threat.Scope, joined(m.Threat.Feeds), m.Threat.Category,
				m.Threat.Severity, m.Threat.Confidence}})[0]
		}
		if row := answered[caseName(i)]; want != asLines([][]any{row})[0] {
			t.Errorf("%s: Trino says %s, the marker %s", test.name, asLines([][]any{row})[0], want)
		}
	}
	t.Logf("%d cases, %d of them malicious", len(matching), hits)
	if extra := len(answered) - hits; extra != 0 {
		t.Errorf("%d unexpected rows: %v", extra, slices.Sorted(maps.Keys(answered)))
	}
}

func caseName(i int) string { return "case " + string(rune('a'+i/26)) + string(rune('a'+i%26)) }

// replace replaces the lists and logs of the deployment.
func (r *rig) replace(t *testing.T, lists list, queries []query) {
	t.Helper()
	var lines []byte
	for _, q := range queries {
		lines = append(append(lines, bytes.TrimSuffix(q.record(t), []byte("}"))...), `,"verdict":"clean"}`+"\n"...)
	}
	folder := r.tables["dns_logs"].move(t, r.bucket(t, nil))
	bucket, _ := r.tables["dns_logs"].location()
	r.put(t, bucket, map[string][]byte{folder + "2026/10/10/all.gz": compress(t, lines)})
	indexes, _ := r.tables["indicators"].location()
	r.put(t, indexes, map[string][]byte{"indicators/current.ndjson.gz": lists.published(t, secondGeneration)})
	r.glue.put(r.tables["dns_logs"])
}
