package feed_test

import (
	"testing"

	"github.com/resolverwatch/resolverwatch/pkg/feed"
)

const (
	forward   = ": forward to another server"
	rewrite   = ": rewrite to a real address or another name"
	zone      = ": redirect zone, its data decide"
	directive = ": configuration without a name"
	asName    = ": address instead of a name"
	pattern   = ": wildcard or part of a name"
	trigger   = ": trigger on clients or name servers"
	narrowed  = ": rule for some clients, pages or types only"
	localName = ": localhost or a similar local name"
)

func TestParse_dnsmasq(t *testing.T) {
	t.Parallel()
	testFormat(t, feed.Dnsmasq, []formatCase{{
		name: "blocks",
		in: "\xef\xbb\xbfaddress=/a.example/0.0.0.0\naddress=/b.example/\naddress=/c.example/#\naddress=/d.example/::\n" +
			"server=/e.example/\nserver=/f.example/127.0.0.1\nlocal=/g.example/\naddress = /h.example/0.0.0.0 # why\n" +
			"address=/*.i.example/0.0.0.0\naddress=/J.Example./127.0.0.1\n",
		want: reading{Accepted: []string{
			"subtree a.example", "subtree b.example", "subtree c.example", "subtree d.example", "subtree e.example",
			"subtree f.example", "subtree g.example", "subtree h.example", "under i.example", "subtree j.example",
		}},
	}, {
		name: "each name of an option is an entry",
		in:   "address=/a.example/b.example/0.0.0.0\n",
		want: reading{Accepted: []string{"subtree a.example", "subtree b.example"}},
	}, {
		name: "a leading dot changes nothing",
		in:   "address=/.a.example/0.0.0.0\nserver=/.b.example/\nlocal=/.c.example./d.example/\naddress=/./0.0.0.0\naddress=/.192.0.2.1/\naddress=/..e.example/\n",
		want: reading{
			Accepted: []string{"subtree a.example", "subtree b.example", "subtree c.example", "subtree d.example"},
			Skipped:  []string{"192.0.2.1" + asName},
			Rejected: []string{".", ".e.example"},
		},
	}, {
		name: "forwards and rewrites are not blocks",
		in: "server=/a.example/192.0.2.53\nserver=/b.example/127.0.0.1#5353\nserver=/c.example/#\naddress=/d.example/192.0.2.1\n" +
			"server=/e.example/192.0.2.53@eth0\n",
		want: reading{Skipped: []string{
			"a.example" + forward, "b.example" + forward, "c.example" + forward, "d.example" + rewrite, "e.example" + forward,
		}},
	}, {
		name: "other options",
		in:   "# c\nserver=192.0.2.53\nno-resolv\nipset=/a.example/set\nbogus-nxdomain=192.0.2.1\n",
		want: reading{Skipped: []string{
			"server=192.0.2.53" + directive, "no-resolv" + directive, "ipset=/a.example/set" + directive,
			"bogus-nxdomain=192.0.2.1" + directive,
		}},
	}, {
		name: "addresses and patterns",
		in:   "server=/192.0.2.0/24\naddress=/192.0.2.1/0.0.0.0\naddress=/*bad.example/0.0.0.0\n",
		want: reading{Skipped: []string{"192.0.2.0" + asName, "192.0.2.1" + asName, "*bad.example" + pattern}},
	}, {
		name: "not options",
		in:   "evil.example\naddress=/evil.example\naddress=/evil.example/there\naddress=/#/0.0.0.0\naddress=//0.0.0.0\nserver=/evil.example/24\n",
		want: reading{Rejected: []string{
			"evil.example", "address=/evil.example", "evil.example", "#", "", "evil.example",
		}},
	}})
}

func TestParse_unbound(t *testing.T) {
	t.Parallel()
	testFormat(t, feed.Unbound, []formatCase{{
		name: "blocks",
		in: "server:\n\tlocal-zone: \"a.example\" always_nxdomain\n  local-zone: \"b.example.\" static # why\nlocal-zone: c.example refuse\n" +
			"local-zone:\"d.example\" always_null\nlocal-zone: 'e.example' \"deny\"\nlocal-zone: \"*.f.example\" static\n",
		want: reading{Accepted: []string{
			"subtree a.example", "subtree b.example", "subtree c.example", "subtree d.example", "subtree e.example",
			"under f.example",
		}},
	}, {
		name: "the data decide whether a redirect zone is a block",
		in: "local-zone: \"a.example\" redirect\nlocal-data: \"a.example A 0.0.0.0\"\nlocal-zone: \"b.example\" redirect local-data: \"b.example 60 IN A 192.0.2.1\"\n" +
			"local-data: \"c.example AAAA ::\"\nlocal-data: \"d.example CNAME safe.example.\"\nlocal-data: \"e.example TXT why\"\n",
		want: reading{
			Accepted: []string{"subtree a.example", "name c.example"},
			Skipped: []string{
				"a.example" + zone, "b.example" + zone, "b.example" + rewrite, "d.example" + rewrite, "e.example" + directive,
			},
		},
	}, {
		name: "leading and final dots change nothing",
		in: "local-zone: \".a.example\" always_nxdomain\nlocal-zone: \"b.example.\" static\nlocal-zone: .c.example. refuse\n" +
			"local-zone: \".good.example\" transparent\nlocal-data: \".d.example A 0.0.0.0\"\n",
		want: reading{Accepted: []string{
			"subtree a.example", "subtree b.example", "subtree c.example", "allow subtree good.example", "name d.example",
		}},
	}, {
		name: "the data of redirect zones may come after all of the zones",
		in: "local-zone: \"a.example\" redirect\nlocal-zone: \"b.example\" redirect\nlocal-zone: \"c.example\" redirect\n" +
			"local-data: \"b.example A 0.0.0.0\"\nlocal-data: \"a.example A 0.0.0.0\"\nlocal-data: \"c.example A 192.0.2.1\"\n" +
			"local-data: \"a.example AAAA ::\"\n",
		want: reading{
			Accepted: []string{"subtree b.example", "subtree a.example", "subtree a.example"},
			Skipped:  []string{"a.example" + zone, "b.example" + zone, "c.example" + zone, "c.example" + rewrite},
		},
	}, {
		name: "the data of redirect zones may come first",
		in: "local-data: \"a.example A 0.0.0.0\"\nlocal-data: \"b.example A 192.0.2.1\"\nlocal-zone: \"b.example\" redirect\n" +
			"local-zone: \"a.example\" redirect\n",
		want: reading{
			Accepted: []string{"name a.example", "subtree a.example"},
			Skipped:  []string{"b.example" + rewrite, "b.example" + zone},
		},
	}, {
		name: "case and dots do not part a redirect zone from its data",
		in: "local-zone: \"A.example.\" redirect\nlocal-data: \"a.EXAMPLE 60 IN A 0.0.0.0\"\nlocal-zone: \".b.example\" Redirect\n" +
			"local-data: \"b.example. A 0.0.0.0\"\nlocal-zone: \"Good.example\" transparent\nlocal-data: \"good.example. A 0.0.0.0\"\n",
		want: reading{
			Accepted: []string{"subtree a.example", "subtree b.example", "name good.example"},
			Skipped:  []string{"A.example." + zone, "b.example" + zone, "good.example." + directive},
		},
	}, {
		name: "a transparent zone is an exception unless it has data",
		in: "local-zone: \"evil.example\" static\nlocal-zone: \"good.evil.example\" transparent\nlocal-zone: \"data.example\" transparent\n" +
			"local-data: \"data.example A 0.0.0.0\"\nlocal-zone: \"last.example\" always_transparent\n",
		want: reading{
			Accepted: []string{
				"subtree evil.example", "allow subtree good.evil.example", "name data.example", "allow subtree last.example",
			},
			Skipped: []string{"data.example" + directive},
		},
	}, {
		name: "other attributes, addresses and patterns",
		in:   "access-control: 192.0.2.0/24 allow\nlocal-zone: \"a.example\" inform\nlocal-zone: \"192.0.2.0/24\" static\nlocal-zone: \"a.*\" static\n",
		want: reading{Skipped: []string{
			"access-control: 192.0.2.0/24 allow" + directive, "a.example" + directive, "192.0.2.0/24" + asName, "a.*" + pattern,
		}},
	}, {
		name: "not attributes",
		in:   "evil.example\nlocal-zone: \"evil.example\"\nlocal-zone: \"evil.example\" sometimes\nlocal-data: \"evil.example\"\n",
		want: reading{Rejected: []string{
			"evil.example", `"evil.example"`, `"evil.example" sometimes`, `"evil.example"`,
		}},
	}})
}

func TestParse_bind(t *testing.T) {
	t.Parallel()
	testFormat(t, feed.BIND, []formatCase{{
		name: "zones on one line",
		in: "# c\n// c\nzone \"a.example\" { type master; notify no; file \"null.zone.file\"; };\nzone \"b.example\" IN {type primary;file \"x\";};\n" +
			"zone c.example {type master;};zone \"d.example.\" { type master; };\n",
		want: reading{Accepted: []string{"subtree a.example", "subtree b.example", "subtree c.example", "subtree d.example"}},
	}, {
		name: "zones that span lines, with comments",
		in: "zone \"a.example\"\n{\n\ttype master; # why\n\tallow-query { type; any; };\n /* file \"y\";\n type forward; */ file \"x\";\n};\n" +
			"zone \"b.example\" { type master; }\nzone \"c.example\" { type master; };\n",
		want: reading{Accepted: []string{"subtree a.example", "subtree b.example", "subtree c.example"}},
	}, {
		name: "other zones and statements",
		in: "options { directory \"/var\"; };\nzone \".\" { type hint; file \"root\"; };\nzone \"corp.example\" { type forward; forwarders { 192.0.2.53; }; };\n" +
			"zone \"localhost\" { type master; };\nzone \"127.in-addr.arpa\" { type master; };\nzone \"192.0.2.1\" { type master; };\n",
		want: reading{Skipped: []string{
			"options" + directive, "." + forward, "corp.example" + forward, "localhost" + localName, "127.in-addr.arpa" + localName,
			"192.0.2.1" + asName,
		}},
	}, {
		name: "broken statements",
		in:   "}\nzone \"\" { type master; };\nzone \"ev!l.example\" { type master; };\nzone \"cut.example\" { type mas",
		want: reading{Rejected: []string{"}", "zone", "ev!l.example", "cut.example"}},
	}})
}

func TestParse_rpz(t *testing.T) {
	t.Parallel()
	const head = "$TTL 30\n@ IN SOA localhost. root.localhost. 1752927088 86400 3600 604800 30\n NS localhost.\n\n"
	testFormat(t, feed.RPZ, []formatCase{{
		name: "blocks, as written",
		in: "\xef\xbb\xbf; Title\n" + head + "a.example CNAME .\n*.b.example CNAME .\nC.Example 300 IN CNAME *. ; why\n" +
			"d.example IN 1h CNAME rpz-drop.\ne.example A 0.0.0.0\ne.example AAAA ::\n",
		want: reading{Accepted: []string{
			"name a.example", "under b.example", "name c.example", "name d.example", "name e.example", "name e.example",
		}},
	}, {
		name: "exceptions",
		in:   head + "a.example CNAME rpz-passthru.\n*.b.example CNAME RPZ-PASSTHRU.\nold.example CNAME old.example.\n",
		want: reading{Accepted: []string{"allow name a.example", "allow under b.example", "allow name old.example"}},
	}, {
		name: "rewrites and narrowed policies",
		in:   head + "a.example CNAME walled.garden.example.\nb.example A 192.0.2.1\nc.example CNAME rpz-tcp-only.\nd.example TXT \"why; not\"\n",
		want: reading{Skipped: []string{
			"a.example" + rewrite, "b.example" + rewrite, "c.example" + narrowed, "d.example TXT \"why; not\"" + directive,
		}},
	}, {
		name: "triggers",
		in: head + "32.1.2.0.192.rpz-ip CNAME .\n24.0.2.0.192.rpz-ip CNAME rpz-passthru.\n128.1.zz.db8.2001.rpz-ip CNAME .\n" +
			"48.zz.1.db8.2001.RPZ-IP CNAME .\n128.8.7.6.5.4.3.db8.2001.rpz-ip CNAME .\n32.1.2.0.192.rpz-client-ip CNAME .\n" +
			"ns.evil.example.rpz-nsdname CNAME .\n32.1.2.0.192.rpz-nsip CNAME .\nx.rpz-ip CNAME .\n33.1.2.0.192.rpz-ip CNAME .\n",
		want: reading{
			Accepted: []string{
				"cidr 192.0.2.1", "allow cidr 192.0.2.0/24", "cidr 2001:db8::1", "cidr 2001:db8:1::/48", "cidr 2001:db8:3:4:5:6:7:8",
			},
			Skipped: []string{
				"32.1.2.0.192.rpz-client-ip" + trigger, "ns.evil.example.rpz-nsdname" + trigger, "32.1.2.0.192.rpz-nsip" + trigger,
			},
			Rejected: []string{"x.rpz-ip", "33.1.2.0.192.rpz-ip"},
		},
	}, {
		name: "the name of the zone is removed",
		in: "$ORIGIN rpz.example.\n@ SOA ns. root. 1 2 3 4 5\na.example.rpz.example. CNAME .\nb.example CNAME .\n" +
			"$ORIGIN com.rpz.example.\nevil CNAME .\n",
		want: reading{Accepted: []string{"name a.example", "name b.example", "name evil.com"}},
	}, {
		name: "an SOA record that spans lines names the zone",
		in:   "rpz.example. 60 IN SOA ns. root. (\n  1 ; serial\n  2 3 4 5 )\nrpz.example. NS ns.\nx.example.rpz.example. CNAME .\nout.example. CNAME .\n",
		want: reading{Accepted: []string{"name x.example", "name out.example"}},
	}, {
		name: "the owner of the SOA record is relative to the origin",
		in: "$ORIGIN lab.test.\nrpz 60 IN SOA ns.lab.test. root.lab.test. ( 1 2 3 4 5 )\n 60 IN NS ns.lab.test.\n" +
			"a.example.rpz CNAME .\n$ORIGIN rpz.lab.test.\nb.example CNAME .\n*.c.example CNAME .\ngood.example CNAME rpz-passthru.\n" +
			"32.1.2.0.192.rpz-ip CNAME .\n$ORIGIN example.rpz.lab.test.\nd CNAME .\n@ NS ns.\n$ORIGIN other.test.\ne.example CNAME .\n",
		want: reading{
			Accepted: []string{
				"name a.example", "name b.example", "under c.example", "allow name good.example", "cidr 192.0.2.1", "name d.example",
			},
			Skipped:  []string{"@ NS ns." + directive},
			Rejected: []string{"e.example"},
		},
	}, {
		name: "the origin may be the root, as in a dump of BIND",
		in: "$ORIGIN .\n$TTL 60\nrpz.test IN SOA ns.test. root.test. (\n 1 2 3 4 5 )\n NS ns.test.\n$ORIGIN rpz.test.\na.example CNAME .\n" +
			"$ORIGIN example.rpz.test.\nb CNAME .\n*.c CNAME .\n$ORIGIN .\nd.example.rpz.test CNAME .\n",
		want: reading{Accepted: []string{"name a.example", "name b.example", "under c.example", "name d.example"}},
	}, {
		name: "an origin without a final dot is relative to the one before",
		in:   "$ORIGIN lab.test\n$ORIGIN rpz\n@ SOA ns. root. 1 2 3 4 5\na.example CNAME .\n$ORIGIN rpz.lab.test\nb.example CNAME .\n",
		want: reading{Accepted: []string{"name a.example", "name b.example"}},
	}, {
		name: "the name of the zone is removed without a final dot too",
		in:   "rpz.test SOA ns. root. 1 2 3 4 5\nrpz.test NS ns.\na.example.rpz.test CNAME .\nb.example.RPZ.test. CNAME .\nc.example CNAME c.example.\n",
		want: reading{Accepted: []string{"name a.example", "name b.example", "allow name c.example"}},
	}, {
		name: "the servers of a zone tell its name",
		in: "$TTL 60\n@ IN SOA ns.rpz.test. root.rpz.test. 1 2 3 4 5\n@ IN NS ns.rpz.test.\na.example.rpz.test. CNAME .\n" +
			"*.b.example.rpz.test. CNAME .\n\tA 0.0.0.0\n32.1.2.0.192.rpz-ip.rpz.test. CNAME .\ngood.example.rpz.test. CNAME good.example.\n",
		want: reading{Accepted: []string{
			"name a.example", "under b.example", "under b.example", "cidr 192.0.2.1", "allow name good.example",
		}},
	}, {
		name: "absolute owners without a zone in common are names",
		in:   head + "a.example. CNAME .\nb.test. CNAME .\n*.c.example. CNAME .\nd.example CNAME .\n",
		want: reading{Accepted: []string{"name a.example", "name b.test", "under c.example", "name d.example"}},
	}, {
		name: "the name of the zone may come after its records",
		in:   "a.example.rpz.test. CNAME .\nb.example.rpz.test. CNAME .\nrpz.test. SOA ns. root. 1 2 3 4 5\nc.example.rpz.test. CNAME .\n",
		want: reading{Accepted: []string{"name a.example", "name b.example", "name c.example"}},
	}, {
		name: "a record without an owner belongs to the previous owner",
		in:   head + "a.example A 0.0.0.0\n\tAAAA ::\n",
		want: reading{Accepted: []string{"name a.example", "name a.example"}},
	}, {
		name: "addresses and patterns instead of names",
		in:   "192.0.2.0/24 CNAME .\n2001:db8::1 CNAME .\n*.192.0.2.1 CNAME .\nads.*.example CNAME .\n$INCLUDE more.zone\n",
		want: reading{Skipped: []string{
			"192.0.2.0/24" + asName, "2001:db8::1" + asName, "*.192.0.2.1: wildcard over an address", "ads.*.example" + pattern,
			"$INCLUDE more.zone" + directive,
		}},
	}, {
		name: "not records",
		in:   "evil.example\n!*.evil.example\nevil.example BLOCK .\n* CNAME .\na\\046b.example CNAME .\n",
		want: reading{Rejected: []string{
			"evil.example", "!*.evil.example", "evil.example BLOCK .", "*", "a\\046b.example",
		}},
	}})
}
