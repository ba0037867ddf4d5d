package feed_test

import (
	"testing"

	"github.com/resolverwatch/resolverwatch/pkg/feed"
)

func TestParse_adblock(t *testing.T) {
	t.Parallel()
	const (
		url      = ": rule for some URLs of a host"
		pattern  = ": wildcard or part of a name"
		narrowed = ": rule for some clients, pages or types only"
		rewrite  = ": rewrite to a real address or another name"
		cosmetic = ": cosmetic rule"
		regex    = ": regular expression"
	)
	testFormat(t, feed.Adblock, []formatCase{{
		name: "host rules",
		in: "\xef\xbb\xbf[Adblock Plus 3.13]\n! Title\n||evil.example^\n||NoCaret.example\n||bar.example^|\n||*.under.example^\n" +
			"|start.example^\n://scheme.example^\nbare.example\n||bücher.example^\n||top^\n",
		want: reading{Accepted: []string{
			"subtree evil.example", "subtree nocaret.example", "subtree bar.example", "under under.example",
			"name start.example", "name scheme.example", "name bare.example", "subtree xn--bcher-kva.example",
			"subtree top",
		}},
	}, {
		name: "exceptions",
		in:   "@@||good.example^\n@@||good2.example^$important\n@@|exact.example|\n@@||192.0.2.1^\n@@/regex/\n@@||good*.example^\n@@||x.example^$elemhide\n",
		want: reading{
			Accepted: []string{
				"allow subtree good.example", "allow subtree good2.example", "allow name exact.example", "allow cidr 192.0.2.1",
			},
			Skipped: []string{"@@/regex/" + regex, "@@||good*.example^" + pattern, "@@||x.example^$elemhide" + narrowed},
		},
	}, {
		name: "addresses",
		in:   "||192.0.2.1^\n||192.0.2.2^$all\n192.0.2.3\n2001:db8::1\n||[2001:db8::2]^\n||2001:db8::3^\n||*.192.0.2.4^\n",
		want: reading{
			Accepted: []string{
				"cidr 192.0.2.1", "cidr 192.0.2.2", "cidr 192.0.2.3", "cidr 2001:db8::1", "cidr 2001:db8::2", "cidr 2001:db8::3",
			},
			Skipped: []string{"||*.192.0.2.4^: wildcard over an address"},
		},
	}, {
		name: "URL rules are never widened to their host",
		in: "||evil.example/path^$all\n||evil.example^path\n||evil.example:8080^\n|https://evil.example/\n/banner.html\n" +
			"&ad_box=\n||evil.example/\n|https://evil.example:80/x\n",
		want: reading{Skipped: []string{
			"||evil.example/path^$all" + url, "||evil.example^path" + url, "||evil.example:8080^" + url,
			"|https://evil.example/" + url, "/banner.html" + url, "&ad_box=" + url, "||evil.example/" + url,
			"|https://evil.example:80/x" + url,
		}},
	}, {
		name: "patterns are never widened to a host",
		in: "||ads*.example^\n||ads.\n||adserv\n://popup.\nexample.com^\n.evil.example^\n||*^\nevil.example|\n://blog.*.example^\n" +
			"||a.*.example^\n",
		want: reading{Skipped: []string{
			"||ads*.example^" + pattern, "||ads." + pattern, "||adserv" + pattern, "://popup." + pattern,
			"example.com^" + pattern, ".evil.example^" + pattern, "||*^" + pattern, "evil.example|" + pattern,
			"://blog.*.example^" + pattern, "||a.*.example^" + pattern,
		}},
	}, {
		name: "the end of a path is not a host",
		in:   "-miner.js\n_ads.example\n@@-miner.example\n||-a.example^\n",
		want: reading{
			Accepted: []string{"subtree -a.example"},
			Skipped:  []string{"-miner.js" + pattern, "_ads.example" + pattern, "@@-miner.example" + pattern},
		},
	}, {
		name: "regular expressions",
		in:   "/^ads[0-9]+/\n/banner\\d+/$important\n",
		want: reading{Skipped: []string{"/^ads[0-9]+/" + regex, "/banner\\d+/$important" + regex}},
	}, {
		name: "cosmetic rules",
		in: "##.ad\nevil.example##.ad\nevil.example#@#.ad\nevil.example#?#div:has(.x)\nevil.example#$#body { x: y }\n" +
			"evil.example#%#//scriptlet('x')\nevil.example$$script[x]\n[$path=/x]evil.example##.ad\n",
		want: reading{Skipped: []string{
			"##.ad" + cosmetic, "evil.example##.ad" + cosmetic, "evil.example#@#.ad" + cosmetic,
			"evil.example#?#div:has(.x)" + cosmetic, "evil.example#$#body { x: y }" + cosmetic,
			"evil.example#%#//scriptlet('x')" + cosmetic, "evil.example$$script[x]" + cosmetic,
			"[$path=/x]evil.example##.ad" + cosmetic,
		}},
	}, {
		name: "comments",
		in:   "! a\n# b\n#\n####### c #######\n!#if ext\n[uBlock Origin]\n||evil.example^\n",
		want: reading{Accepted: []string{"subtree evil.example"}},
	}, {
		name: "modifiers that keep the whole host",
		in: "||a.example^$all\n||b.example^$document\n||c.example^$doc,popup\n||d.example^$important\n||e.example^$ALL,_\n" +
			"||f.example^$network\n||g.example$all\n",
		want: reading{Accepted: []string{
			"subtree a.example", "subtree b.example", "subtree c.example", "subtree d.example", "subtree e.example",
			"subtree f.example", "subtree g.example",
		}},
	}, {
		name: "modifiers that narrow",
		in: "||a.example^$third-party\n||b.example^$popup\n||c.example^$script,image\n||d.example^$domain=x.example|y.example\n" +
			"||e.example^$denyallow=x.e.example\n||f.example^$dnstype=~CNAME\n||g.example^$client=192.0.2.1\n||h.example^$ctag=device_pc\n" +
			"||i.example^$all,app=org.example\n||j.example^$from-the-future\n||k.example^$badfilter\n||l.example^$important,badfilter\n",
		want: reading{Skipped: []string{
			"||a.example^$third-party" + narrowed, "||b.example^$popup" + narrowed, "||c.example^$script,image" + narrowed,
			"||d.example^$domain=x.example|y.example" + narrowed, "||e.example^$denyallow=x.e.example" + narrowed,
			"||f.example^$dnstype=~CNAME" + narrowed, "||g.example^$client=192.0.2.1" + narrowed,
			"||h.example^$ctag=device_pc" + narrowed, "||i.example^$all,app=org.example" + narrowed,
			"||j.example^$from-the-future" + narrowed, "||k.example^$badfilter: rule that cancels another",
			"||l.example^$important,badfilter: rule that cancels another",
		}},
	}, {
		name: "DNS rewrites",
		in: "||a.example^$dnsrewrite=NXDOMAIN;;\n||b.example^$dnsrewrite=0.0.0.0\n||c.example^$dnsrewrite=NOERROR;A;0.0.0.0\n" +
			"||d.example^$dnsrewrite=refused\n||e.example^$dnsrewrite=192.0.2.1\n||f.example^$dnsrewrite=NOERROR;CNAME;safe.example\n" +
			"||g.example^$dnsrewrite=safe.example\n@@||h.example^$dnsrewrite\n||i.example^$dnsrewrite=NOERROR\n",
		want: reading{
			Accepted: []string{
				"subtree a.example", "subtree b.example", "subtree c.example", "subtree d.example", "subtree i.example",
			},
			Skipped: []string{
				"||e.example^$dnsrewrite=192.0.2.1" + rewrite, "||f.example^$dnsrewrite=NOERROR;CNAME;safe.example" + rewrite,
				"||g.example^$dnsrewrite=safe.example" + rewrite, "@@||h.example^$dnsrewrite" + narrowed,
			},
		},
	}, {
		name: "lines of a hosts file in between",
		in:   "||evil.example^\n0.0.0.0 hosts.example # why\n192.0.2.1 real.example\n",
		want: reading{
			Accepted: []string{"subtree evil.example", "name hosts.example"},
			Skipped:  []string{"real.example" + rewrite},
		},
	}, {
		name: "malformed hosts",
		in:   "||^\n||ev..il.example^\n||192.0.2.300^\n",
		want: reading{Rejected: []string{"", "ev..il.example", "192.0.2.300"}},
	}})
}
