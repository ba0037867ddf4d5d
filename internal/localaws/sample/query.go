package sample

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// query is a query with its answers and its expected result.
type query struct {
	name, kind, rcode string
	answers           []answer
	firewall          string // action of DNS Firewall, if a rule matched
	want              Want
}

type answer struct {
	Rdata string
	Type  string
	Class string
}

func a(address string) answer    { return answer{address, "A", "IN"} }
func aaaa(address string) answer { return answer{address, "AAAA", "IN"} }
func cname(target string) answer { return answer{target, "CNAME", "IN"} }

// scenario generates queries of one kind. weight is the frequency of this kind in relation to
// the others.
type scenario struct {
	weight int
	make   func(*rand.Rand) query
}

var clean = Want{Verdict: Clean}

// listed returns the result for a query name that matches.
func listed(indicator string, feeds ...string) Want {
	return Want{Verdict: Malicious, Indicator: indicator, Part: "query_name", Feeds: feeds}
}

// vetoed returns the result for a query name that matches but is covered by an exception.
func vetoed(indicator string, feeds ...string) Want {
	return Want{Verdict: Allowed, Indicator: indicator, Part: "query_name", Feeds: feeds}
}

// answered returns the result for a match in the answers.
func answered(i int, indicator string, feeds ...string) Want {
	return Want{Verdict: Malicious, Indicator: indicator, Part: fmt.Sprintf("answers[%d]", i), Feeds: feeds}
}

func noError(name, kind string, want Want, answers ...answer) query {
	return query{name: name, kind: kind, rcode: "NOERROR", answers: answers, want: want}
}

// label returns a random label that is unlikely to repeat.
func label(r *rand.Rand) string { return fmt.Sprintf("n%x", r.Uint32()) }

// benign returns an answer that is not in any feed.
func benign(r *rand.Rand) answer { return a(fmt.Sprintf("192.0.2.%d", r.IntN(256))) }

// mixedCase randomizes the case of a name, like resolvers that use 0x20 encoding.
func mixedCase(r *rand.Rand, name string) string {
	return strings.Map(func(c rune) rune {
		if 'a' <= c && c <= 'z' && r.IntN(2) == 0 {
			return c - 'a' + 'A'
		}
		return c
	}, name)
}

// pick returns one of the words.
func pick(r *rand.Rand, words ...string) string { return words[r.IntN(len(words))] }

// ordinary returns scenarios of harmless queries.
func ordinary() []scenario {
	return []scenario{
		{3000, func(r *rand.Rand) query {
			zone := pick(r, ".corp.example.", ".vendor.test.", ".cdn.example.")
			return noError(label(r)+zone, "A", clean, benign(r), benign(r))
		}},
		{1500, func(r *rand.Rand) query {
			return noError(label(r)+".corp.example.", "AAAA", clean, aaaa(fmt.Sprintf("2001:db8:1::%x", r.IntN(1<<16))))
		}},
		{1500, func(r *rand.Rand) query {
			edge := label(r) + ".edge.cdn.example."
			return noError("www."+label(r)+".test.", "A", clean, cname(edge), benign(r))
		}},
		{800, func(r *rand.Rand) query {
			return query{name: label(r) + ".corp.example.", kind: "A", rcode: "NXDOMAIN", want: clean}
		}},
		{500, func(r *rand.Rand) query {
			return noError(fmt.Sprintf("%d.2.0.192.in-addr.arpa.", r.IntN(256)), "PTR", clean,
				answer{"mail." + label(r) + ".example.", "PTR", "IN"})
		}},
		{150, func(*rand.Rand) query {
			return query{name: "instance-data.", kind: "A", rcode: "NXDOMAIN", want: clean}
		}},
		{150, func(*rand.Rand) query {
			return noError("_ldap._tcp.dc.corp.example.", "SRV", clean, answer{"0 100 389 dc1.corp.example.", "SRV", "IN"})
		}},
		{100, func(*rand.Rand) query { return noError(".", "NS", clean) }},
		{60, func(r *rand.Rand) query { // DNS Firewall raised an alert only
			q := noError(label(r)+".new.example.", "A", clean, benign(r))
			q.firewall = "ALERT"
			return q
		}},
	}
}

// lookalike returns scenarios of names that resemble a listed name, of invalid names, and of names
// covered by an exception.
func lookalike() []scenario {
	return []scenario{
		{60, func(r *rand.Rand) query { // ends like a listed name, but within a label
			return noError(label(r)+"beacon.botnet.example.", "A", clean, benign(r))
		}},
		{60, func(r *rand.Rand) query { // the escaped dot is part of a label
			return noError(label(r)+`\.beacon.botnet.example.`, "A", clean, benign(r))
		}},
		{60, func(r *rand.Rand) query { // an entry of a hosts file does not match subdomains
			return noError(label(r)+".dropper.malware.example.", "A", clean, benign(r))
		}},
		{30, func(r *rand.Rand) query { // these names do not fit into a DNS packet
			name := pick(r, "a..corp.example.", strings.Repeat("x", 64)+".corp.example.")
			return query{name: name, kind: "A", rcode: "SERVFAIL", want: Want{Verdict: Unknown, Reason: "bad_name"}}
		}},
		{25, func(r *rand.Rand) query {
			return noError(pick(r, "", "www.")+"status.account-check.example.", "A",
				vetoed("account-check.example", Phishing), benign(r))
		}},
		{25, func(r *rand.Rand) query { // the answer is listed too, but not checked
			return noError("cdn.partner.example.", "A", vetoed("cdn.partner.example", BotnetC2), a("203.0.113.66"))
		}},
	}
}

// listedNames returns scenarios of queries for listed names.
func listedNames() []scenario {
	return []scenario{
		{12, func(r *rand.Rand) query {
			return noError("dropper.malware.example.", "A", listed("dropper.malware.example", MalwareHosts), benign(r))
		}},
		{25, func(r *rand.Rand) query {
			return noError(label(r)+".beacon.botnet.example.", "A",
				listed("beacon.botnet.example", BotnetC2), benign(r))
		}},
		{10, func(r *rand.Rand) query {
			return noError(mixedCase(r, "login.bank.example."), "A", listed("login.bank.example", Phishing), benign(r))
		}},
		{8, func(r *rand.Rand) query { // no final dot
			return noError("update.fakesoft.example", "A", listed("update.fakesoft.example", MalwareHosts), benign(r))
		}},
		{20, func(r *rand.Rand) query { // octets that are illegal in host names
			return noError(pick(r, "c2=", `\000`, "a b")+label(r)+".tunnel.c2.example.", "TXT",
				listed("tunnel.c2.example", BotnetC2))
		}},
		{6, func(*rand.Rand) query { // DNS Firewall blocked it too
			q := noError("verify.parcel.example.", "A", listed("verify.parcel.example", Phishing))
			q.firewall = "BLOCK"
			return q
		}},
		{6, func(r *rand.Rand) query {
			return noError("shared.c2.example.", "A", listed("shared.c2.example", BotnetC2, MalwareHosts), benign(r))
		}},
	}
}

// listedAnswers returns scenarios of queries whose answers are listed.
func listedAnswers() []scenario {
	return []scenario{
		{8, func(r *rand.Rand) query {
			return noError("www."+label(r)+".test.", "A", answered(0, "tracker.clicks.example", Phishing),
				cname("r.tracker.clicks.example."), benign(r))
		}},
		{6, func(r *rand.Rand) query {
			return noError("shop."+label(r)+".test.", "A", answered(1, "tracker.clicks.example", Phishing),
				cname("edge.cdn.example."), cname("tracker.clicks.example."), benign(r))
		}},
		{8, func(r *rand.Rand) query {
			return noError(label(r)+".dyn.example.", "A", answered(1, "203.0.113.66", BotnetC2), benign(r), a("203.0.113.66"))
		}},
		{6, func(r *rand.Rand) query {
			return noError(label(r)+".dyn.example.", "A", answered(0, "198.51.100.128/26", BotnetC2),
				a(fmt.Sprintf("198.51.100.%d", 128+r.IntN(64))))
		}},
		{4, func(r *rand.Rand) query {
			return noError(label(r)+".dyn.example.", "AAAA", answered(0, "2001:db8:bad::/48", BotnetC2),
				aaaa(fmt.Sprintf("2001:db8:bad:%x::1", r.IntN(1<<16))))
		}},
		{4, func(*rand.Rand) query { // the name is invalid, but its answer is listed
			return noError("a..corp.example.", "A", answered(0, "beacon.botnet.example", BotnetC2),
				cname("x.beacon.botnet.example."))
		}},
	}
}
