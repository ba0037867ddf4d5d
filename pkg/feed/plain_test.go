package feed_test

import (
	"strings"
	"testing"

	"github.com/resolverwatch/resolverwatch/pkg/feed"
)

func TestParse_plain(t *testing.T) {
	t.Parallel()
	testFormat(t, feed.Plain, []formatCase{{
		name: "names",
		in:   "evil.example\nSub.EVIL.example.\n_dmarc.under_score.example\nxn--bcher-kva.example\n",
		want: reading{Accepted: []string{
			"subtree evil.example", "subtree sub.evil.example", "subtree _dmarc.under_score.example",
			"subtree xn--bcher-kva.example",
		}},
	}, {
		name: "Unicode is converted by UTS 46",
		in:   "bücher.example\nfaß.example\n日本.example\nｅｖｉｌ。example\n",
		want: reading{Accepted: []string{
			"subtree xn--bcher-kva.example", "subtree xn--fa-hia.example", "subtree xn--wgv71a.example",
			"subtree evil.example",
		}},
	}, {
		name: "byte order mark, carriage returns, tabs, no final newline",
		in:   "\xef\xbb\xbfevil.example\r\n\tTAB.example \r\n# c\r\n\r\nnoeol.example",
		want: reading{Accepted: []string{"subtree evil.example", "subtree tab.example", "subtree noeol.example"}},
	}, {
		name: "comments",
		in:   "# a\n! b\n; c\n// d\nx.example # why\ny.example\t; why\nz.example // why ! how\nq.example#why\n",
		want: reading{
			Accepted: []string{"subtree x.example", "subtree y.example", "subtree z.example", "name q.example"},
		},
	}, {
		name: "top-level domains are names; the importer's guards decide on them",
		in:   ".onion\n.cc\ncom\nlocalhost\n",
		want: reading{Accepted: []string{"subtree onion", "subtree cc", "subtree com", "subtree localhost"}},
	}, {
		name: "leading dot and wildcard",
		in:   ".evil.example\n*.wild.example\n*.1.1.2.192\n*.2001:db8::1\nads*.example\n*bad.example\n*.a.*.example\n",
		want: reading{
			Accepted: []string{"subtree evil.example", "subtree wild.example"},
			Skipped: []string{
				"*.1.1.2.192: wildcard over an address", "*.2001:db8::1: wildcard over an address",
				"ads*.example: wildcard or part of a name", "*bad.example: wildcard or part of a name",
				"*.a.*.example: wildcard or part of a name",
			},
		},
	}, {
		name: "addresses and blocks",
		in: "192.0.2.1\n192.0.2.77/24\n2001:DB8::1\n2001:db8::/32\n::ffff:192.0.2.5\n::ffff:192.0.2.0/120\n" +
			"[2001:db8::2]\n://[2001:db8::3]\n0.0.0.0\n",
		want: reading{Accepted: []string{
			"cidr 192.0.2.1", "cidr 192.0.2.0/24", "cidr 2001:db8::1", "cidr 2001:db8::/32", "cidr 192.0.2.5",
			"cidr 192.0.2.0/24", "cidr 2001:db8::2", "cidr 2001:db8::3", "cidr 0.0.0.0",
		}},
	}, {
		name: "malformed addresses",
		in:   "192.0.2.01\n192.0.2\n192.0.2.256\n192.0.2.1.2\n192.0.2.0/33\n2001:db8::/129\n::ffff:192.0.2.0/95\nfe80::1%eth0\n3232235777\n",
		want: reading{Rejected: []string{
			"192.0.2.01", "192.0.2", "192.0.2.256", "192.0.2.1.2", "192.0.2.0/33", "2001:db8::/129",
			"::ffff:192.0.2.0/95", "fe80::1%eth0", "3232235777",
		}},
	}, {
		name: "the host of a URL is listed alone",
		in: "http://evil.example/path?q=1\nhttps://user:pw@evil2.example:8443/\nhttp://evil.example\\@good.example/\n" +
			"ftp://EVIL3.example./\nhost.example/path\nhost.example:8080\nhttp://192.0.2.1:80/x\nhttps://[2001:db8::1]:443/\n" +
			"192.0.2.2:53\n[2001:db8::2]:53\n2001:db8::3:40669\n192.0.2.4/path\nhttp://bücher.example/\nhttp://port.example:/\n",
		want: reading{Accepted: []string{
			"name evil.example", "name evil2.example", "name evil.example", "name evil3.example",
			"name host.example", "name host.example", "cidr 192.0.2.1", "cidr 2001:db8::1",
			"cidr 192.0.2.2", "cidr 2001:db8::2", "cidr 2001:db8::3", "cidr 192.0.2.4",
			"name xn--bcher-kva.example", "name port.example",
		}},
	}, {
		name: "a query or a fragment ends the host as a path does",
		in: "a.example?x=1\nb.example#part\nc.example/?x=1\nd.example:8080?x\n192.0.2.1?x=1\n192.0.2.2:80#x\n[2001:db8::1]?x\n" +
			"e[.]example?q=http://good.example/\nf.example#/route\n",
		want: reading{Accepted: []string{
			"name a.example", "name b.example", "name c.example", "name d.example", "cidr 192.0.2.1", "cidr 192.0.2.2",
			"cidr 2001:db8::1", "name e.example", "name f.example",
		}},
	}, {
		name: "an at sign after the host belongs to the path",
		in: "a.example/@share/x/\nb.example/a@b\nhttp://c.example/a@b\nd.example?mail=x@good.example\ne.example#@x\n" +
			"192.0.2.1/@x\nf.example:8080/@x\nx@good.example\nx@good.example/path\nhttps://user@g.example/@x\n",
		want: reading{
			Accepted: []string{
				"name a.example", "name b.example", "name c.example", "name d.example", "name e.example", "cidr 192.0.2.1",
				"name f.example", "name g.example",
			},
			Skipped: []string{
				"x@good.example: neither a name nor an address", "x@good.example/path: neither a name nor an address",
			},
		},
	}, {
		name: "the path of a whole site",
		in: "a.example/\n*.b.example/\n*.c.example/*\n.d.example/\ne.example/*\n*.f.example/path\ng.example/a*\nh*.example/\n" +
			"*.192.0.2.1/\n*.i.example:443/\n",
		want: reading{
			Accepted: []string{"name a.example", "subtree b.example", "subtree c.example", "subtree d.example", "name e.example"},
			Skipped: []string{
				"*.f.example/path: wildcard or part of a name", "g.example/a*: wildcard or part of a name",
				"h*.example/: wildcard or part of a name", "*.192.0.2.1/: wildcard over an address",
				"*.i.example:443/: wildcard or part of a name",
			},
		},
	}, {
		name: "malformed URLs",
		in:   "http:///path\nhttp://evil.example:99999/\nhttp://e%76il.example/\nevil.example:port\n/\n/path/a.php\nhttp://*.evil.example/\n",
		want: reading{
			Rejected: []string{
				"http:///path", "http://evil.example:99999/", "e%76il.example", "evil.example:port", "/",
			},
			Skipped: []string{
				"/path/a.php: URL path without a host", "http://*.evil.example/: wildcard or part of a name",
			},
		},
	}, {
		name: "defanged",
		in: "evil[.]example\nevil(.)example\nevil[dot]example\nhxxp://evil[.]example/a[.]php\nhXXps[:]//evil[.]example\n" +
			"hxxp[://]evil.example\n192[.]0[.]2[.]1\n192.0.2[.]1[:]80\nhxxp.example\nhxxp.example/path\n",
		want: reading{Accepted: []string{
			"subtree evil.example", "subtree evil.example", "subtree evil.example", "name evil.example",
			"name evil.example", "name evil.example", "cidr 192.0.2.1", "cidr 192.0.2.1",
			"subtree hxxp.example", "name hxxp.example",
		}},
	}, {
		name: "other indicators",
		in: "d41d8cd98f00b204e9800998ecf8427e\nE3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855\n" +
			"someone@evil.example\n",
		want: reading{Skipped: []string{
			"d41d8cd98f00b204e9800998ecf8427e: neither a name nor an address",
			"E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855: neither a name nor an address",
			"someone@evil.example: neither a name nor an address",
		}},
	}, {
		name: "the root and all names",
		in:   ".\n*\n*.\n..\n",
		want: reading{Rejected: []string{".", "*", "*.", "."}},
	}, {
		name: "not names",
		in:   "two words\n0.0.0.0 hosts.example\n||adblock.example^\na..b.example\n" + strings.Repeat("a", 64) + ".example\nev\xffil.example\n=cmd|calc!A0.example\n\x1b[31mred.example\na\\046b.example\nevil.example\x7f\n",
		want: reading{Rejected: []string{
			"two words", "0.0.0.0 hosts.example", "||adblock.example^", "a..b.example",
			strings.Repeat("a", 64) + ".example", "ev\xffil.example", "=cmd|calc!A0.example",
			"\x1b[31mred.example", "a\\046b.example", "evil.example\x7f",
		}},
	}, {
		name: "repeated entries are emitted each time",
		in:   "evil.example\nEVIL.example.\nevil.example\n",
		want: reading{Accepted: []string{"subtree evil.example", "subtree evil.example", "subtree evil.example"}},
	}})
}

func TestParse_wildcard(t *testing.T) {
	t.Parallel()
	testFormat(t, feed.Wildcard, []formatCase{{
		name: "wildcards and names mean the same",
		in:   "# list\n*.evil.example\nplain.example\n*.1.1.2.192\n",
		want: reading{
			Accepted: []string{"subtree evil.example", "subtree plain.example"},
			Skipped:  []string{"*.1.1.2.192: wildcard over an address"},
		},
	}})
}

// Five kinds of lines that AWS's sample, which this project replaces, lost or changed.
func TestParse_originalRegexp(t *testing.T) {
	t.Parallel()
	testFormat(t, feed.Plain, []formatCase{{
		name: "names are not changed",
		in:   "Bad-Domain.EXAMPLE\nxn--80ak6aa92e.example\nunder_score.host.example\na--b.host.example\nhttp://host.example/a.exe\n",
		want: reading{Accepted: []string{
			"subtree bad-domain.example", "subtree xn--80ak6aa92e.example", "subtree under_score.host.example",
			"subtree a--b.host.example", "name host.example",
		}},
	}})
}
