package feed_test

import "testing"

// A row that its source has dismissed does not count.
func TestParse_tables_dismissed(t *testing.T) {
	t.Parallel()
	testTables(t, []tableCase{{
		name: "false positives",
		in: "domain,status\n" +
			"evil.example,active\n" +
			"good.example,false_positive\n" +
			"old.example,Removed\n" +
			"down.example,offline\n",
		want: "subtree evil.example, subtree down.example",
	}, {
		name: "a flag for false positives",
		in: "domain,false_positive\n" +
			"evil.example,0\n" +
			"good.example,1\n",
		want: "subtree evil.example",
	}, {
		name: "inactive entries",
		in: "domain,is_active\n" +
			"evil.example,true\n" +
			"old.example,false\n",
		want: "subtree evil.example",
	}, {
		name: "a date of removal",
		in: "domain,added,removed_at\n" +
			"evil.example,2026-01-02,\n" +
			"old.example,2026-01-02,2026-02-01\n" +
			"zero.example,2026-01-02,0000-00-00\n",
		want: "subtree evil.example, subtree zero.example",
	}, {
		name: "a verdict",
		in: "url,verdict\n" +
			"http://evil.example/x,malicious\n" +
			"http://good.example/y,benign\n",
		want: "name evil.example",
	}, {
		name: "to_ids in words",
		in: "type,value,to_ids\n" +
			"domain,evil.example,True\n" +
			"domain,good.example,False\n" +
			"domain,maybe.example,\n",
		want: "subtree evil.example, subtree maybe.example",
	}, {
		name: "flags of JSON objects",
		in:   "[{\"domain\":\"evil.example\",\"removed\":false},{\"domain\":\"old.example\",\"removed\":true},{\"domain\":\"older.example\",\"DeleteDate\":\"2026-01-01\"}]",
		want: "subtree evil.example",
	}})
}

// Headings are found whatever they look like.
func TestParse_tables_headings(t *testing.T) {
	t.Parallel()
	testTables(t, []tableCase{{
		name: "Elastic Common Schema",
		in: "threat.indicator.domain,threat.indicator.type,event.created\n" +
			"evil.example,domain-name,2026-01-01\n" +
			"bad.example,domain-name,2026-01-02\n",
		want: "subtree evil.example, subtree bad.example",
	}, {
		name: "IntelMQ",
		in: "\"time.source\",\"source.fqdn\",\"source.url\",\"classification.type\",\"feed.url\",\"event_description.url\"\n" +
			"\"2026-01-01\",\"evil.example\",\"http://evil.example/x\",\"malware\",\"https://feed.vendor.test/1\",\"https://blog.vendor.test/1\"\n" +
			"\"2026-01-01\",\"bad.example\",\"\",\"malware\",\"https://feed.vendor.test/1\",\"https://blog.vendor.test/2\"\n",
		want: "name evil.example, subtree bad.example",
	}, {
		name: "IntelMQ, a row about an address",
		in: "\"source.ip\",\"source.reverse_dns\",\"malware.name\"\n" +
			"\"192.0.2.7\",\"vps7.provider.example\",\"otter\"\n",
		want: "cidr 192.0.2.7",
	}, {
		name: "names under top-level domains that are also headings",
		in: "evil.link,phishing\n" +
			"bad.site,phishing\n" +
			"worse.name,malware\n",
		want: "subtree evil.link, subtree bad.site, subtree worse.name",
	}, {
		name: "such a name and a date",
		in: "evil.link,2026-01-01\n" +
			"bad.site,2026-01-02\n",
		want: "subtree evil.link, subtree bad.site",
	}, {
		name: "such a name and a type",
		in: "evil.link,domain\n" +
			"bad.example,domain\n",
		want: "subtree evil.link, subtree bad.example",
	}, {
		name: "several words",
		in: "C2 domain,compile time\n" +
			"evil.example,2026-01-01\n",
		want: "subtree evil.example",
	}, {
		name: "a sign before a heading",
		in: "#Domain,Seen\n" +
			"evil.example,2026-01-01\n",
		want: "subtree evil.example",
	}, {
		name:   "a heading as it is written",
		column: "Bad Host (C2)",
		in: "seen,Bad Host (C2)\n" +
			"2026-01-01,evil.example\n",
		want: "subtree evil.example",
	}, {
		name:   "a heading with dots",
		column: "source.fqdn",
		in: "malware.name,source.fqdn\n" +
			"otter,evil.example\n",
		want: "subtree evil.example",
	}, {
		name:   "a number although there are headings",
		column: "2",
		in: "id\thost name\tfrom\tto\n" +
			"1\tevil.example\t2026-01-01\t\n" +
			"2\tbad.example\t2026-01-01\t2026-02-02\n",
		want: "subtree evil.example, subtree bad.example",
	}, {
		name: "unknown headings",
		in: "no\tplek\tvan\ttot\n" +
			"1\tevil.example\t2026-01-01\t\n" +
			"2\tbad.example\t2026-01-01\t2026-02-02\n",
		want: "subtree evil.example, subtree bad.example",
	}, {
		name: "a table of Markdown",
		in: "| domain | note |\n" +
			"| --- | --- |\n" +
			"| evil.example | x |\n" +
			"| bad.example | y |\n",
		want: "subtree evil.example, subtree bad.example",
	}, {
		name: "headings that occur again where lists were joined",
		in: "domain,note\n" +
			"evil.example,x\n" +
			"domain,note\n" +
			"bad.example,y\n",
		want: "subtree evil.example, subtree bad.example",
	}, {
		name: "ragged rows",
		in: "domain,note\n" +
			"evil.example,a\n" +
			"bad.example\n" +
			"worse.example,a,,\n",
		want: "subtree evil.example, subtree bad.example, subtree worse.example",
	}, {
		name: "an indented comment",
		in: "domain,note\n" +
			"\t # a remark\n" +
			"evil.example,x\n",
		want: "subtree evil.example",
	}, {
		name: "separators in the last column",
		in: "domain,note\n" +
			"a.example,x,y\n" +
			"b.example,x\n" +
			"c.example,x,y,z\n" +
			"d.example,u,v\n",
		want: "subtree a.example, subtree b.example, subtree c.example, subtree d.example",
	}, {
		name: "a sum in the row of headings",
		in: "SHA256,C2,606.55\n" +
			"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08,evil.example,x\n" +
			"60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752,bad.example,y\n",
		want: "subtree evil.example, subtree bad.example",
	}})
}

// Zeek declares its columns.
func TestParse_tables_zeek(t *testing.T) {
	t.Parallel()
	testTables(t, []tableCase{{
		name: "all its types",
		in: "#separator \\x09\n" +
			"#set_separator\t,\n" +
			"#fields\tindicator\tindicator_type\tmeta.source\tmeta.url\n" +
			"192.0.2.0/24\tIntel::SUBNET\tlab\thttps://blog.vendor.test\n" +
			"192.0.2.1\tIntel::ADDR\tlab\t-\n" +
			"evil.example/x\tIntel::URL\tlab\t-\n" +
			"bad.example\tIntel::DOMAIN\tlab\t-\n" +
			"098f6bcd4621d373cade4e832627b4f6\tIntel::FILE_HASH\tlab\t-\n" +
			"joe@mail.example\tIntel::EMAIL\tlab\t-\n" +
			"#close\t2026-01-01\n",
		want: "cidr 192.0.2.0/24, cidr 192.0.2.1, name evil.example, subtree bad.example",
	}})
}

// The members of JSON objects are chosen like columns.
func TestParse_tables_jsonMembers(t *testing.T) {
	t.Parallel()
	testTables(t, []tableCase{{
		name: "a host and what it saw",
		in:   "[{\"host\":\"s1.ours.example\",\"ioc\":\"evil.example\"},{\"host\":\"s1.ours.example\",\"ioc\":\"bad.example\"}]",
		want: "subtree evil.example, subtree bad.example",
	}, {
		name: "names beside articles of one site",
		in:   "[{\"name\":\"evil.example\",\"url\":\"https://daily.test/1\"},{\"name\":\"bad.example\",\"url\":\"https://daily.test/2\"}]",
		want: "refused: it is not clear which column has the indicators",
	}, {
		name: "Feodo Tracker",
		in:   "[{\"ip_address\":\"192.0.2.7\",\"port\":443,\"status\":\"online\",\"hostname\":\"vps7.provider.example\"},{\"ip_address\":\"192.0.2.8\",\"port\":443,\"status\":\"offline\",\"hostname\":null}]",
		want: "cidr 192.0.2.7, cidr 192.0.2.8",
	}, {
		name: "members with dots",
		in: "{\"threat.indicator.domain\":\"evil.example\"}\n" +
			"{\"threat.indicator.domain\":\"bad.example\"}\n",
		want: "subtree evil.example, subtree bad.example",
	}, {
		name: "objects of a type",
		in:   "{\"iocs\":[{\"type\":\"reference\",\"value\":\"https://blog.vendor.test/r\"},{\"type\":\"domain\",\"value\":\"evil.example\"}]}",
		want: "subtree evil.example",
	}, {
		name: "objects with different members",
		in:   "[{\"domain\":\"a.example\"},{\"ip\":\"192.0.2.1\"},{\"url\":\"http://b.example/x\"},{\"hostname\":\"c.example\"}]",
		want: "subtree a.example, cidr 192.0.2.1, name b.example, subtree c.example",
	}})
}
