package feed_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/resolverwatch/resolverwatch/pkg/feed"
)

// tableCase is a table in the shape of a public list.
type tableCase struct {
	name   string
	column string // that the user has named
	in     string
	want   string // the accepted entries, or `refused: ` and the reason
}

func testTables(t *testing.T, cases []tableCase) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, _, err := read(t, c.in, feed.Options{Column: c.column})
			outcome := strings.Join(got.Accepted, ", ")
			var refused *feed.RefusedError
			if errors.As(err, &refused) {
				outcome = "refused: " + refused.Reason.Error()
			}
			if outcome != c.want {
				t.Errorf("got %s\nwant %s\nerror %v", outcome, c.want, err)
			}
		})
	}
}

// A row with the number 0 looks like a line of a hosts file.
func TestParse_tables_numberedRows(t *testing.T) {
	t.Parallel()
	testTables(t, []tableCase{
		{name: "rows from 0", in: "Nummer\t\tAdresse im Netz\n0\t\tevil.example\n1\t\tbad.example\n", want: "subtree evil.example, subtree bad.example"},
		{name: "a hosts file with tabs", in: "0\tevil.example\n0\tbad.example\n", want: "name evil.example, name bad.example"},
	})
}

// In some data sets for training, rows with 1 are malicious, in others those with 0.
func TestParse_tables_twoClasses(t *testing.T) {
	t.Parallel()
	const rows = "url,label\nhttp://evil.example/x,1\nhttps://good.example/,0\nhttp://bad.example/y,1\n"
	testTables(t, []tableCase{
		{name: "two classes", in: rows, want: "refused: it is not clear which column has the indicators"},
		{name: "two classes, in JSON", in: `[{"url":"http://evil.example/x","label":1},{"url":"https://good.example/","label":0}]`,
			want: "refused: it is not clear which column has the indicators"},
		{name: "all rows are wanted", in: rows, column: "url", want: "name evil.example, name good.example, name bad.example"},
		{name: "one class", in: strings.ReplaceAll(rows, ",0", ",1"), want: "name evil.example, name good.example, name bad.example"},
		{name: "words", in: strings.ReplaceAll(strings.ReplaceAll(rows, ",0", ",benign"), ",1", ",phishing"), want: "name evil.example, name bad.example"},
		{name: "more than two", in: rows + "http://c.example/,2\n", want: "name evil.example, name good.example, name bad.example, name c.example"},
	})
}

// A column that says the type of each row is obeyed by an allow list.
func TestParse_tables_types(t *testing.T) {
	t.Parallel()
	testTables(t, []tableCase{{
		name: "a type column is obeyed under any heading",
		in: "Art;Wert;Bemerkung\n" +
			"Domain;evil.example;x\n" +
			"IPv4;192.0.2.7;y\n" +
			"MD5;098f6bcd4621d373cade4e832627b4f6;z\n" +
			"Person;john.vendor.test;q\n",
		want: "subtree evil.example, cidr 192.0.2.7",
	}, {
		name: "a type column without headings chooses the column that fits it",
		in: "2026-01-01,evil.example,FQDN,https://blog.vendor.test/1\n" +
			"2026-01-02,192.0.2.7,IPv4-Addr,https://blog.vendor.test/2\n" +
			"2026-01-02,http://bad.example/x,URI,https://blog.vendor.test/3\n",
		want: "subtree evil.example, cidr 192.0.2.7, name bad.example",
	}, {
		name: "types in capitals, in phrases, and of STIX and Zeek",
		in: "type,value\n" +
			"DOMAIN,a.example\n" +
			"malicious domain,b.example\n" +
			"domain-name:value,c.example\n" +
			"ipv4-addr,192.0.2.1\n" +
			"Intel::DOMAIN,d.example\n" +
			"C2 IP address,192.0.2.2\n" +
			"Network (domain),e.example\n",
		want: "subtree a.example, subtree b.example, subtree c.example, cidr 192.0.2.1, subtree d.example, cidr 192.0.2.2, subtree e.example",
	}, {
		name: "the column Indicator has types and Data the values",
		in: "Indicator,Data,Note\n" +
			"Description,A report,https://blog.vendor.test/1\n" +
			"domain,evil.example,\n" +
			"ip,192.0.2.3,https://blog.vendor.test/2\n",
		want: "subtree evil.example, cidr 192.0.2.3",
	}, {
		name: "types that are not indicators",
		in: "type,value\n" +
			"domain,evil.example\n" +
			"link,https://blog.vendor.test/r\n" +
			"reference,https://news.vendor.test/r\n" +
			"text,said.vendor.test\n" +
			"comment,notes.vendor.test\n" +
			"email domain,mail.vendor.test\n" +
			"whois-registrant-email,owner.vendor.test\n" +
			"filename,update.vendor.test\n" +
			"something new,new.vendor.test\n",
		want: "subtree evil.example",
	}, {
		name: "hashes in one cell are not an invalid line",
		in: "value,entity_type\n" +
			"evil.example,hostname\n" +
			"\"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08,60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752\",file\n",
		want: "subtree evil.example",
	}, {
		name: "the kind of a threat is not a type",
		in: "url,type\n" +
			"http://evil.example/x,phishing\n" +
			"http://good.example/y,benign\n" +
			"http://bad.example/y,defacement\n",
		want: "name evil.example, name bad.example",
	}, {
		name: "an address type does not take a name",
		in: "type,value\n" +
			"ip,192.0.2.1\n" +
			"ip,evil.example\n",
		want: "cidr 192.0.2.1",
	}, {
		name: "MISP's pairs",
		in: "type,value,to_ids\n" +
			"domain|ip,evil.example|192.0.2.7,1\n" +
			"ip-dst|port,192.0.2.8|443,1\n" +
			"hostname|port,c2.example|80,1\n" +
			"filename|md5,x.exe|098f6bcd4621d373cade4e832627b4f6,1\n",
		want: "subtree evil.example, cidr 192.0.2.7, cidr 192.0.2.8, name c2.example",
	}})
}

// Where a report can be read is never an indicator.
func TestParse_tables_references(t *testing.T) {
	t.Parallel()
	testTables(t, []tableCase{{
		name: "a heading that says where to read",
		in: "Source URL,Phishing domain\n" +
			"https://a.vendor.test/1,evil.example\n" +
			"https://b.vendor2.test/2,bad.example\n",
		want: "subtree evil.example, subtree bad.example",
	}, {
		name: "write-ups, tweets and blog posts",
		in: "domain;write-up;tweet;blog post\n" +
			"evil.example;https://a.vendor.test/1;https://social.test/1;https://b.vendor.test/1\n",
		want: "subtree evil.example",
	}, {
		name: "URLs that repeat a host beside names that do not",
		in: "evil.example,A name,2026-11-13,http://docs.vendor.test/manual.txt\n" +
			"bad.example,A name,2026-11-13,http://docs.vendor.test/manual.txt\n" +
			"worse.example,A name,2026-11-13,http://docs.vendor.test/manual.txt\n",
		want: "subtree evil.example, subtree bad.example, subtree worse.example",
	}, {
		name: "posts of several people at one site",
		in: "2026-01-01,evil.example,https://social.test/a/1\n" +
			"2026-01-02,192.0.2.7,https://social.test/b/2\n" +
			"2026-01-02,bad.example,https://social.test/b/3\n",
		want: "subtree evil.example, cidr 192.0.2.7, subtree bad.example",
	}, {
		name: "several vendors, so nobody can tell",
		in: "evil.example,https://a.vendor.test/1\n" +
			"bad.example,https://b.vendor2.test/2\n",
		want: "refused: it is not clear which column has the indicators",
	}, {
		name: "an unknown heading over URLs of several vendors",
		in: "spotted at,plek\n" +
			"https://a.vendor.test/1,evil.example\n" +
			"https://b.vendor2.test/2,bad.example\n",
		want: "refused: it is not clear which column has the indicators",
	}, {
		name: "hashes and where they were described",
		in: "sha256;family;seen on\n" +
			"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08;Otter;https://a.vendor.test/1\n" +
			"60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752;Otter;https://b.vendor2.test/1\n",
		want: "refused: it is not clear which column has the indicators",
	}, {
		name: "hashes and information",
		in: "hash,info\n" +
			"098f6bcd4621d373cade4e832627b4f6,https://a.vendor.test/1\n" +
			"5d41402abc4b2a76b9719d911017c592,https://a.vendor.test/2\n",
		want: "refused: no such column",
	}, {
		name: "a list of articles",
		in: "date,title,url\n" +
			"2026-01-01,Otter returns,https://blog.vendor.test/1\n" +
			"2026-01-02,Otter again,https://blog.vendor.test/2\n" +
			"2026-01-03,Otter third,https://blog.vendor.test/3\n",
		want: "refused: it is not clear which column has the indicators",
	}, {
		name: "URLs at one host that are rated",
		in: "url,threat\n" +
			"http://evil.example/1,malware\n" +
			"http://evil.example/2,malware\n" +
			"http://evil.example/3,malware\n",
		want: "name evil.example, name evil.example, name evil.example",
	}, {
		name: "vulnerabilities and advisories",
		in: "cve,vendor,advisory\n" +
			"CVE-2026-1,Otter,https://a.vendor.test/1\n" +
			"CVE-2026-2,Otter,https://b.vendor2.test/1\n",
		want: "refused: no such column",
	}})
}

// Names of sources, references and victims are not indicators.
func TestParse_tables_otherOwners(t *testing.T) {
	t.Parallel()
	testTables(t, []tableCase{{
		name: "the victim's own names",
		in: "legit_domain,phish_domain\n" +
			"bigshop.example,evil.example\n" +
			"pay.example,bad.example\n",
		want: "subtree evil.example, subtree bad.example",
	}, {
		name: "the original and its look-alike",
		in: "Original,Lookalike,Score\n" +
			"bigshop.example,evil.example,9\n" +
			"bigshop.example,bad.example,8\n",
		want: "subtree evil.example, subtree bad.example",
	}, {
		name: "the target and its look-alike",
		in: "Target domain,Lookalike domain\n" +
			"bigshop.example,evil.example\n" +
			"pay.example,bad.example\n",
		want: "subtree evil.example, subtree bad.example",
	}, {
		name: "two columns of names",
		in: "bigshop.example,evil.example,2026-01-01\n" +
			"pay.example,bad.example,2026-01-01\n",
		want: "refused: it is not clear which column has the indicators",
	}, {
		name:   "two columns of names, with the column named",
		column: "2",
		in: "bigshop.example,evil.example,2026-01-01\n" +
			"pay.example,bad.example,2026-01-01\n",
		want: "subtree evil.example, subtree bad.example",
	}, {
		name: "a sensor and what it saw",
		in: "Sensor,Observable\n" +
			"s1.ours.example,evil.example\n" +
			"s2.ours.example,bad.example\n",
		want: "subtree evil.example, subtree bad.example",
	}, {
		name: "a host and what it saw",
		in: "Host,Value\n" +
			"s1.ours.example,evil.example\n" +
			"s1.ours.example,bad.example\n",
		want: "subtree evil.example, subtree bad.example",
	}, {
		name: "a honeypot and its attackers",
		in: "honeypot;attacker ip\n" +
			"h1.ours.example;192.0.2.7\n" +
			"h2.ours.example;192.0.2.8\n",
		want: "cidr 192.0.2.7, cidr 192.0.2.8",
	}, {
		name: "a name of a file is not a name",
		in: "component,file,c2\n" +
			"Otter,svcload.sys,evil.example\n" +
			"Otter,loader.py,bad.example\n",
		want: "subtree evil.example, subtree bad.example",
	}, {
		name: "names of files under an unknown heading",
		in: "adware,dropped,calls\n" +
			"Otter,loader.py,evil.example\n" +
			"Otter,run.sh,bad.example\n",
		want: "subtree evil.example, subtree bad.example",
	}, {
		name: "nothing but names of files",
		in: "component,thing\n" +
			"Otter,svcload.sys\n" +
			"Otter,inetinfo.exe\n",
		want: "refused: no such column",
	}, {
		name: "registration data",
		in: "domain,registrar,nameserver,created\n" +
			"evil.example,Reg Inc,ns1.provider.example,2026-01-01\n" +
			"bad.example,Reg Inc,ns2.provider.example,2026-01-01\n",
		want: "subtree evil.example, subtree bad.example",
	}, {
		name: "the user's own name in the output of dnstwist",
		in: "fuzzer,domain,dns_a,dns_mx\n" +
			"*original,mybrand.example,192.0.2.1,mx.mybrand.example\n" +
			"addition,mybrandd.example,192.0.2.9,\n",
		want: "subtree mybrandd.example",
	}})
}

// Which of a name and an address is the indicator depends on the headings.
func TestParse_tables_nameAndAddress(t *testing.T) {
	t.Parallel()
	testTables(t, []tableCase{{
		name: "a name and where it points",
		in: "fqdn,ipv4\n" +
			"evil.example,192.0.2.7\n" +
			"bad.example,192.0.2.8\n",
		want: "subtree evil.example, subtree bad.example",
	}, {
		name: "a host name and where it points",
		in: "hostname,ip,first_seen\n" +
			"evil.example,192.0.2.7,2026-01-01\n" +
			"bad.example,192.0.2.8,2026-01-01\n",
		want: "subtree evil.example, subtree bad.example",
	}, {
		name: "an address and its reverse name",
		in: "IP,PTR\n" +
			"192.0.2.7,vps7.provider.example\n" +
			"192.0.2.8,vps8.provider.example\n",
		want: "cidr 192.0.2.7, cidr 192.0.2.8",
	}, {
		name: "an address and its host name",
		in: "dst_ip,hostname\n" +
			"192.0.2.7,vps7.provider.example\n" +
			"192.0.2.8,vps8.provider.example\n",
		want: "cidr 192.0.2.7, cidr 192.0.2.8",
	}, {
		name: "an address and an unknown heading",
		in: "ip;revname\n" +
			"192.0.2.7;vps7.provider.example\n" +
			"192.0.2.8;vps8.provider.example\n",
		want: "cidr 192.0.2.7, cidr 192.0.2.8",
	}, {
		name: "an address and a domain, so nobody can tell",
		in: "ipv4,fqdn\n" +
			"192.0.2.7,evil.example\n" +
			"192.0.2.8,bad.example\n",
		want: "refused: it is not clear which column has the indicators",
	}, {
		name: "addresses of which one has no name",
		in: "ip,domain\n" +
			"192.0.2.7,vps7.provider.example\n" +
			"192.0.2.8,\n",
		want: "cidr 192.0.2.7, cidr 192.0.2.8",
	}, {
		name: "few addresses with many names",
		in: "ip,domain\n" +
			"192.0.2.7,a.example\n" +
			"192.0.2.7,b.example\n" +
			"192.0.2.7,c.example\n" +
			"192.0.2.8,d.example\n",
		want: "subtree a.example, subtree b.example, subtree c.example, subtree d.example",
	}, {
		name: "an address and a name without headings",
		in: "192.0.2.7,vps7.provider.example,DE\n" +
			"192.0.2.8,vps8.provider.example,US\n",
		want: "refused: it is not clear which column has the indicators",
	}, {
		name: "an address and a count",
		in: "# IP\tnumber of lists\n" +
			"192.0.2.7\t9\n" +
			"192.0.2.8\t8\n",
		want: "cidr 192.0.2.7, cidr 192.0.2.8",
	}, {
		name: "the two ends of a range",
		in: "192.0.2.0,192.0.2.127,25\n" +
			"192.0.2.128,192.0.2.255,25\n",
		want: "refused: it is not clear which column has the indicators",
	}})
}

// A comment is not a row of headings if the lines after it are not rows.
func TestParse_tables_commentsThatLookLikeHeadings(t *testing.T) {
	t.Parallel()
	testTables(t, []tableCase{{
		name: "hosts",
		in:   "# domain, ip\n127.0.0.1 localhost\n0.0.0.0 evil.example\n0.0.0.0 b.example\n",
		want: "name evil.example, name b.example",
	}, {
		name: "dnsmasq",
		in:   "# domain,ip,name\naddress=/evil.example/0.0.0.0\naddress=/b.example/0.0.0.0\n",
		want: "subtree evil.example, subtree b.example",
	}, {
		name: "BIND",
		in:   "# domain; type; url\nzone \"evil.example\" { type master; file \"x\"; };\n",
		want: "subtree evil.example",
	}, {
		name: "wildcards",
		in:   "# host | url\n*.evil.example\n*.b.example\n",
		want: "subtree evil.example, subtree b.example",
	}, {
		name: "Adblock",
		in:   "! Includes: malware, phishing, hosts\n||evil.example^\n||b.example^\n",
		want: "subtree evil.example, subtree b.example",
	}, {
		name: "a policy zone",
		in:   "; malware, phishing, hosts\n$TTL 60\n@ SOA localhost. root.localhost. 1 2 3 4 5\nevil.example CNAME .\n",
		want: "name evil.example",
	}, {
		name: "a table after all",
		in:   "# id,dateadded,url,threat\n1,2026-01-01,http://evil.example/x,malware\n",
		want: "name evil.example",
	}})
}

// A line that a format defines for its start decides, and rules count although they come last.
func TestParse_tables_declaredFormats(t *testing.T) {
	t.Parallel()
	testTables(t, []tableCase{{
		name: "patterns that look like cells",
		in:   "[AdBlock Plus 3.1]\n|100x60.\n|101x61.\n|102x62.\n||evil.example^\n",
		want: "subtree evil.example",
	}, {
		name: "names and then rules",
		in:   "a.example\nb.example\nc.example\n||d.example^\n||e.example/login^\n",
		want: "name a.example, name b.example, name c.example, subtree d.example",
	}, {
		name: "Zeek's addresses",
		in:   "#fields\tindicator\tindicator_type\n192.0.2.7\tIntel::ADDR\nevil.example\tIntel::DOMAIN\n",
		want: "cidr 192.0.2.7, subtree evil.example",
	}, {
		name: "Zeek with another separator",
		in:   "#separator ,\n#fields,indicator,indicator_type\n192.0.2.7,Intel::ADDR\n",
		want: "cidr 192.0.2.7",
	}, {
		name: "URLs with cells after them",
		in:   "http://evil.example,phishing,2026-01-01\nhttp://b.example/in,phishing,2026-01-01\n",
		want: "name evil.example, name b.example",
	}, {
		name: "URLs with commas in them",
		in:   "http://evil.example/a,b\nhttp://b.example/c\nhttp://c.example/d\n",
		want: "name evil.example, name b.example, name c.example",
	}, {
		name: "addresses and countries",
		in:   "192.0.2.7\tDE\n192.0.2.8\tUS\n",
		want: "cidr 192.0.2.7, cidr 192.0.2.8",
	}})
}
