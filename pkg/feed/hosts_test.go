package feed_test

import (
	"testing"

	"github.com/resolverwatch/resolverwatch/pkg/feed"
)

func TestParse_hosts(t *testing.T) {
	t.Parallel()
	testFormat(t, feed.Hosts, []formatCase{{
		name: "names",
		in:   "0.0.0.0 evil.example\n127.0.0.1  two.example\t# why\n::  v6.example\n::1 Upper.EXAMPLE.\n240.0.0.1 reserved.example\n",
		want: reading{Accepted: []string{
			"name evil.example", "name two.example", "name v6.example", "name upper.example", "name reserved.example",
		}},
	}, {
		name: "each name of a line is an entry",
		in:   "0.0.0.0 a.example b.example\tc.example#d.example\n",
		want: reading{Accepted: []string{"name a.example", "name b.example", "name c.example"}},
	}, {
		name: "local names",
		in: "127.0.0.1 localhost localhost.localdomain\n::1 ip6-localhost ip6-loopback\nfe80::1%lo0 localhost\n" +
			"255.255.255.255 broadcasthost\n0.0.0.0 0.0.0.0\n",
		want: reading{Skipped: []string{
			"localhost: localhost or a similar local name", "localhost.localdomain: localhost or a similar local name",
			"ip6-localhost: localhost or a similar local name", "ip6-loopback: localhost or a similar local name",
			"localhost: localhost or a similar local name", "broadcasthost: localhost or a similar local name",
			"0.0.0.0: localhost or a similar local name",
		}},
	}, {
		name: "a name with a real address is not a block",
		in:   "192.0.2.10 intranet.example\n10.0.0.1 router.example\n2001:db8::1 v6.example\n",
		want: reading{Skipped: []string{
			"intranet.example: rewrite to a real address or another name",
			"router.example: rewrite to a real address or another name",
			"v6.example: rewrite to a real address or another name",
		}},
	}, {
		name: "an address instead of a name has no effect",
		in:   "0.0.0.0 192.0.2.1\n0.0.0.0 2001:db8::1\n",
		want: reading{Skipped: []string{
			"192.0.2.1: address instead of a name", "2001:db8::1: address instead of a name",
		}},
	}, {
		name: "comments and conditions",
		in:   "\xef\xbb\xbf# Title\n!#if !env_mv3\n0.0.0.0 evil.example\n!#endif\n   # indented\n",
		want: reading{Accepted: []string{"name evil.example"}},
	}, {
		name: "comments of lists that resolvers do not know",
		in: "0.0.0.0 a.example // seen at good.example\n0.0.0.0 b.example ; seen at good.example\n0.0.0.0 c.example ! good.example\n" +
			"0.0.0.0 d.example; good.example\n0.0.0.0 e.example//good.example\n0.0.0.0 f.example g.example;h.example i.example\n" +
			"// good.example\n; 0.0.0.0 good.example\n0.0.0.0 j.example\t#good.example\n0.0.0.0 k.example /* good.example\n",
		want: reading{
			Accepted: []string{
				"name a.example", "name b.example", "name c.example", "name d.example", "name e.example", "name f.example",
				"name g.example", "name j.example", "name k.example", "name good.example",
			},
			Rejected: []string{"/*"},
		},
	}, {
		name: "a comment instead of a name",
		in:   "0.0.0.0 # a.example\n0.0.0.0 // b.example\n0.0.0.0 ; c.example\n",
		want: reading{Rejected: []string{"0.0.0.0", "0.0.0.0 // b.example", "0.0.0.0 ; c.example"}},
	}, {
		name: "short forms of addresses",
		in:   "0 a.example\n0\tb.example c.example\n127.1 d.example\n0.0 e.example\n1 f.example\n00 g.example\n",
		want: reading{
			Accepted: []string{"name a.example", "name b.example", "name c.example", "name d.example", "name e.example"},
			Rejected: []string{"1 f.example", "00 g.example"},
		},
	}, {
		name: "not lines of a hosts file",
		in:   "evil.example\n0.0.0.0\n0.0.0.0 ev!l.example\n://[2001:db8::1]\n",
		want: reading{Rejected: []string{"evil.example", "0.0.0.0", "ev!l.example", "://[2001:db8::1]"}},
	}})
}
